"""The ledger on the ORM: any Django database, one thread hop and one short transaction per operation."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.concurrency import in_database_thread
from accounts.personal_tokens import token_stamp_of
from accounts.standing import SignedOut, is_family_living, stamp_of
from providers.models import RoutingRevision
from usage.ledger import holds, rows
from usage.ledger.base import (
    Attempt,
    Ledger,
    Outcome,
    QuotaExceeded,
    QuotaLimit,
    QuotaWarning,
    Reservation,
    Settlement,
    StaleRouting,
    StaleStanding,
)
from usage.ledger.beginnings import used_before
from usage.ledger.limits import CounterKey, exceeded
from usage.ledger.rows import Held
from usage.metrics import observers
from usage.models import AIProviderUsageLog, QuotaCounter, Status
from usage.pricing import Overrides, overrides_for

logger = logging.getLogger(__name__)

SWEEP_BATCH = 200

# The counter may come into being, or tokens be freed, between the UPDATE that found no room and our look at
# why; then there is room after all. Bounded for databases whose snapshot would show it for ever.
HOLD_TRIES = 3

# What a vendor may have reported that a row or its price has no place for.
CANNOT_BE_WRITTEN = (DataError, IntegrityError, ArithmeticError, AttributeError, TypeError, ValueError)


class PortableLedger(Ledger):
    """Exact because every counter moves by one conditional UPDATE, whose row lock (or SQLite's write lock)
    the database holds until the commit."""

    async def reserve(self, attempt: Attempt) -> Reservation:
        return await in_database_thread(self._reserve, attempt)

    async def settle(self, reservation: Reservation, outcome: Outcome) -> Settlement:
        return await in_database_thread(_settle, reservation, outcome)

    async def record_refusal(self, attempt: Attempt, *, error_kind: str, error_message: str) -> None:
        row = rows.refused(attempt, error_kind=error_kind, error_message=error_message)
        await in_database_thread(row.save, force_insert=True)

    async def record_cached(self, attempt: Attempt, *, latency_ms: int) -> None:
        row = rows.answered_again(attempt, latency_ms=latency_ms)
        await in_database_thread(row.save, force_insert=True)

    async def sweep(self, *, now: datetime) -> int:
        """One transaction per batch; a row that cannot be closed is logged and left, and the rest goes on."""
        observers.tell(lambda observer: observer.sweeping())
        total, after = 0, 0
        while ids := await in_database_thread(_overdue, now, after):
            total += await in_database_thread(_sweep_batch, ids, now)
            after = ids[-1]
        return total

    def _reserve(self, attempt: Attempt) -> Reservation:
        try:
            return self._open(attempt)
        except QuotaExceeded:
            if attempt.fewest_tokens == attempt.reserved_tokens:
                raise
        return self._open(attempt, with_what_is_left=True)

    def _open(self, attempt: Attempt, *, with_what_is_left: bool = False) -> Reservation:
        try:
            with transaction.atomic(durable=True):
                _verify(attempt)
                near = []
                overrides = prices_to_hold(attempt)
                if with_what_is_left:
                    attempt = holds.cut(attempt, taken=self._locked_counters(attempt), overrides=overrides)
                held = holds.holds_of(attempt, overrides=overrides)
                for limit, hold in held:
                    taken = self._hold(limit, hold.amount, attempt)
                    if taken is not None:
                        near.append(QuotaWarning(limit, taken))
                row = rows.opened(attempt, (hold for _, hold in held))
                row.save(force_insert=True)
        except IntegrityError:
            # The config or the user was deleted between our look and the check of the foreign key.
            _verify(attempt)
            raise
        return Reservation(row.pk, attempt, tuple(hold for _, hold in held), tuple(near))

    def _locked_counters(self, attempt: Attempt) -> dict[CounterKey, tuple[int, int]]:
        """(used, reserved) of every counter, which nobody else moves before the end of the transaction: near
        a limit calls go one by one, so that what is left is what can be held."""
        taken = {}
        for limit in sorted(attempt.limits, key=lambda limit: limit.key):
            counters = QuotaCounter.objects.filter(scope=limit.scope, window=limit.window).select_for_update()
            counter = counters.first()
            if counter is None:
                _begin(limit, attempt)
                counter = counters.get()
            taken[limit.key] = counter.used, counter.reserved
        return taken

    def _hold(self, limit: QuotaLimit, amount: int, attempt: Attempt) -> int | None:
        """Move one counter, or raise QuotaExceeded. A counter's first use in its window makes the row.

        Returns what is taken of a quota of the user's own that is past its warning mark now, else None. The
        mark costs nothing before it is reached: the statement that moves the counter stops there first.
        """
        quiet = limit.limit if limit.subject == "provider" else limit.quiet_until
        counter = None
        for _ in range(HOLD_TRIES):
            if _raise_reserved(limit, amount, most=quiet):
                return None
            counter = _counter(limit)
            if counter is None:
                _begin(limit, attempt)
                continue
            taken = counter.used + counter.reserved + amount
            if limit.limit is not None and taken > limit.limit:
                break
            if quiet != limit.limit and _raise_reserved(limit, amount, most=limit.limit):
                return taken
        counter = counter or QuotaCounter()
        raise exceeded(
            limit,
            used=counter.used,
            reserved=counter.reserved,
            requested=amount,
            now=attempt.started_at,
        )


def _verify(attempt: Attempt) -> None:
    """That what the caller went by still stands."""
    if RoutingRevision.current() != attempt.routing_revision:
        raise StaleRouting
    if attempt.stamp is not None and attempt.user_id and stamp_of(attempt.user_id) != attempt.stamp:
        raise StaleStanding
    token_id, stamp = attempt.personal_token, attempt.token_stamp
    if token_id and stamp is not None and token_stamp_of(token_id) != stamp:
        raise StaleStanding
    if attempt.login_family and not is_family_living(attempt.login_family):
        raise SignedOut


def prices_to_hold(attempt: Attempt) -> Overrides:
    """The admin's prices, read only where money is limited."""
    if attempt.prices is not None:
        return attempt.prices
    if all(limit.unit == "tokens" for limit in attempt.limits):
        return {}
    return overrides_for(provider_type=attempt.provider_type, model_names=[attempt.model_name])


def prices_of_settlement(attempt: Attempt, outcome: Outcome) -> Overrides:
    """The admin's prices of the model that was asked for and of the one that answered."""
    if attempt.prices is not None:
        return attempt.prices
    names = (attempt.model_name, outcome.model_name)
    return overrides_for(provider_type=attempt.provider_type, model_names=names)


def _raise_reserved(limit: QuotaLimit, amount: int, *, most: int | None) -> bool:
    """Whether the counter could be raised without more than `most` being taken of it."""
    counters = QuotaCounter.objects.filter(scope=limit.scope, window=limit.window)
    if most is not None:
        # used + reserved + amount <= most, arranged as a filter can say it.
        counters = counters.filter(used__lte=most - amount - F("reserved"))
    return bool(counters.update(reserved=F("reserved") + amount))


def _counter(limit: QuotaLimit) -> QuotaCounter | None:
    return QuotaCounter.objects.filter(scope=limit.scope, window=limit.window).first()


def _begin(limit: QuotaLimit, attempt: Attempt) -> None:
    counter = QuotaCounter(scope=limit.scope, window=limit.window, used=used_before(limit, attempt))
    QuotaCounter.objects.bulk_create([counter], ignore_conflicts=True)


def _settle(reservation: Reservation, outcome: Outcome) -> Settlement:
    try:
        return _settle_as(reservation, outcome)
    except CANNOT_BE_WRITTEN:
        logger.exception("Usage row %s is settled at the estimate", reservation.log_id)
        return _settle_as(reservation, rows.without_details(outcome))


def _settle_as(reservation: Reservation, outcome: Outcome) -> Settlement:
    held, outcome = Held.by_reservation(reservation), rows.presentable(outcome)
    overrides = prices_of_settlement(reservation.attempt, outcome)
    settlement, columns = rows.closed(held, outcome, overrides=overrides, now=timezone.now())
    row = AIProviderUsageLog.objects.filter(pk=reservation.log_id)
    charged = held.charge(tokens=settlement.usage.total_tokens, cost_usd=settlement.cost_usd)
    with transaction.atomic(durable=True):
        if row.filter(status=Status.STARTED).update(**columns):
            _move({hold.key: (charged[hold.key], -hold.amount) for hold in held.holds})
        elif stands := row.select_for_update().first():
            already = held.charge(tokens=stands.total_tokens, cost_usd=stands.estimated_cost_usd)
            if stands.swept:
                settlement = replace(settlement, corrects_sweep=True)
                row.update(**columns, swept=False)
                _move({key: (charged[key] - already[key], 0) for key in charged})
            else:
                settlement, charged = rows.as_it_stands(stands), already
    return replace(settlement, quota_warnings=rows.warnings_after(reservation, charged))


def _move(changes: Mapping[CounterKey, tuple[int, int]]) -> None:
    """Add (used, reserved) to each counter. Never limited: what was spent was spent."""
    for scope, window in rows.lock_order(changes):
        used, reserved = changes[scope, window]
        if used or reserved:
            QuotaCounter.objects.filter(scope=scope, window=window).update(
                used=F("used") + used, reserved=F("reserved") + reserved
            )


def _overdue(now: datetime, after: int) -> list[int]:
    """Ids past `after` of the next batch of rows whose caller must have died."""
    overdue = AIProviderUsageLog.objects.filter(status=Status.STARTED, expires_at__lt=now, pk__gt=after)
    return list(overdue.order_by("pk").values_list("pk", flat=True)[:SWEEP_BATCH])


def _sweep_batch(ids: Sequence[int], now: datetime) -> int:
    try:
        return _close_abandoned(ids, now)
    except (IntegrityError, DataError):
        if len(ids) == 1:
            logger.exception("The usage row %s cannot be swept", ids[0])
            return 0
    return sum(_sweep_batch([pk], now) for pk in ids)


def _close_abandoned(ids: Sequence[int], now: datetime) -> int:
    """Close those of the rows that are still open and that nobody else is closing right now."""
    changes: dict[CounterKey, tuple[int, int]] = defaultdict(lambda: (0, 0))
    closed = []
    with transaction.atomic(durable=True):
        for row in _locked(ids):
            held = Held.by_row(row)
            overrides = overrides_for(provider_type=held.provider_type, model_names=[held.model_name])
            columns, moves = rows.swept(held, overrides=overrides, now=now)
            if not AIProviderUsageLog.objects.filter(pk=row.pk, status=Status.STARTED).update(**columns):
                continue
            closed.append((row, columns))
            for key, (used_by, reserved_by) in moves.items():
                used, reserved = changes[key]
                changes[key] = (used + used_by, reserved + reserved_by)
        _move(changes)
    observers.tell(lambda observer: observer.swept(closed))
    return len(closed)


def _locked(ids: Sequence[int]) -> list[AIProviderUsageLog]:
    """The open ones among the rows, locked where the database can; a sweeper beside us takes the others."""
    open_rows = AIProviderUsageLog.objects.filter(pk__in=ids, status=Status.STARTED).order_by("pk")
    skip_locked = connection.features.has_select_for_update_skip_locked
    return list(open_rows.select_for_update(skip_locked=skip_locked))
