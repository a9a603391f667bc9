"""The error table of docs/failures.md: one test a cell and vendor, streamed and not."""

import pytest
from pydantic import BaseModel

from providers.adapters.schemas import UnsupportedSchema
from providers.errors import ErrorKind
from tests.contract.questions import PROMPT, Posting, ask, broken, collect, failure_of
from tests.contract.vendors import KEYS, make_adapter

ERROR_TABLE = [
    ("auth", ErrorKind.AUTH),
    ("forbidden", ErrorKind.AUTH),
    ("billing", ErrorKind.BILLING),
    ("not_found", ErrorKind.NOT_FOUND),
    ("bad_request", ErrorKind.REJECTED),
    ("unprocessable", ErrorKind.REJECTED),
    ("unsupported", ErrorKind.PARAMETER),
    ("failed_dependency", ErrorKind.PATH),
    ("too_long", ErrorKind.TOO_LONG),
    ("too_large", ErrorKind.TOO_LARGE),
    ("request_timeout", ErrorKind.TIMEOUT),
    ("gateway_timeout", ErrorKind.SERVER),
    ("conflict", ErrorKind.SERVER),
    ("server", ErrorKind.SERVER),
    ("unavailable", ErrorKind.SERVER),
    ("disconnect", ErrorKind.SERVER),
    ("cut_stream", ErrorKind.SERVER),
    ("malformed", ErrorKind.MALFORMED),
    ("overloaded", ErrorKind.OVERLOADED),
    ("rate_limited", ErrorKind.RATE_LIMITED),
    ("blocked", ErrorKind.BLOCKED),
    ("blocked=answer", ErrorKind.BLOCKED),
    ("broken_json", ErrorKind.UNPARSABLE),
    ("truncated", ErrorKind.UNPARSABLE),
    ("empty", ErrorKind.UNPARSABLE),
]
# The vendor gave no answer, or none that says whether its model worked.
MAY_HAVE_COST = {
    "request_timeout",
    "gateway_timeout",
    "disconnect",
    "cut_stream",
    "malformed",
    "blocked",
    "blocked=answer",
    "broken_json",
    "truncated",
    "empty",
}


@pytest.mark.parametrize(("fault", "kind"), ERROR_TABLE)
@pytest.mark.parametrize("streamed", [False, True])
async def test_it_tells_the_kind_of_a_failure_after_one_attempt(
    adapter_at, sandbox, provider_type, fault, kind, streamed
):
    adapter = adapter_at(f"sandbox-mini@{fault}")
    request = ask(response_model=Posting)

    error = await failure_of(
        collect(adapter.stream_content(request)) if streamed else adapter.generate_content(request)
    )

    assert error.kind is kind
    assert error.vendor == provider_type
    assert sandbox.hits()["total"] == 1
    if not (fault == "blocked" and provider_type == "gemini"):
        assert error.may_have_cost is (fault in MAY_HAVE_COST)


@pytest.mark.parametrize("fault", [fault for fault, _ in ERROR_TABLE])
async def test_no_message_repeats_the_key_or_the_prompt_even_if_the_vendor_does(
    adapter_at, provider_type, fault
):
    # Whatever asked for the echo, the person who reads the log must not see it.
    adapter = adapter_at(f"sandbox-mini@echo@{fault}")
    request = ask("My secret ambition is beekeeping.", response_model=Posting)

    error = await failure_of(adapter.generate_content(request))

    shown = f"{error} {error.message} {error.vendor_code} {error!r}"
    assert KEYS[provider_type] not in shown
    assert "beekeeping" not in shown
    # A traceback prints causes, and the SDK's exception carries the vendor's text.
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert error.message.endswith(".")


@pytest.mark.parametrize(
    ("fault", "usage_is_told"),
    [("broken_json", True), ("truncated", True), ("empty", True), ("blocked", True)],
)
async def test_a_failure_that_was_billed_carries_its_usage(adapter_at, fault, usage_is_told):
    error = await failure_of(
        adapter_at(f"sandbox-mini@{fault}").generate_content(ask(response_model=Posting))
    )

    assert error.usage.input_tokens > 0


async def test_a_form_cut_off_at_the_limit_says_that_it_was_cut(adapter_at):
    error = await failure_of(adapter_at().generate_content(ask(response_model=Posting, max_output_tokens=3)))

    assert error.kind is ErrorKind.UNPARSABLE
    assert "cut off at 3 tokens" in error.message


@pytest.mark.parametrize("streamed", [False, True])
async def test_it_hands_on_how_long_to_wait(adapter_at, streamed):
    adapter = adapter_at("sandbox-mini@rate_limited=7")

    error = await failure_of(
        collect(adapter.stream_content(ask())) if streamed else adapter.generate_content(ask())
    )

    assert error.kind is ErrorKind.RATE_LIMITED
    assert error.retry_after == 7
    assert error.status_code == 429


async def test_it_knows_no_wait_where_none_was_told(adapter_at):
    error = await failure_of(adapter_at("sandbox-mini@server").generate_content(ask()))

    assert error.retry_after is None


@pytest.mark.parametrize("variant", ["auth=401", "auth=403", "auth=missing"])
async def test_it_knows_googles_other_ways_of_refusing_a_key(sandbox, variant):
    adapter = make_adapter("gemini", sandbox.gemini, model_name=f"sandbox-mini@{variant}")

    error = await failure_of(adapter.generate_content(ask()))

    assert error.kind is ErrorKind.AUTH
    await adapter.aclose()


async def test_an_error_in_the_middle_of_a_stream_has_its_kind_and_may_have_cost(adapter_at):
    items, error = await broken(adapter_at("sandbox-mini@stream_error").stream_content(ask(PROMPT * 3)))

    assert error.kind is ErrorKind.OVERLOADED
    assert error.may_have_cost is bool(items) is True
    assert all(isinstance(item, str) for item in items)


async def test_a_stream_that_is_cut_never_ends_in_a_reply(adapter_at):
    items, error = await broken(adapter_at("sandbox-mini@cut_stream").stream_content(ask(PROMPT * 3)))

    assert error.kind is ErrorKind.SERVER
    assert error.may_have_cost is True
    assert all(isinstance(item, str) for item in items)


async def test_a_bug_of_ours_is_not_blamed_on_the_vendor(adapter_at):
    class FreeForm(BaseModel):
        anything: dict[str, int]

    with pytest.raises(UnsupportedSchema):
        await adapter_at().generate_content(ask(response_model=FreeForm))
