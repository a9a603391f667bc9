"""What every vendor's adapter answers, asked through the real SDK over real HTTP against the sandbox."""

from decimal import Decimal

import pytest

from providers.adapters.base import ProviderReply, TokenUsage
from tests.contract.questions import Posting, ask, collect, png


async def test_it_answers_a_prompt(adapter_at, sandbox):
    reply = await adapter_at().generate_content(ask())

    assert "Welder" in reply.text
    assert reply.model_name == "sandbox-mini"
    assert reply.finish_reason == "stop"
    assert reply.parsed is None
    assert reply.vendor_request_id
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0
    assert sandbox.hits()["total"] == 1


async def test_it_sends_the_system_prompt_apart_from_the_prompt(adapter_at):
    plain = await adapter_at().generate_content(ask())
    instructed = await adapter_at().generate_content(ask(system_prompt="Answer like a blacksmith."))

    # Five words and a full stop, read by the vendor, and not taken for something the person said.
    assert instructed.usage.input_tokens == plain.usage.input_tokens + 6
    assert instructed.text == plain.text


async def test_it_shows_images(adapter_at):
    without = await adapter_at().generate_content(ask("What is this?"))
    reply = await adapter_at().generate_content(ask("What is this?", images=(png(64, 48), png(31, 17))))

    assert "64 x 48" in reply.text
    assert "31 x 17" in reply.text
    assert reply.usage.input_tokens > without.usage.input_tokens


async def test_it_returns_the_form_that_was_asked_for(adapter_at):
    reply = await adapter_at().generate_content(ask(response_model=Posting))

    assert isinstance(reply.parsed, Posting)
    assert reply.parsed.title == "Welder"
    assert reply.parsed.company == "Brückner & Söhne"
    assert reply.parsed.location == "Kassel"
    assert reply.parsed.salary == Decimal(41500)
    assert reply.parsed.seniority is None


async def test_it_reads_an_image_into_a_form(adapter_at):
    reply = await adapter_at().generate_content(ask("What is this?", images=(png(),), response_model=Posting))

    assert isinstance(reply.parsed, Posting)


async def test_it_streams_text_and_ends_with_the_same_reply_as_without_streaming(adapter_at, sandbox):
    whole = await adapter_at().generate_content(ask())
    pieces, last = await collect(adapter_at().stream_content(ask()))

    assert "".join(pieces) == last.text == whole.text
    assert isinstance(last, ProviderReply)
    assert last.usage == whole.usage
    assert last.finish_reason == "stop"
    assert sandbox.hits()["total"] == 2


async def test_it_streams_a_form(adapter_at):
    pieces, last = await collect(adapter_at().stream_content(ask(response_model=Posting)))

    assert Posting.model_validate_json("".join(pieces)) == last.parsed


async def test_a_reply_that_reached_the_limit_says_so(adapter_at):
    reply = await adapter_at().generate_content(ask(max_output_tokens=2))

    assert reply.finish_reason == "length"
    assert reply.usage.output_tokens == 2


@pytest.mark.parametrize("streamed", [False, True])
async def test_usage_is_in_one_convention_whatever_the_vendor_counts_in(adapter_at, streamed):
    plain = (await adapter_at().generate_content(ask())).usage
    adapter = adapter_at("sandbox-mini@cached=4@reasoning=9")

    if streamed:
        _, reply = await collect(adapter.stream_content(ask()))
    else:
        reply = await adapter.generate_content(ask())

    assert reply.usage == TokenUsage(
        input_tokens=plain.input_tokens,
        output_tokens=plain.output_tokens + 9,
        cached_tokens=4,
        reasoning_tokens=9,
    )


@pytest.mark.parametrize("streamed", [False, True])
async def test_usage_that_was_not_reported_is_unknown(adapter_at, streamed):
    adapter = adapter_at("sandbox-mini@no_usage")

    if streamed:
        _, reply = await collect(adapter.stream_content(ask()))
    else:
        reply = await adapter.generate_content(ask())

    assert reply.usage is None
    assert "Welder" in reply.text


async def test_usage_that_contradicts_itself_is_unknown(adapter_at, provider_type):
    # Anthropic counts what the cache read apart from the input, so there these numbers are in order.
    reply = await adapter_at("sandbox-mini@usage=10,5@cached=30").generate_content(ask())

    assert reply.usage == (TokenUsage(40, 5, cached_tokens=30) if provider_type == "claude" else None)
