"""Whatever happens in whatever order, the counters are the sums over the rows."""

import pytest
from django.db.models import Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.adapters.base import TokenUsage
from tests.usage.attempts import NOON, make_attempt, run
from usage.ledger.base import Outcome, QuotaExceeded, QuotaLimit
from usage.ledger.limits import picos
from usage.ledger.portable import PortableLedger
from usage.models import AIProviderUsageLog, QuotaCounter

LIMIT = 1_500


@st.composite
def usages(draw):
    read, written, fresh = (draw(st.integers(0, 200)) for _ in range(3))
    wrote = draw(st.integers(0, 200))
    thought = draw(st.integers(0, wrote))
    return TokenUsage(read + written + fresh, wrote, read, written, thought)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(0, 400)),
        st.tuples(st.just("settle"), usages()),
        st.tuples(st.just("settle twice"), usages()),
        st.tuples(st.just("time out"), st.none()),
        st.tuples(st.just("be refused"), st.none()),
        st.tuples(st.just("be swept, then settle"), usages()),
        st.tuples(st.just("be swept"), st.none()),
    ),
    max_size=12,
)


def money_in_rows():
    """(used, reserved) in pico-dollars; a token costs 250,000 on its way in, 2,000,000 on its way out."""
    rows = list(AIProviderUsageLog.objects.all())
    used = sum(picos(row.estimated_cost_usd) for row in rows if row.settled_at)
    held = sum(
        250_000 * row.reserved_input_tokens + 2_000_000 * (row.reserved_tokens - row.reserved_input_tokens)
        for row in rows
        if row.status == "started"
    )
    return used, held


def play(step, ledger, in_flight, limits):
    what, how = step
    if what == "reserve":
        room = make_attempt(limits=limits, reserved_tokens=how, reserved_input_tokens=how // 2)
        try:
            in_flight.append(run(ledger.reserve(room)))
        except QuotaExceeded:
            return
    elif in_flight:
        reservation = in_flight.pop(0)
        if "swept" in what:
            run(ledger.sweep(now=NOON.replace(year=2099)))
        if "settle" in what:
            outcome = Outcome(status="success", usage=how, latency_ms=1)
            for _ in range(2 if what == "settle twice" else 1):
                run(ledger.settle(reservation, outcome))
        elif what != "be swept":
            billed = what == "time out"
            run(
                ledger.settle(
                    reservation, Outcome(status="error", usage=None, latency_ms=1, may_have_cost=billed)
                )
            )


@pytest.mark.django_db(transaction=True)
@settings(max_examples=25, deadline=None)
@given(steps=steps)
def test_the_counters_are_the_sums_over_the_rows(steps):
    AIProviderUsageLog.objects.all().delete()
    QuotaCounter.objects.all().delete()
    ledger, in_flight = PortableLedger(), []
    limits = (
        QuotaLimit("user:1", "day:2026-11-21", LIMIT, NOON),
        QuotaLimit("user:1", "month:2026-11", None, NOON),
        QuotaLimit("user-usd:1", "day:2026-11-21", 2 * 10**9, NOON),
        QuotaLimit("task-usd:1:extraction", "day:2026-11-21", 10**12, NOON),
    )

    for step in steps:
        play(step, ledger, in_flight, limits)

        held = (
            AIProviderUsageLog.objects.filter(status="started").aggregate(n=Sum("reserved_tokens"))["n"] or 0
        )
        spent = AIProviderUsageLog.objects.aggregate(n=Sum("total_tokens"))["n"] or 0
        for counter in QuotaCounter.objects.all():
            expected = money_in_rows() if "-usd:" in counter.scope else (spent, held)
            assert (counter.used, counter.reserved) == expected

    for row in AIProviderUsageLog.objects.all():
        assert row.total_tokens == row.input_tokens + row.output_tokens
        assert row.input_tokens >= row.cached_tokens + row.cache_write_tokens
        assert row.output_tokens >= row.reasoning_tokens
