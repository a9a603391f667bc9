"""What a model does not take of a request is left out, at once and from then on."""

import json

import pytest
from pydantic import BaseModel

from accounts.errors import DomainError
from orchestration.models import TaskPolicy
from orchestration.routing.snapshot import current_snapshot
from providers.adapters.base import GenerationRequest
from providers.capabilities import parameters
from providers.capabilities.parameters import Parameter
from providers.models import ModelCapability
from tests.factories import make_config
from tests.scripted import GENERATED, MESSAGE, RESPONSE, chat_reply, scripted
from usage.models import AIProviderUsageLog

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("nothing_known"),
]


class Greeting(BaseModel):
    greeting: str


@pytest.fixture
def nothing_known():
    """Other tests' models are called alike."""
    parameters.forget()
    yield
    parameters.forget()


def refusal(message, *, param=None, code=None, status=400):
    return status, {
        "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    }


def config_of(server, provider_type="local", model_name="llama-3", **fields):
    keys = {"gemini": "AIza-test-key-0123456789abcdef", "claude": "sk-ant-test-0123456789"}
    key = keys.get(provider_type, "sk-test-0123456789abcdef")
    url = server.url.removesuffix("/v1") if provider_type in keys else server.url
    return make_config(
        provider_type=provider_type, model_name=model_name, base_url=url, api_key=key, **fields
    )


def plain_chat(asked, _number):
    """A server that knows no response_format."""
    if "response_format" in asked:
        return refusal("response_format is not supported")
    return 200, chat_reply('{"greeting": "habari"}')


def test_a_form_that_is_not_taken_is_asked_for_by_prompt_once_and_from_then_on(ask):
    with scripted(plain_chat) as server:
        config = config_of(server)
        first = ask("Say hello.", response_model=Greeting)
        second = ask("Say it again.", response_model=Greeting)

    assert [first.parsed, second.parsed] == [Greeting(greeting="habari")] * 2
    assert ["response_format" in asked for asked in server.asked] == [True, False, False]
    assert "JSON Schema" in json.dumps(server.asked[1])
    assert (first.attempts, second.attempts) == (2, 1)
    assert first.degraded == second.degraded == ("structured_output",)
    kinds = AIProviderUsageLog.objects.order_by("pk").values_list("error_kind", "total_tokens")
    assert list(kinds) == [("parameter", 0), ("", 8), ("", 8)]
    config.refresh_from_db()
    assert config.flagged_at is None


def test_a_model_with_a_row_is_remembered_as_data_for_every_process(ask):
    ModelCapability.objects.create(provider_type="local", model_name="LLAMA-3")
    with scripted(plain_chat) as server:
        config_of(server)
        ask("Say hello.", response_model=Greeting)
        # What another process knows, or this one after it was started again.
        parameters.forget()
        again = ask("Say it again.", response_model=Greeting)

    assert again.attempts == 1
    assert list(ModelCapability.objects.get().refused_parameters) == ["form"]
    assert current_snapshot().capabilities.refused_by("local", "llama-3") == {"form"}


def test_what_a_row_has_from_long_ago_is_tried_again(ask):
    ModelCapability.objects.create(
        provider_type="local", model_name="llama-3", refused_parameters={"form": "2020-01-01"}
    )
    with scripted(plain_chat) as server:
        config_of(server)
        ask("Say hello.", response_model=Greeting)

    assert ["response_format" in asked for asked in server.asked] == [True, False]


def test_without_a_row_none_is_made(ask):
    with scripted(plain_chat) as server:
        config_of(server)
        ask("Say hello.", response_model=Greeting)

    assert not ModelCapability.objects.exists()


def test_the_limit_is_sent_under_the_name_that_the_model_takes(ask):
    def newer(asked, _number):
        if "max_tokens" in asked:
            message = "'max_tokens' is not supported. Use 'max_completion_tokens' instead."
            return refusal(message, param="max_tokens", code="unsupported_parameter")
        return 200, chat_reply()

    with scripted(newer) as server:
        config_of(server)
        assert ask().attempts == 2

    first, second = server.asked
    assert second["max_completion_tokens"] == first["max_tokens"] > 0
    assert "max_tokens" not in second


def test_a_limit_higher_than_the_model_takes_is_lowered_to_what_it_names(ask):
    def small(asked, _number):
        if asked["max_tokens"] > 1000:
            return refusal("max_tokens is too large: 1536. This model supports at most 1000 of them")
        return 200, chat_reply()

    with scripted(small) as server:
        config_of(server)
        assert ask().attempts == 2

    assert [asked["max_tokens"] for asked in server.asked] == [1536, 1000]


def test_two_parameters_are_left_out_one_after_the_other(ask):
    def choosy(asked, _number):
        if "response_format" in asked:
            return refusal("response_format is not supported")
        if "max_tokens" in asked:
            return refusal("'max_tokens' is not supported. Use 'max_completion_tokens' instead.")
        return 200, chat_reply('{"greeting": "habari"}')

    with scripted(choosy) as server:
        config_of(server)
        assert ask("Say hello.", response_model=Greeting).attempts == 3


def test_a_parameter_that_is_refused_even_when_it_is_left_out_is_not_left_out_for_ever(ask):
    with scripted(lambda asked, number: refusal("response_format is not supported")) as server:
        config_of(server)
        with pytest.raises(DomainError) as raised:
            ask("Say hello.", response_model=Greeting)

    assert raised.value.code == "provider_failed"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("provider_type", "model_name", "sent", "message", "reply"),
    [
        (
            "openai",
            "o5-new",
            lambda asked: asked.get("reasoning"),
            "Unsupported value: 'reasoning.effort' does not support 'low' with this model.",
            RESPONSE,
        ),
        (
            "claude",
            "claude-next-7",
            lambda asked: asked.get("output_config"),
            "output_config.effort: this model does not support the effort parameter.",
            MESSAGE,
        ),
        (
            "gemini",
            "gemini-4-new",
            lambda asked: asked["generationConfig"].get("thinkingConfig"),
            "Thinking level LOW is not supported for this model.",
            GENERATED,
        ),
        (
            "openai",
            "gpt-4o",
            lambda asked: asked.get("store"),
            "Unknown parameter: 'store'.",
            RESPONSE,
        ),
    ],
)
def test_every_vendor_is_asked_without_what_its_model_refuses(
    ask, provider_type, model_name, sent, message, reply
):
    def strict(asked, _number):
        return refusal(message) if sent(asked) is not None else (200, reply)

    with scripted(strict) as server:
        config_of(server, provider_type, model_name)
        result = ask()

    assert (result.text, result.attempts) == ("Hello.", 2)
    assert [sent(asked) is not None for asked in server.asked] == [True, False]


