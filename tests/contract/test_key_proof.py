"""What a list of models proves of a key: every way that servers answer, through each vendor's own SDK."""

import asyncio
import json
import re

import pytest

from providers.adapters import key_proof
from providers.adapters.base import GenerationRequest, ListedModel
from providers.adapters.credential_check import Doubt
from providers.adapters.openai import NO_RESPONSES_API
from providers.errors import ErrorKind, ProviderError
from tests.contract.vendors import KEYS, Recorder, make_adapter

LISTS = {
    "gemini": {"models": [{"name": "models/m", "inputTokenLimit": 1000}]},
    "openai": {"object": "list", "data": [{"id": "m", "object": "model"}]},
    "claude": {
        "data": [{"id": "m", "type": "model", "display_name": "M", "created_at": "2026-01-01T00:00:00Z"}]
    },
    "local": {"object": "list", "data": [{"id": "m", "object": "model"}]},
}
REFUSALS = {
    "gemini": (400, {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
                               "details": [{"reason": "API_KEY_INVALID"}]}}),
    "openai": (401, {"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key"}}),
    "claude": (401, {"type": "error", "error": {"type": "authentication_error", "message": "bad key"}}),
    "local": (401, {"error": "Unauthorized"}),
}  # fmt: skip
EMPTY_QUESTION_REFUSED = (400, {"error": {"message": "Missing required parameter: 'model'."}})


@pytest.fixture
async def check_at(provider_type):
    """Checks the vendor's key at a server that answers as `respond(method, path, key)` says."""
    requests = []

    async def check(respond, *, api_key=None, kind=provider_type):
        def answer(method, path, key):
            status, body = respond(method, path, key)
            return status, body if isinstance(body, bytes) else json.dumps(body).encode()

        with Recorder(respond=answer) as server:
            adapter = make_adapter(kind, server.url, api_key=api_key)
            outcome = await adapter.validate_credentials()
            await adapter.aclose()
        requests.extend(server.requests)
        return outcome

    check.requests = requests
    return check


def lists(path):
    return path.partition("?")[0].endswith("/models")


async def test_a_key_works_where_a_wrong_one_does_not(check_at, provider_type):
    def private(_method, path, key):
        if key != KEYS[provider_type]:
            return REFUSALS[provider_type]
        return (200, LISTS[provider_type]) if lists(path) else EMPTY_QUESTION_REFUSED

    check = await check_at(private)

    assert (check.is_valid, check.outcome, check.message) == (True, "works", "The key works.")
    assert check.models == ("m",)


async def test_a_list_for_everybody_proves_no_key(check_at, provider_type):
    # OpenRouter, NVIDIA and llama.cpp behind a key; Ollama without one.
    def public(_method, path, _key):
        return (200, LISTS[provider_type]) if lists(path) else EMPTY_QUESTION_REFUSED

    check = await check_at(public)

    assert (check.is_valid, check.outcome) == (None, "list_needs_no_key")
    assert "Reachable; the list needs no key" in check.message
    assert check.models == ("m",)


async def test_a_list_for_nobody_in_particular_proves_a_key_when_a_wrong_one_is_refused(
    check_at, provider_type
):
    def shown_to_guests(_method, path, key):
        if key not in ("", KEYS[provider_type]):
            return REFUSALS[provider_type]
        return (200, LISTS[provider_type]) if lists(path) else EMPTY_QUESTION_REFUSED

    assert (await check_at(shown_to_guests)).is_valid is True


async def test_a_server_that_wants_any_key_and_looks_at_none_proves_nothing(check_at, provider_type):
    def wants_one(_method, path, key):
        if not key:
            return REFUSALS[provider_type]
        return (200, LISTS[provider_type]) if lists(path) else EMPTY_QUESTION_REFUSED

    assert (await check_at(wants_one)).doubt is Doubt.LIST_NEEDS_NO_KEY


