"""The ledger on PostgreSQL: one statement an operation, on the event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from django.db import DataError, IntegrityError
from django.utils import timezone

from accounts.concurrency import in_database_thread, keep
from accounts.standing import SignedOut
from usage.ledger import holds, rows, statements, sweeper
from usage.ledger.base import (
    Attempt,
    Hold,
    Outcome,
    QuotaLimit,
    QuotaWarning,
    Reservation,
    Settlement,
    StaleRouting,
    StaleStanding,
    UnknownPrice,
)
from usage.ledger.batches import Batches
from usage.ledger.connections import fetch_all, fetch_one
from usage.ledger.limits import exceeded
from usage.ledger.portable import (
    CANNOT_BE_WRITTEN,
    SWEEP_BATCH,
    PortableLedger,
    prices_of_settlement,
    prices_to_hold,
)
from usage.ledger.rows import Held
from usage.models import AIProviderUsageLog
from usage.pricing import Overrides

R = TypeVar("R")

# Milliseconds for which a statement that others may wait for waits for a lock.
PATIENCE = 250

# What the statement that reserves says when something is not as the caller took it to be.
_UNVERIFIED = {"stale": StaleRouting, "moved": StaleStanding, "signed_out": SignedOut}


class PostgresLedger(PortableLedger):
    """Exact by the same row locks as the portable ledger's, taken in the same order. The rare cases are left
    to it, each in a transaction of its own after a statement that changed nothing: a counter that begins with
    the sum of its rows, a call that is cut to what is left, a row that was swept or settled before, and what
    the database does not take."""

    has_stamps = True

    async def reserve(self, attempt: Attempt) -> Reservation:
        try:
            return await self._reserve_at_once(attempt)
        except (UnknownPrice, IntegrityError, DataError):
            # Where the routing has moved meanwhile, that is the answer; the portable ledger looks first.
            return await super().reserve(attempt)

    async def settle(self, reservation: Reservation, outcome: Outcome) -> Settlement:
        try:
            settlement = await _settle_at_once(reservation, outcome)
        except CANNOT_BE_WRITTEN:
            settlement = None
        return settlement or await super().settle(reservation, outcome)

    async def record_refusal(self, attempt: Attempt, *, error_kind: str, error_message: str) -> None:
        await _to_the_end(_insert(rows.refused(attempt, error_kind=error_kind, error_message=error_message)))

    async def record_cached(self, attempt: Attempt, *, latency_ms: int) -> None:
        await _to_the_end(_insert(rows.answered_again(attempt, latency_ms=latency_ms)))

    async def sweep(self, *, now: datetime) -> int:
        return await sweeper.sweep(now=now, most_at_once=SWEEP_BATCH)

    async def _reserve_at_once(self, attempt: Attempt) -> Reservation:
        overrides = await _prices_to_hold(attempt)
        held = holds.holds_of(attempt, overrides=overrides)
        verdict, at_counter, used, reserved, taken, log_id = await _openings.ask(
            (_counters_of(attempt, held), rows.columns_opened(attempt, (hold for _, hold in held)))
        )
        if verdict == "held":
            return Reservation(log_id, attempt, tuple(hold for _, hold in held), _near(held, taken))
        if refusal := _UNVERIFIED.get(verdict):
            raise refusal
        if verdict == "full":
            limit, _ = held[at_counter - 1]
            # The counters before this one had room for all of the call, so for its fewest tokens as well.
            fewest = replace(attempt, reserved_tokens=attempt.fewest_tokens)
            _, needed = holds.holds_of(fewest, overrides=overrides)[at_counter - 1]
            if limit.limit is None or used + reserved + needed.amount > limit.limit:
                raise exceeded(
                    limit, used=used, reserved=reserved, requested=needed.amount, now=attempt.started_at
                )
            return await in_database_thread(self._open, attempt, with_what_is_left=True)
        return await super().reserve(attempt)


async def _prices_to_hold(attempt: Attempt) -> Overrides:
    if attempt.prices is not None:
        return attempt.prices
    return await in_database_thread(prices_to_hold, attempt)


def _counters_of(attempt: Attempt, held: Sequence[tuple[QuotaLimit, Hold]]) -> dict[str, Any]:
    return {
        "revision": attempt.routing_revision,
        "scopes": [hold.scope for _, hold in held],
        "windows": [hold.window for _, hold in held],
        "amounts": [hold.amount for _, hold in held],
        "limits": [limit.limit for limit, _ in held],
        "is_summed": [limit.starts_at is not None for limit, _ in held],
        "stamp": attempt.stamp,
        "login_family": attempt.login_family,
        "token_stamp": attempt.token_stamp,
    }


def _near(held: Iterable[tuple[QuotaLimit, Hold]], taken: Iterable[int]) -> tuple[QuotaWarning, ...]:
    return tuple(
        QuotaWarning(limit, amount)
        for (limit, _), amount in zip(held, taken, strict=True)
        if limit.subject != "provider" and limit.is_due_for_warning(amount)
    )


async def _settle_at_once(reservation: Reservation, outcome: Outcome) -> Settlement | None:
    """None when the row is not open any more; then nothing was changed."""
    held, outcome = Held.by_reservation(reservation), rows.presentable(outcome)
    overrides = reservation.attempt.prices
    if overrides is None:
        overrides = await in_database_thread(prices_of_settlement, reservation.attempt, outcome)
    settlement, columns = rows.closed(held, outcome, overrides=overrides, now=timezone.now())
    charged = held.charge(tokens=settlement.usage.total_tokens, cost_usd=settlement.cost_usd)
    moves = {
        "id": reservation.log_id,
        "scopes": [hold.scope for hold in held.holds],
        "windows": [hold.window for hold in held.holds],
        "used_by": [charged[hold.key] for hold in held.holds],
        "reserved_by": [-hold.amount for hold in held.holds],
    }
    if not await _settlings.ask((moves, columns)):
        return None
    return replace(settlement, quota_warnings=rows.warnings_after(reservation, charged))


async def _reserve_together(
    calls: Sequence[tuple[dict[str, Any], Mapping[str, Any]]],
) -> list[Sequence[Any]]:
    """What the statement says of each call: verdict, counter, what is used and reserved there, what is taken
    of all, and the id of the row."""
    asked = [{"place": place, **moves, **columns} for place, (moves, columns) in enumerate(calls)]
    keys = _keys_of(moves for moves, _ in calls) if len(calls) > 1 else []
    locks = [[key[part] for key in keys] for part in range(3)]
    found = await fetch_all(statements.reserving(tuple(calls[0][1])), [*locks, PATIENCE, _as_json(asked)])
    said = {place: rest for place, *rest in found}
    return [said[place] for place in range(len(calls))]


def _keys_of(moves: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, bool]]:
    """The counters of several calls, each once, in the order of locking."""
    keys = {
        (scope, window): is_summed
        for one in moves
        for scope, window, is_summed in zip(one["scopes"], one["windows"], one["is_summed"], strict=True)
    }
    return [(*key, keys[key]) for key in rows.lock_order(keys)]


async def _settle_together(
    rows_to_close: Sequence[tuple[dict[str, Any], Mapping[str, Any]]],
) -> list[bool]:
    """Of each row, whether it was open and is closed now."""
    names = tuple(rows_to_close[0][1])
    ids = [moves["id"] for moves, _ in rows_to_close]
    if len(set(ids)) < len(ids) or any(tuple(columns) != names for _, columns in rows_to_close):
        # Not the same twice in one statement, nor different columns.
        return [(await _settle_together([one]))[0] for one in rows_to_close]
    asked = [{**moves, **columns} for moves, columns in rows_to_close]
    found = await fetch_one(statements.settling(names), [str(PATIENCE), _as_json(asked)])
    closed = set(found[0] or ()) if found else set()
    return [pk in closed for pk in ids]


def _as_json(asked: Sequence[Mapping[str, Any]]) -> str:
    # Decimals and moments as text, from which PostgreSQL reads them exactly.
    return json.dumps(asked, default=str)


_openings = Batches(_reserve_together)
_settlings = Batches(_settle_together)


async def _insert(row: AIProviderUsageLog) -> None:
    columns = statements.columns_of(row)
    await fetch_one(statements.inserting(tuple(columns)), statements.prepared(columns))


async def _to_the_end(writing: Coroutine[Any, Any, R]) -> R:
    """Whoever wants the row may be cancelled; it is written all the same."""
    return await asyncio.shield(keep(writing))
