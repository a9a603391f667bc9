"""The orchestrator's hold on the ledger: nothing it starts is lost when the caller goes away, and how an
attempt ended, in the ledger's terms."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from accounts.concurrency import keep
from accounts.errors import DomainError
from orchestration.errors import ProviderTimedOut
from providers.adapters.base import ProviderReply, TokenUsage
from providers.errors import ProviderError
from usage.ledger.base import (
    Attempt,
    Ledger,
    Outcome,
    Reservation,
    Settlement,
    StaleRouting,
)
from usage.metrics import observers
from usage.models import Status, UsageSource

logger = logging.getLogger(__name__)


class Accounting:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def reserve(self, attempt: Attempt) -> Reservation:
        """`Ledger.reserve`; when the caller is cancelled while it runs, what it reserved is given back."""
        reserving = keep(self._reserve(attempt))
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
        settlement = await asyncio.shield(keep(self._settle(reservation, outcome)))
        if settlement is None:
            return Settlement(
                usage=outcome.usage or TokenUsage(), usage_source=UsageSource.ESTIMATED, cost_usd=None
            )
        return settlement

    async def settle_parked(self, reservation: Reservation, outcome: Outcome) -> Settlement:
        """`Ledger.settle` of a parked attempt, perhaps for the second time. Raises what the ledger raises:
        whoever looks after it comes back."""
        settlement = await self._ledger.settle(reservation, outcome)
        if settlement.is_news:
            observers.tell(lambda observer: observer.settled(reservation.attempt, outcome, settlement))
        return settlement

    async def refuse(self, attempt: Attempt, *, error_kind: str, error_message: str) -> None:
        """Log a call no vendor was asked for; a ledger that cannot write does not hide the refusal itself."""
        try:
            await self._ledger.record_refusal(attempt, error_kind=error_kind, error_message=error_message)
        except Exception:
            logger.exception("The refusal of request %s could not be logged", attempt.request_id)
        else:
            observers.tell(lambda observer: observer.refused(attempt, error_kind))

    async def answered_again(self, attempt: Attempt, *, latency_ms: int) -> None:
        """Log an answer from the cache; a ledger that cannot write does not take the answer away."""
        try:
            await self._ledger.record_cached(attempt, latency_ms=latency_ms)
        except Exception:
            logger.exception("The cached answer to request %s could not be logged", attempt.request_id)
        else:
            observers.tell(lambda observer: observer.answered_again(attempt))

    async def _reserve(self, attempt: Attempt) -> Reservation:
        reservation = await self._ledger.reserve(attempt)
        observers.tell(lambda observer: observer.reserved(reservation.attempt))
        return reservation

    async def _settle(self, reservation: Reservation, outcome: Outcome) -> Settlement | None:
        """None where the ledger cannot write. Observers are told here, where nothing is cancelled."""
        try:
            settlement = await self._ledger.settle(reservation, outcome)
        except Exception:
            logger.exception(
                "Usage row %s could not be settled; the sweeper will close it", reservation.log_id
            )
            settlement = None
        observers.tell(lambda observer: observer.settled(reservation.attempt, outcome, settlement))
        return settlement

    async def _give_back(self, reserving: asyncio.Task[Reservation]) -> None:
        with contextlib.suppress(DomainError, StaleRouting):
            reservation = await reserving
            await self.settle(reservation, unsent("cancelled"))


def success(reply: ProviderReply, *, latency_ms: int) -> Outcome:
    """Settled at the vendor's usage; at the reserved estimate where the vendor reported none."""
    return Outcome(
        status=Status.SUCCESS,
        usage=reply.usage,
        latency_ms=latency_ms,
        model_name=reply.model_name,
        service_tier=reply.service_tier,
    )


def failed(error: ProviderError, *, latency_ms: int, estimate: TokenUsage | None = None) -> Outcome:
    """A refusal costs what the vendor reported, or nothing; an answer that got lost may have been billed.
    `estimate` is of a stream that broke off, whose vendor has reported a part at most."""
    return Outcome(
        status=Status.TIMEOUT if error.meaning.caller == ProviderTimedOut.code else Status.ERROR,
        usage=None if estimate else error.usage,
        estimate=estimate,
        latency_ms=latency_ms,
        may_have_cost=error.may_have_cost or estimate is not None,
        model_name=error.model_name,
        service_tier=error.service_tier,
        error_kind=error.kind,
        error_message=error.message,
    )


def aborted(*, latency_ms: int, estimate: TokenUsage | None = None) -> Outcome:
    """The caller left while the vendor was at work; vendors bill that (docs/quota-and-accounting.md)."""
    return Outcome(
        status=Status.ABORTED,
        usage=None,
        estimate=estimate,
        latency_ms=latency_ms,
        error_kind="cancelled",
        error_message="The caller went away before the reply came.",
    )


def crashed(*, latency_ms: int) -> Outcome:
    """A bug of ours during the call: whether the vendor was reached is not known."""
    return Outcome(
        status=Status.ERROR,
        usage=None,
        latency_ms=latency_ms,
        error_kind="internal",
        error_message="An internal error ended the call.",
    )


def unsent(error_kind: str, error_message: str = "") -> Outcome:
    """What was reserved is given back: no vendor was asked after all."""
    return Outcome(
        status=Status.ABORTED,
        usage=None,
        latency_ms=0,
        may_have_cost=False,
        error_kind=error_kind,
        error_message=error_message,
        was_sent=False,
    )