async def test_a_server_without_a_key_is_reachable_and_no_more(check_at):
    check = await check_at(lambda *_: (200, LISTS["local"]), api_key="", kind="local")

    assert (check.is_valid, check.message) == (None, key_proof.NO_KEY_SET)
    assert len(check_at.requests) == 1


@pytest.mark.parametrize("status", [403, 404, 302])
async def test_a_wrong_key_may_be_turned_away_in_other_words(check_at, provider_type, status):
    def private(_method, path, key):
        if key != KEYS[provider_type]:
            return status, b"<html>log in</html>"
        return (200, LISTS[provider_type]) if lists(path) else EMPTY_QUESTION_REFUSED

    assert (await check_at(private)).is_valid is True


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 529])
async def test_trouble_with_the_wrong_key_leaves_it_open(check_at, provider_type, status):
    def troubled(_method, path, key):
        if key != KEYS[provider_type]:
            return status, {}
        return (200, LISTS[provider_type]) if lists(path) else EMPTY_QUESTION_REFUSED

    check = await check_at(troubled)

    assert (check.is_valid, check.doubt) == (None, Doubt.UNCLEAR)
    assert "Test again" in check.message


async def test_the_wrong_key_tells_nothing_of_the_right_one(check_at, provider_type):
    await check_at(
        lambda _m, path, _k: (200, LISTS[provider_type]) if lists(path) else EMPTY_QUESTION_REFUSED
    )

    told = [str(headers) for _, headers, _ in check_at.requests]
    [wrong] = [headers for headers in told if KEYS[provider_type] not in headers]
    secret = re.sub(r"^(sk-ant-|sk-|AIza)", "", KEYS[provider_type])
    assert "invalid" in wrong
    assert not any(secret[i : i + 6] in wrong for i in range(len(secret) - 5))


@pytest.mark.parametrize("status", [400, 404, 405, 418, 429, 500, 502, 503, 529])
async def test_a_server_that_answered_was_reached(check_at, status):
    check = await check_at(lambda *_: (status, {"error": "something else"}))

    assert (check.is_valid, check.doubt) == (None, Doubt.UNCLEAR)
    assert "could not be reached" not in check.message


