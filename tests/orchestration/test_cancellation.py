"""The caller goes away. What it had begun is settled, and nothing it held stays held."""

import asyncio

import pytest

from accounts import concurrency
from accounts.concurrency import unfinished
from orchestration.calls.orchestrator import AIOrchestrator
from tests.waiting import PATIENCE_SECONDS, until
from usage.ledger.portable import PortableLedger
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = pytest.mark.django_db(transaction=True)


class LedgerThatSignals(PortableLedger):
    """Tells the test when a step has begun, and lets it take its time."""

    def __init__(self, *, slow_reserve=0.0, slow_settle=0.0):
        self.reserving, self.settling = asyncio.Event(), asyncio.Event()
        self.slow_reserve, self.slow_settle = slow_reserve, slow_settle

    async def reserve(self, attempt):
        self.reserving.set()
        await asyncio.sleep(self.slow_reserve)
        return await super().reserve(attempt)

    async def settle(self, reservation, outcome):
        self.settling.set()
        await asyncio.sleep(self.slow_settle)
        return await super().settle(reservation, outcome)


async def everything_settled():
    while working := unfinished():
        await asyncio.gather(*working, return_exceptions=True)


def cancel_when(user, ledger, reached):
    """Start a call, cancel it once `reached(ledger)` returns, and wait for what it left behind."""

    async def scenario():
        call = asyncio.ensure_future(
            AIOrchestrator(ledger=ledger).generate(user=user, task="extraction", prompt="Say hello.")
        )
        await reached(ledger)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(everything_settled(), PATIENCE_SECONDS)

    concurrency.run(scenario())


def nothing_is_reserved():
    return sum(QuotaCounter.objects.values_list("reserved", flat=True)) == 0


def test_leaving_while_the_vendor_works_is_charged_at_the_estimate(user, config_at, sandbox):
    config_at("sandbox-mini@hang", timeout=300)

    async def vendor_was_asked(ledger):
        await until(lambda: sandbox.hits()["total"] == 1)

    cancel_when(user, LedgerThatSignals(), vendor_was_asked)

    row = AIProviderUsageLog.objects.get()
    assert (row.status, row.usage_source, row.error_kind) == ("aborted", "estimated", "cancelled")
    assert row.total_tokens > 0
    assert nothing_is_reserved()


def test_leaving_while_the_quota_is_being_reserved_costs_nothing(user, config_at, sandbox):
    config_at()

    async def reserving(ledger):
        await ledger.reserving.wait()

    cancel_when(user, LedgerThatSignals(slow_reserve=0.2), reserving)

    row = AIProviderUsageLog.objects.get()
    assert (row.status, row.total_tokens, row.attempt, sandbox.hits()["total"]) == ("aborted", 0, 0, 0)
    assert nothing_is_reserved()


def test_leaving_while_the_reply_is_being_settled_keeps_the_real_figures(user, config_at):
    config_at()

    async def settling(ledger):
        await ledger.settling.wait()

    cancel_when(user, LedgerThatSignals(slow_settle=0.2), settling)

    row = AIProviderUsageLog.objects.get()
    assert (row.status, row.usage_source) == ("success", "vendor")
    assert nothing_is_reserved()


def test_a_ledger_that_cannot_settle_does_not_cost_the_caller_the_reply(user, config_at):
    class LedgerThatLosesItsDatabase(PortableLedger):
        async def settle(self, reservation, outcome):
            raise OSError("the database went away")

    config_at()

    result = concurrency.run(
        AIOrchestrator(ledger=LedgerThatLosesItsDatabase()).generate(
            user=user, task="extraction", prompt="Say hello."
        )
    )

    assert result.text
    assert AIProviderUsageLog.objects.get().status == "started", "left for the sweeper"
