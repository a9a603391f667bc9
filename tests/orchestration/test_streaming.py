"""Answers that are handed on as they come: through the real SDKs, to the sandbox."""

import asyncio
import random

import pytest

from accounts import concurrency
from accounts.concurrency import unfinished
from accounts.models import Plan
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.errors import ContentBlocked, StreamInterrupted, StreamNotRead
from providers.registry import PROVIDER_TYPES
from tests.waiting import PATIENCE_SECONDS, until
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = pytest.mark.django_db(transaction=True)

WIRES = ("openai", "claude", "gemini", "local")
TEXT = "The engineers of Jua Logistics write Python and know PostgreSQL well. " * 6


@pytest.fixture
def streamed(user):
    """A stream for Alice, to be entered on the event loop."""

    def stream(prompt=TEXT, *, task="cv_draft", **arguments):
        return AIOrchestrator().stream(user=user, task=task, prompt=prompt, **arguments)

    return stream


async def read(stream, *, most=None):
    """The pieces, at most so many of them, and the result of a stream that was read to its end."""
    pieces = []
    async with stream:
        async for text in stream:
            pieces.append(text)
            if len(pieces) == most:
                return pieces, None
    return pieces, stream.result


async def everything_settled():
    while working := unfinished():
        await asyncio.wait(working)


def run(coroutine):
    async def scenario():
        try:
            return await coroutine
        finally:
            await asyncio.wait_for(everything_settled(), PATIENCE_SECONDS)

    return concurrency.run(scenario())


def nothing_is_reserved():
    return sum(QuotaCounter.objects.values_list("reserved", flat=True)) == 0


def kinds():
    rows = AIProviderUsageLog.objects.order_by("attempt")
    return [(row.attempt, row.status, row.usage_source, row.error_kind) for row in rows]


@pytest.mark.parametrize("wire", WIRES)
def test_a_stream_hands_on_the_text_and_settles_what_the_vendor_reported(wire, config_at, streamed, sandbox):
    config_at(provider_type=wire)

    pieces, result = run(read(streamed()))

    assert "".join(pieces) == result.text
    row = AIProviderUsageLog.objects.get()
    assert (row.attempt, row.status, row.usage_source) == (1, "success", "vendor")
    assert (row.input_tokens, row.output_tokens) == (result.usage.input_tokens, result.usage.output_tokens)
    assert sandbox.hits()["total"] == 1
    assert nothing_is_reserved()


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("fault", ["cut_stream", "stream_error"])
def test_a_stream_that_its_vendor_breaks_off_is_paid_for_and_goes_to_nobody_else(
    wire, fault, config_at, streamed, sandbox
):
    config_at(f"sandbox-mini@{fault}@drip=0.01", provider_type=wire, priority=2)
    config_at("sandbox-large", priority=1)

    with pytest.raises(StreamInterrupted) as refused:
        run(read(streamed()))

    assert [one["provider_type"] for one in refused.value.details["attempts"]] == [wire]
    row = AIProviderUsageLog.objects.get()
    assert (row.status, row.usage_source) == ("error", "estimated")
    assert 0 < row.input_tokens < row.total_tokens
    assert row.output_tokens < row.reserved_tokens - row.reserved_input_tokens
    assert sandbox.hits()["total"] == 1
    assert nothing_is_reserved()


def test_before_the_first_piece_the_next_provider_answers(config_at, streamed, sandbox):
    config_at("sandbox-mini@server", provider_type="claude", priority=2)
    config_at("sandbox-large", provider_type="gemini", priority=1)

    pieces, result = run(read(streamed()))

    assert (result.provider_type, result.attempts) == ("gemini", AIProviderUsageLog.objects.count())
    assert {status for _, status, _, _ in kinds()} == {"error", "success"}
    assert "".join(pieces) == result.text


@pytest.mark.parametrize("wire", WIRES)
def test_a_caller_who_leaves_closes_the_vendors_stream(wire, config_at, streamed, sandbox):
    config_at("sandbox-mini@drip=0.05", provider_type=wire, timeout=300)

    pieces, _ = run(read(streamed(), most=2))

    assert kinds() == [(1, "aborted", "estimated", "cancelled")]
    row = AIProviderUsageLog.objects.get()
    assert row.output_tokens >= len("".join(pieces)) // 4
    assert row.output_tokens < row.reserved_tokens - row.reserved_input_tokens
    assert nothing_is_reserved()
    assert run(until(lambda: sandbox.hits()["in_flight"] == 0)) is None


def test_callers_who_leave_at_random_lose_no_row(config_at, streamed, sandbox):
    Plan.objects.update(daily_token_limit=None)
    config_at("sandbox-mini@drip=0.01", provider_type="gemini", timeout=300)
    chance = random.Random(20)
    stays = [chance.randint(1, 4) for _ in range(16)]

    async def everybody():
        await asyncio.gather(*(read(streamed(), most=pieces) for pieces in stays))

    run(everybody())

    assert sandbox.hits()["total"] == len(stays)
    assert [kind[1:] for kind in kinds()] == [("aborted", "estimated", "cancelled")] * len(stays)
    assert nothing_is_reserved()


def test_a_reader_who_stops_reading_is_given_up_on(config_at, streamed, settings, monkeypatch):
    settings.STREAM_IDLE_SECONDS = 1
    monkeypatch.setattr("orchestration.calls.streaming.MOST_WAITING", 2)
    config_at(timeout=300)

    async def scenario():
        async with streamed() as stream:
            await everything_settled()
            with pytest.raises(StreamNotRead):
                async for _ in stream:
                    pass

    run(scenario())

    assert kinds() == [(1, "aborted", "estimated", "cancelled")]
    assert nothing_is_reserved()


def test_a_vendor_that_falls_silent_is_given_up_on(config_at, streamed, settings):
    settings.STREAM_IDLE_SECONDS = 1
    config_at("sandbox-mini@drip=3600", provider_type="gemini", timeout=300)

    with pytest.raises(StreamInterrupted):
        run(read(streamed()))

    assert kinds() == [(1, "timeout", "estimated", "timeout")]


def test_an_answer_that_is_blocked_is_said_to_be(config_at, streamed):
    config_at("sandbox-mini@blocked", provider_type="claude")

    with pytest.raises(ContentBlocked):
        run(read(streamed()))

    assert nothing_is_reserved()


def test_every_adapter_is_streamed_here():
    assert {entry.adapter for entry in PROVIDER_TYPES.values()} == {
        PROVIDER_TYPES[wire].adapter for wire in WIRES
    }