@pytest.mark.parametrize(
    "body",
    [
        b"<!doctype html><title>Welcome</title>",
        b'"a text"',
        b"42",
        b"null",
        b'{"error": "Unexpected endpoint or method. (GET /models)"}',
        b'{"data": "m"}',
        b'["m", 7]',
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"data": [' + b"9" * 5_001 + b"]}",
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_what_is_no_list_is_said_to_be_none(check_at, provider_type, body):
    check = await check_at(lambda *_: (200, body))

    assert (check.is_valid, check.doubt, check.listed) == (None, Doubt.UNCLEAR, ())
    assert "could not be reached" not in check.message


async def test_a_bare_array_is_a_list_as_well(check_at, provider_type):
    def bare(_method, path, _key):
        [models] = [value for value in LISTS[provider_type].values() if isinstance(value, list)]
        return (200, models) if lists(path) else EMPTY_QUESTION_REFUSED

    assert (await check_at(bare)).models == ("m",)


async def test_one_odd_entry_does_not_spoil_a_list(check_at, provider_type):
    odd = [None, 7, {"id": 7}, {"id": ""}, {"id": "x" * 201}, {"id": "a\x00b"}, {"id": "\u202egpt"},
           {"id": "\ud800"}, {"name": "no id"}, {"id": "m"}, {"id": "m"}]  # fmt: skip

    check = await check_at(
        lambda _m, path, _k: (200, {"data": odd}) if lists(path) else EMPTY_QUESTION_REFUSED
    )

    assert check.models == ("no id", "m")


@pytest.mark.parametrize(
    ("said", "listed"),
    [
        ({"context_length": 8192, "type": "chat"}, ListedModel("m", context_window=8192)),
        ({"context_window": 131072, "max_completion_tokens": 32768},
         ListedModel("m", context_window=131072, max_output_tokens=32768)),
        ({"max_context_length": 32768, "capabilities": {"vision": True}},
         ListedModel("m", vision=True, context_window=32768)),
        ({"max_context_length": 131072, "loaded_context_length": 4096},
         ListedModel("m", context_window=4096)),
        ({"max_model_len": 10**30, "capabilities": ["completion"]}, ListedModel("m")),
    ],
    ids=["Together", "Groq", "Mistral", "LM Studio", "nonsense"],
)  # fmt: skip
@pytest.mark.parametrize("provider_type", ["local"])
async def test_a_servers_own_words_are_understood(check_at, said, listed):
    check = await check_at(lambda *_: (200, [{"id": "m"} | said]))

    assert check.listed == (listed,)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b'{"detail":"Not Found"}'),
        (404, b"404 page not found"),
        (405, b"{}"),
        (501, b"{}"),
        (200, b'{"error": "Unexpected endpoint or method. (POST /responses)"}'),
        (200, b"<!doctype html>"),
    ],
)
@pytest.mark.parametrize("provider_type", ["openai"])
async def test_a_server_without_the_responses_api_is_found_out(check_at, status, body):
    check = await check_at(lambda _m, path, _k: (200, LISTS["openai"]) if lists(path) else (status, body))

    assert (check.is_valid, check.outcome, check.message) == (None, "other_api", NO_RESPONSES_API)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        EMPTY_QUESTION_REFUSED,
        (422, {"detail": [{"loc": ["body", "input"], "msg": "Field required"}]}),
        (404, {"error": {"code": "model_not_found", "message": "The model `None` does not exist"}}),
        (200, {"error": {"code": 400, "message": "Input required"}}),
        (500, {"error": {"message": "None is no model"}}),
    ],
)
@pytest.mark.parametrize("provider_type", ["openai"])
async def test_a_server_that_refuses_an_empty_question_has_the_responses_api(check_at, status, body):
    check = await check_at(lambda _m, path, _k: (200, LISTS["openai"]) if lists(path) else (status, body))

    assert check.doubt is Doubt.LIST_NEEDS_NO_KEY


@pytest.mark.parametrize("provider_type", ["openai"])
async def test_a_key_refused_by_the_api_itself_is_refused_whatever_the_list_says(check_at):
    check = await check_at(lambda _m, path, _k: (200, LISTS["openai"]) if lists(path) else REFUSALS["openai"])

    assert (check.is_valid, check.outcome) == (False, "refused")


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-a\x00b", "sk-\u00e9", "sk-a b", "sk-\ud800", '"sk-quoted"'])
async def test_a_key_that_no_header_carries_is_a_refused_key_and_nothing_is_sent(provider_type, key):
    with Recorder() as server:
        adapter = make_adapter(provider_type, server.url, api_key=key)
        errors = []
        for call in (
            lambda: adapter.generate_content(GenerationRequest(prompt="x")),
            lambda: anext(aiter(adapter.stream_content(GenerationRequest(prompt="x")))),
            adapter.list_models,
        ):
            with pytest.raises(ProviderError) as raised:
                await call()
            errors.append(raised.value)
        check = await adapter.validate_credentials()
        await adapter.aclose()

    assert {error.kind for error in errors} == {ErrorKind.AUTH}
    assert not any(error.may_have_cost or key in error.message for error in errors)
    assert check.is_valid is False
    assert server.requests == []


async def test_a_server_that_keeps_silent_about_the_wrong_key_leaves_it_open_within_the_timeout():
    class Stranger:
        async def list_models(self):
            await asyncio.Event().wait()

    class Adapter:
        timeout = 0.05

        async def list_models(self):
            return (ListedModel("m"),)

        async def missing_api(self):
            return ""

        def with_wrong_key(self):
            return Stranger()

    check = await key_proof.checked(Adapter())

    assert (check.is_valid, check.doubt, check.models) == (None, Doubt.UNCLEAR, ("m",))
