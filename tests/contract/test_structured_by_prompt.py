"""Forms from models without structured output of their own, over every vendor."""

from decimal import Decimal

import pytest

from providers.errors import ErrorKind
from tests.contract.questions import PROMPT, Posting, ask, broken, collect, failure_of, png


def form(**fields):
    return ask(response_model=Posting, structured_by_prompt=True, **fields)


async def test_the_plain_model_refuses_a_form_that_is_asked_for_natively(adapter_at):
    error = await failure_of(adapter_at("sandbox-plain").generate_content(ask(response_model=Posting)))

    assert error.kind is ErrorKind.PARAMETER
    assert error.parameter == "form"


async def test_the_plain_model_gives_the_form_when_asked_by_prompt(adapter_at, sandbox):
    reply = await adapter_at("sandbox-plain").generate_content(form(system_prompt="Be brief."))

    assert isinstance(reply.parsed, Posting)
    assert (reply.parsed.title, reply.parsed.salary) == ("Welder", Decimal(41500))
    assert Posting.model_validate_json(reply.text) == reply.parsed
    assert reply.usage.output_tokens > 0
    assert sandbox.hits()["total"] == 1


async def test_by_prompt_it_says_the_same_as_natively(adapter_at):
    native = await adapter_at("sandbox-mini").generate_content(ask(response_model=Posting))
    by_prompt = await adapter_at("sandbox-plain").generate_content(form())

    assert by_prompt.parsed == native.parsed
    assert by_prompt.usage.input_tokens > native.usage.input_tokens


async def test_it_streams_the_form_and_understands_it_at_the_end(adapter_at):
    pieces, last = await collect(adapter_at("sandbox-plain").stream_content(form()))

    assert last.text in "".join(pieces)
    assert last.parsed.title == "Welder"


async def test_a_picture_goes_with_it(adapter_at):
    reply = await adapter_at("sandbox-plain").generate_content(form(images=(png(),)))

    assert isinstance(reply.parsed, Posting)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("fault", ["broken_json", "truncated"])
async def test_a_reply_without_the_form_is_unparsable_and_billed(adapter_at, fault, streamed):
    adapter = adapter_at(f"sandbox-plain@{fault}")

    if streamed:
        _, error = await broken(adapter.stream_content(form()))
    else:
        error = await failure_of(adapter.generate_content(form()))

    assert error.kind is ErrorKind.UNPARSABLE
    assert error.usage.output_tokens > 0
    assert PROMPT.splitlines()[1] not in error.message


async def test_without_a_form_nothing_is_added_to_the_prompt(adapter_at):
    plain = await adapter_at("sandbox-plain").generate_content(ask())
    flagged = await adapter_at("sandbox-plain").generate_content(ask(structured_by_prompt=True))

    assert flagged.usage == plain.usage
    assert flagged.parsed is None