@pytest.mark.parametrize(
    ("provider_type", "sent"),
    [
        ("openai", lambda asked: asked.get("text")),
        ("claude", lambda asked: asked.get("output_config")),
        ("gemini", lambda asked: asked["generationConfig"].get("responseJsonSchema")),
        ("local", lambda asked: asked.get("response_format")),
    ],
)
def test_every_vendors_form_is_asked_for_by_prompt_where_it_is_not_taken(ask, provider_type, sent):
    text = '{"greeting": "habari"}'
    replies = {
        "openai": json.loads(json.dumps(RESPONSE).replace('"Hello."', json.dumps(text))),
        "claude": json.loads(json.dumps(MESSAGE).replace('"Hello."', json.dumps(text))),
        "gemini": json.loads(json.dumps(GENERATED).replace('"Hello."', json.dumps(text))),
        "local": chat_reply(text),
    }

    def formless(asked, _number):
        if sent(asked) is not None:
            return refusal("Structured outputs are not supported by this model: json_schema")
        return 200, replies[provider_type]

    with scripted(formless) as server:
        config_of(server, provider_type, "gpt-4o" if provider_type == "openai" else "llama-3")
        ModelCapability.objects.create(
            provider_type=provider_type,
            model_name="gpt-4o" if provider_type == "openai" else "llama-3",
            structured_output=True,
        )
        result = ask("Say hello.", response_model=Greeting)

    assert result.parsed == Greeting(greeting="habari")
    assert result.degraded == ("structured_output",)


def test_only_so_many_models_are_remembered():
    for number in range(1100):
        parameters.note(provider_type="local", base_url="x", model_name=f"m{number}", parameter="form")

    def known(number):
        return parameters.refused_by(provider_type="local", base_url="x", model_name=f"m{number}")

    assert known(0) == frozenset()
    assert known(1099) == {Parameter.FORM}


def test_a_request_is_left_alone_by_a_model_that_takes_all_of_it():
    request = GenerationRequest(prompt="hello", max_output_tokens=100)

    assert parameters.applied(request, ()) is request
    assert parameters.applied(request, {"limit=4000"}).max_output_tokens == 100


@pytest.mark.parametrize(
    ("policy", "part", "message", "param"),
    [
        ({"service_tier": "flex"}, "service_tier", "Invalid service_tier for reasoning models", None),
        ({"service_tier": "flex"}, "service_tier", "Unsupported service_tier: flex", None),
        ({"prompt_cache": "1h"}, "prompt_cache_key", "Unknown parameter.", "prompt_cache_key"),
    ],
)
def test_what_a_policy_wishes_and_a_model_refuses_is_left_out_from_then_on(ask, policy, part, message, param):
    TaskPolicy.objects.create(task="extraction", **policy)

    def strict(asked, _number):
        return refusal(message, param=param) if part in asked else (200, RESPONSE)

    with scripted(strict) as server:
        config_of(server, "openai", "gpt-4o")
        first = ask("Say hello.", system_prompt="Be brief. " * 600)
        second = ask("Say it again.", system_prompt="Be brief. " * 600)

    assert (first.attempts, second.attempts) == (2, 1)
    assert [part in asked for asked in server.asked] == [True, False, False]
    wished = policy.get("service_tier", "")
    tiers = AIProviderUsageLog.objects.order_by("pk").values_list("requested_tier", flat=True)
    assert list(tiers) == [wished, "", ""]
