"""Closing on PostgreSQL what nobody closed: two statements a batch, whatever its size."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError

from accounts.concurrency import in_database_thread
from usage.ledger import rows, statements
from usage.ledger.connections import fetch_all, fetch_one
from usage.ledger.limits import CounterKey
from usage.ledger.rows import Held
from usage.metrics import observers
from usage.models import AIProviderUsageLog
from usage.pricing import Overrides, overrides_for

logger = logging.getLogger(__name__)

Overdue = Sequence[AIProviderUsageLog]
# A row, the columns that close it, and by how much its counters move.
Closing = tuple[AIProviderUsageLog, Mapping[str, Any], Mapping[CounterKey, tuple[int, int]]]


async def sweep(*, now: datetime, most_at_once: int) -> int:
    """How many were closed. A row that cannot be closed is logged and left, and the rest goes on."""
    observers.tell(lambda observer: observer.sweeping())
    total, after = 0, 0
    while overdue := await _overdue(now, after, most_at_once):
        total += await _close(overdue, now)
        after = overdue[-1].pk
    return total


async def _overdue(now: datetime, after: int, most: int) -> Overdue:
    found = await fetch_all(statements.overdue(), [now, after, most])
    return [AIProviderUsageLog(**dict(zip(statements.HELD, row, strict=True))) for row in found]


async def _close(overdue: Overdue, now: datetime) -> int:
    try:
        prices = await in_database_thread(_prices_of, overdue)
        closing = [(row, *rows.swept(Held.by_row(row), overrides=prices, now=now)) for row in overdue]
        found = await fetch_one(*_statement(closing))
    except (IntegrityError, DataError):
        if len(overdue) == 1:
            logger.exception("The usage row %s cannot be swept", overdue[0].pk)
            return 0
        return sum([await _close([row], now) for row in overdue])
    ids = set(found[0] or ()) if found else set()
    closed = [(row, columns) for row, columns, _ in closing if row.pk in ids]
    observers.tell(lambda observer: observer.swept(closed))
    return len(closed)


def _prices_of(overdue: Overdue) -> Overrides:
    """The admin's own prices of all models that were asked (one query for each type of provider)."""
    models: dict[str, set[str]] = {}
    for row in overdue:
        models.setdefault(row.provider_type, set()).add(row.model_name)
    found: dict[Any, Any] = {}
    for provider_type, names in models.items():
        found |= overrides_for(provider_type=provider_type, model_names=names)
    return found


def _statement(closing: Sequence[Closing]) -> tuple[str, list[object]]:
    """The statement that closes them, and its parameters."""
    closed, moves = [], []
    for row, columns, moved in closing:
        closed.append(dict(zip(columns, statements.prepared(columns), strict=True)))
        moves += [(row.pk, *key, *by) for key, by in moved.items()]
    ids, names = [row.pk for row, _, _ in closing], tuple(closed[0])
    lists = [[columns[name] for columns in closed] for name in names]
    moved_by = [list(column) for column in zip(*moves, strict=True)] or [[], [], [], [], []]
    return statements.sweeping(names), [ids, *lists, ids, *moved_by]
