"""A copy of the database, a streaming standby of PostgreSQL, that figures for people are read from.

Nothing is decided by it: only the models of `FIGURES` are ever read there, only inside `read_figures`, and
counters of quotas are none of them. See docs/operations/growing.md.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.models import Model

logger = logging.getLogger(__name__)

R = TypeVar("R")

ALIAS = "replica"
FIGURES = frozenset(
    {"usage.aiproviderusagelog", "usage.rollupstate", "usage.usagerollup", "usage.workrollup"}
)
# Seconds for which a look at the copy holds, and for which one that is away or late is left alone: a standby
# that answers nothing costs whoever looks at it `connect_timeout`.
_LOOK_AGAIN, _LEAVE_ALONE = 1.0, 10.0

# By the primary's clock alone, so that no difference of clocks is taken for a lag. Where nothing was written
# for a while, the last commit is old although nothing is missing; then the positions are the same.
_WHERE_THE_PRIMARY_IS = "SELECT pg_current_wal_lsn()::text, clock_timestamp()"
_WHERE_THE_COPY_IS = """
SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn() >= %s::pg_lsn, pg_last_xact_replay_timestamp()
"""

_as_of: ContextVar[datetime | None] = ContextVar("figures_as_of", default=None)


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen of the copy: everything up to `as_of` is in it; None: it is not to be read. `holds_until`
    by this process's monotonic clock."""

    as_of: datetime | None
    holds_until: float


_latest: _Look | None = None


class FiguresRouter:
    """Django's router: whatever is not a figure, and every write, is the primary's."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        is_figure = _as_of.get() is not None and model._meta.label_lower in FIGURES
        return ALIAS if is_figure else DEFAULT_DB_ALIAS

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, first: Model, second: Model, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == ALIAS else None


def read_figures(ask: Callable[[], R]) -> R:
    """What `ask` finds, read from the copy where there is one that lags by no more than
    REPLICA_MAX_LAG_SECONDS; else, and where the copy fails meanwhile, from the primary. `ask` only reads,
    because it may be called twice; it evaluates its querysets itself."""
    as_of = _usable_as_of()
    if as_of is None:
        return ask()
    token = _as_of.set(as_of)
    try:
        return ask()
    except Error:
        # A standby also ends queries that hold up what it has to replay.
        logger.warning("Figures could not be read from the replica; the primary is asked", exc_info=True)
        _remember(None)
    finally:
        _as_of.reset(token)
    return ask()


def figures_as_of() -> datetime | None:
    """Inside `read_figures`: the moment up to which the copy that is being read knows everything, by the
    primary's clock. None where the primary is read, whose figures are those of now."""
    return _as_of.get()


def _usable_as_of() -> datetime | None:
    if ALIAS not in settings.DATABASES:
        return None
    if _latest and time.monotonic() < _latest.holds_until:
        return _latest.as_of
    try:
        as_of, lag = _look()
    except Error:
        logger.warning("The replica cannot be read; figures come from the primary", exc_info=True)
        return _remember(None)
    if as_of is None or lag > timedelta(seconds=settings.REPLICA_MAX_LAG_SECONDS):
        logger.warning("The replica lags by %s; figures come from the primary", lag)
        return _remember(None)
    return _remember(as_of)


def _look() -> tuple[datetime | None, timedelta]:
    """(As of when the copy is, by how much that is late); None where nobody can tell, or where the address is
    that of no standby."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_WHERE_THE_PRIMARY_IS)
        position, now = cursor.fetchone()
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(_WHERE_THE_COPY_IS, [position])
        is_standby, has_everything, last_commit = cursor.fetchone()
    as_of = (now if has_everything else last_commit) if is_standby else None
    return as_of, now - as_of if as_of else timedelta.max


def _remember(as_of: datetime | None) -> datetime | None:
    global _latest  # noqa: PLW0603 - one look per process
    seconds = _LEAVE_ALONE if as_of is None else _LOOK_AGAIN
    _latest = _Look(as_of, time.monotonic() + seconds)
    return as_of
