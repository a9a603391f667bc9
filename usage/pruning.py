"""Deleting old usage rows: archived first, and their sums kept for ever in the rollups."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import Min

from usage import log_archive
from usage.models import AIProviderUsageLog, RollupState, Status
from usage.pruning_lease import AlreadyPruning, PruningLease, PruningRefused, one_at_a_time
from usage.stats import rollup, verification
from usage.stats.period import DAY

logger = logging.getLogger(__name__)

# A limit set within a month adds up the rows of its window, and the longest comparison looks back 60 days.
LEAST_DAYS = 62
ROWS_A_FILE = 20_000
_AT_ONCE = 1_000

Progress = Callable[[datetime, int], object]


@dataclass(slots=True)
class Pruned:
    """`rows` were archived and deleted, or would be; rows before `horizon` are gone. `held_up_by` says why it
    is not as far as was asked."""

    rows: int = 0
    files: int = 0
    horizon: datetime | None = None
    held_up_by: str = ""


def prune(
    *,
    older_than_days: int,
    directory: Path,
    now: datetime,
    dry_run: bool = False,
    tell: Progress | None = None,
) -> Pruned:
    """Archive and delete the rows of whole UTC days that ended so many days ago, oldest first; `tell` is told
    each day and how many rows went. One chunk is held in memory. May be killed and run again at any time.

    A day is closed first: from then on its rollups are all that statistics know of it. It is not while one of
    its calls is open, or a rollup of it is not what the rows say. PruningRefused for too few days, or while
    another run prunes; OSError and `ArchiveDamaged` when the archive cannot be trusted."""
    if older_than_days < LEAST_DAYS:
        raise PruningRefused(f"Keep at least {LEAST_DAYS} days: quotas and comparisons look that far back.")
    limit = (now - timedelta(days=older_than_days)).replace(hour=0, minute=0, second=0, microsecond=0)
    if dry_run:
        count = AIProviderUsageLog.objects.filter(created_at__lt=limit).count()
        return Pruned(rows=count, horizon=limit, held_up_by=_open_before(limit))
    rollup.refresh(now=now)
    try:
        # The directory may be one that another installation uses too.
        with one_at_a_time() as lease, log_archive.locked(directory):
            done = _prune_days(limit, directory, lease, tell)
    except BlockingIOError:
        raise AlreadyPruning from None
    except (log_archive.ArchiveDamaged, OSError) as error:
        _keep_reason(str(error))
        raise
    _keep_reason(done.held_up_by)
    return done


def _keep_reason(reason: str) -> None:
    """For the alert, which stands until a run is not held up."""
    if reason:
        logger.warning("The usage log was not pruned as far as asked: %s", reason)
    RollupState.objects.filter(id=1).update(pruning_held_up_by=reason[:300])


def _prune_days(limit: datetime, directory: Path, lease: PruningLease, tell: Progress | None) -> Pruned:
    done = Pruned()
    while (day := _oldest_day()) is not None and day + DAY <= limit:
        lease.keep()
        done.held_up_by = _close(day)
        if done.held_up_by:
            break
        rows, files = _archive_and_delete(day, directory, lease)
        done.rows, done.files = done.rows + rows, done.files + files
        if tell is not None:
            tell(day, rows)
    done.horizon = RollupState.objects.values_list("pruned_before", flat=True).first()
    return done


def _oldest_day() -> datetime | None:
    oldest: datetime | None = AIProviderUsageLog.objects.aggregate(oldest=Min("created_at"))["oldest"]
    return oldest and oldest.replace(hour=0, minute=0, second=0, microsecond=0)


def _open_before(limit: datetime) -> str:
    is_open = AIProviderUsageLog.objects.filter(status=Status.STARTED, created_at__lt=limit)
    first = is_open.order_by("created_at").values_list("created_at", flat=True).first()
    return f"A call of {first:%Y-%m-%d} is still open; `sweep_usage` closes it." if first else ""


def _close(day: datetime) -> str:
    """Move the horizon to the end of the day, when its rollups are its rows; else says what is in the way."""
    with transaction.atomic():
        state = RollupState.objects.select_for_update().get(id=1)
        if state.pruned_before is not None and day < state.pruned_before:
            return ""
        if state.until is None or state.until < day + DAY:
            return f"{day:%Y-%m-%d} is not rolled up yet."
        if reason := _open_before(day + DAY):
            return reason
        stale = rollup.standing().stale
        if any(day <= hour < day + DAY for hour in stale):
            return f"Rows of {day:%Y-%m-%d} were written a moment ago. The next run takes them up."
        if any(verification.of_day(day, state)):
            return f"The rollups of {day:%Y-%m-%d} are not what its rows say: `roll_up_usage --verify` tells."
        state.pruned_before = day + DAY
        state.save()
    return ""


def _archive_and_delete(day: datetime, directory: Path, lease: PruningLease) -> tuple[int, int]:
    """How many rows were deleted, and into how many new files they went. Files of a run that was killed come
    first."""
    of_day = AIProviderUsageLog.objects.filter(created_at__gte=day, created_at__lt=day + DAY)
    deleted = sum(_delete_archived(day, path, lease) for path in log_archive.files_of(directory, day.date()))
    files = 0
    while of_day.exists():
        rows = of_day.order_by("pk")[:ROWS_A_FILE].iterator(chunk_size=2_000)
        path = log_archive.write(directory, day.date(), lease.kept_over(rows))
        gone = _delete_archived(day, path, lease)
        if not gone:
            raise log_archive.ArchiveDamaged(f"{path} does not read as it was written.")
        deleted, files = deleted + gone, files + 1
    return deleted, files


def _delete_archived(day: datetime, path: Path, lease: PruningLease) -> int:
    """Delete the rows that the file holds exactly as they are, read back from it; says how many."""
    archived, deleted = log_archive.digests(path), 0
    every = list(archived)
    for first in range(0, len(every), _AT_ONCE):
        ids = every[first : first + _AT_ONCE]
        with transaction.atomic():
            lease.keep()
            rows = AIProviderUsageLog.objects.select_for_update().filter(
                pk__in=ids, created_at__gte=day, created_at__lt=day + DAY
            )
            saved = [row.pk for row in rows if log_archive.digest_of(row) == archived[row.pk]]
            deleted += AIProviderUsageLog.objects.filter(pk__in=saved).delete()[0]
    return deleted
