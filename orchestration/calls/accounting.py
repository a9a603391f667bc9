"""The orchestrator's hold on the ledger: nothing it starts is lost when the caller goes away."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from accounts.concurrency import keep
from providers.adapters.base import TokenUsage
from usage.ledger.base import (
    Attempt,
    Ledger,
    Outcome,
    QuotaExceeded,
    Reservation,
    Settlement,
    StaleRouting,
    UnknownPrice,
)
from usage.models import Status, UsageSource

logger = logging.getLogger(__name__)


class Accounting:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def reserve(self, attempt: Attempt) -> Reservation:
        """`Ledger.reserve`; when the caller is cancelled while it runs, what it reserved is given back."""
        reserving = keep(self._ledger.reserve(attempt))
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            keep(self._give_back(reserving))
            raise

    async def settle(self, reservation: Reservation, outcome: Outcome) -> Settlement:
        """`Ledger.settle`, finished even if the caller is cancelled.

        Never raises for a ledger that cannot write: the reply is worth more than the row, which stays
        `started` until the sweeper closes it at the reserved estimate.
        """
        settling = keep(self._ledger.settle(reservation, outcome))
        try:
            return await asyncio.shield(settling)
        except Exception:
            logger.exception(
                "Usage row %s could not be settled; the sweeper will close it", reservation.log_id
            )
            return Settlement(
                usage=outcome.usage or TokenUsage(), usage_source=UsageSource.ESTIMATED, cost_usd=None
            )

    async def refuse(self, attempt: Attempt, *, error_kind: str, error_message: str) -> None:
        """Log a call no vendor was asked for; a ledger that cannot write does not hide the refusal itself."""
        try:
            await self._ledger.record_refusal(attempt, error_kind=error_kind, error_message=error_message)
        except Exception:
            logger.exception("The refusal of request %s could not be logged", attempt.request_id)

    async def answered_again(self, attempt: Attempt, *, latency_ms: int) -> None:
        """Log an answer from the cache; a ledger that cannot write does not take the answer away."""
        try:
            await self._ledger.record_cached(attempt, latency_ms=latency_ms)
        except Exception:
            logger.exception("The cached answer to request %s could not be logged", attempt.request_id)

    async def _give_back(self, reserving: asyncio.Task[Reservation]) -> None:
        with contextlib.suppress(QuotaExceeded, UnknownPrice, StaleRouting):
            reservation = await reserving
            nothing_sent = Outcome(
                status=Status.ABORTED,
                usage=None,
                latency_ms=0,
                may_have_cost=False,
                error_kind="cancelled",
                was_sent=False,
            )
            await self.settle(reservation, nothing_sent)
