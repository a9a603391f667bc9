"""Keeping the rollups equal to the rows.

A run rolls up the hours that have passed and does those again whose rows were touched since. Rows touched
after a run are found by id and `settled_at`, and their hours are read from the rows until the next run; so a
figure is exact at any time, and a run that did not happen costs speed only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Min, Q, QuerySet
from django.db.models.functions import TruncHour

from usage.models import AIProviderUsageLog, RollupState, UsageRollup, WorkRollup
from usage.stats import cell_sums, facts
from usage.stats.cell_sums import TRUNC, Cells
from usage.stats.dimensions import DAILY, HOURLY, PART, PARTED, Dimension, finest_span
from usage.stats.period import DAY, HOUR
from usage.stats.segments import Range, Standing
from usage.stats.work import rollups_of

# Raise it with a new dimension, or one kept in a new way: what was made by another shape is made again.
SHAPE = 3
# Longer than any transaction that writes usage rows: how long after its `settled_at` a row may appear.
COMMIT_LAG = timedelta(minutes=15)

Progress = Callable[[datetime], object]


def standing() -> Standing:
    """What may be read from the rollups right now (two short queries)."""
    state = RollupState.objects.first()
    until = _until(state) if state else None
    if state is None or until is None or state.as_of is None:
        return Standing()
    return Standing(until, frozenset(_touched_hours(state)), state.pruned_before)


def hold() -> RollupState:
    """The state, locked until the transaction ends. Who writes rows that were settled long ago holds it
    meanwhile: a row that has an id and is not committed is found by nothing but its `settled_at`."""
    RollupState.objects.get_or_create(id=1)
    return RollupState.objects.select_for_update().get(id=1)


def refresh(*, now: datetime, tell: Progress | None = None) -> int:
    """Bring the rollups up to the last full hour before `now`; returns how many UTC days were worked on, each
    of which `tell` is told.

    One transaction per day, serialised by the state's row. Safe to run twice at once, to kill, to run again.
    """
    with transaction.atomic():
        state = hold()
        # Before the rows are looked at, so that whatever comes meanwhile counts as touched.
        newest = AIProviderUsageLog.objects.aggregate(newest=Max("pk"))["newest"] or 0
        if _until(state) is None or state.as_of is None or state.shape != SHAPE:
            state.until = state.pruned_before or _first_day(None, now)
            state.as_of, state.last_row, state.shape = now, newest, SHAPE
            state.save()
    touched = _by_day(_touched_hours(state))
    for day, hours in touched.items():
        _do_again(day, [(hour, hour + HOUR) for hour in hours])
        _tell(tell, day)
    with transaction.atomic():
        state = RollupState.objects.select_for_update().get(id=1)
        state.as_of, state.last_row = max(now, state.as_of or now), max(newest, state.last_row)
        state.save()
    days = len(touched)
    while day_done := _do_next(_floor_hour(now)):
        days += 1
        _tell(tell, day_done)
    return days


def rebuild(*, now: datetime, tell: Progress | None = None) -> int:
    """Make every rollup anew, for rows that somebody changed by hand, except those whose rows were pruned;
    returns the number of days. Day by day, so that figures are exact and fast meanwhile."""
    state = RollupState.objects.first()
    days = 0
    if state is not None and state.until is not None:
        for day in days_kept(state):
            _do_again(day, [(day, day + DAY)])
            days += 1
            _tell(tell, day)
    return days + refresh(now=now, tell=tell)


def days_kept(state: RollupState) -> Iterator[datetime]:
    """The days (UTC midnights) that have rows or rollups, from the horizon on, as far as the rollups go."""
    until, after = _until(state), state.pruned_before
    while until is not None:
        rows = _first(AIProviderUsageLog.objects.all(), "created_at", after)
        cells = _first(
            UsageRollup.objects.filter(dimension=Dimension.TOTAL.value, span="hour"), "start", after
        )
        first = min((first for first in (rows, cells) if first is not None), default=until)
        if first >= until:
            return
        day = _floor_hour(first).replace(hour=0)
        yield day
        after = day + DAY


def _first(rows: QuerySet[Any, Any], column: str, since: datetime | None) -> datetime | None:
    if since is not None:
        rows = rows.filter(**{f"{column}__gte": since})
    first: datetime | None = rows.aggregate(first=Min(column))["first"]
    return first


def _until(state: RollupState) -> datetime | None:
    """As far as the rollups are of the shape that questions expect, or are all there is."""
    return state.until if state.shape == SHAPE else state.pruned_before


def _tell(tell: Progress | None, day: datetime) -> None:
    if tell is not None:
        tell(day)


def _touched_hours(state: RollupState) -> Iterable[datetime]:
    """Rolled-up hours with rows that were written or settled since the rows were last looked at."""
    if state.until is None or state.as_of is None:
        return ()
    since = Q(pk__gt=state.last_row) | Q(settled_at__gte=state.as_of - COMMIT_LAG)
    rows = AIProviderUsageLog.objects.filter(since, created_at__lt=state.until).order_by()
    if state.pruned_before is not None:
        rows = rows.filter(created_at__gte=state.pruned_before)
    return rows.annotate(hour=TruncHour("created_at", tzinfo=UTC)).values_list("hour", flat=True).distinct()


def _by_day(hours: Iterable[datetime]) -> dict[datetime, list[datetime]]:
    days: dict[datetime, list[datetime]] = defaultdict(list)
    for hour in sorted(hours):
        days[hour.replace(hour=0)].append(hour)
    return days


def _first_day(since: datetime | None, now: datetime) -> datetime:
    """The start of the first day with rows not before `since`; of today where there are none."""
    first = _first(AIProviderUsageLog.objects.all(), "created_at", since)
    return _floor_hour(min(first or now, now)).replace(hour=0)


def _floor_hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _do_again(day: datetime, ranges: Collection[Range]) -> None:
    with transaction.atomic():
        state = RollupState.objects.select_for_update().get(id=1)
        if state.until is None or day < (state.pruned_before or day):
            return
        until = min(day + DAY, state.until)
        with facts.of_rows(day, until):
            for start, end in ranges:
                _roll_hours(start, min(end, until))
            _roll_day(day, until)


def _do_next(goal: datetime) -> datetime | None:
    """Roll up to the end of the day that `until` is in, or to `goal`; says which day, None when that is
    reached."""
    with transaction.atomic():
        state = RollupState.objects.select_for_update().get(id=1)
        if state.until is None or state.until >= goal:
            return None
        state.until = max(state.until, min(_first_day(state.until, goal), goal))
        day = state.until.replace(hour=0)
        until = min(day + DAY, goal)
        with facts.of_rows(day, until):
            _roll_hours(state.until, until)
            _roll_day(day, until)
        state.until = until
        state.save()
    return day


def _roll_hours(start: datetime, end: datetime) -> None:
    _roll("hour", start, end, HOURLY)


def _roll_day(day: datetime, until: datetime) -> None:
    """A whole day; of the running one only what has no shorter rollups."""
    for start, end in parts_of(day, until):
        _roll("part", start, end, PARTED)
    _roll("day", day, until, DAILY if until == day + DAY else DAILY - HOURLY - PARTED)
    facts.store_persons(day)


def parts_of(day: datetime, until: datetime) -> list[Range]:
    """The quarters of the UTC day as far as `until`, the last one cut there."""
    starts = [day + n * PART for n in range(DAY // PART)]
    return [(start, min(start + PART, until)) for start in starts if start < until]


def _finest_first(kept: tuple[Dimension, bool]) -> tuple[bool, bool]:
    dimension, by_provider = kept
    return dimension is Dimension.TOTAL, not by_provider


def _finer(cells: Cells) -> Cells | None:
    """Cells kept already that these are the sums of, so that the rows are read no more often than needed."""
    dimension, by_provider = cells.dimension, cells.by_provider
    finest = finest_span(dimension, by_provider=by_provider)
    if cells.span != finest:
        return cells._replace(span=finest)
    if finest != "hour":
        return None
    if not by_provider and (dimension, True) in HOURLY:
        return cells._replace(by_provider=True)
    return cells._replace(dimension=Dimension.MODEL) if dimension is Dimension.TOTAL else None


def _roll(span: str, start: datetime, end: datetime, kept: Iterable[tuple[Any, bool]]) -> None:
    """Replace the cells of whole hours, or of one day, by what the rows say."""
    if start >= end:
        return
    replaced = UsageRollup.objects.filter(span=span, start__gte=start, start__lt=end)
    # Named, because that is what the index begins with.
    replaced.filter(dimension__in=[dimension.value for dimension in Dimension]).delete()
    WorkRollup.objects.filter(span=span, start__gte=start, start__lt=end).delete()
    for dimension, by_provider in sorted(kept, key=_finest_first):
        cells = Cells(span, start, end, dimension, by_provider=by_provider)
        finer = _finer(cells)
        if finer is None:
            cell_sums.store(cells)
        else:
            cell_sums.store_sums(cells, finer)
    if span == "hour" or end == start + DAY:
        trunc = TRUNC[span]("created_at", tzinfo=UTC)
        WorkRollup.objects.bulk_create(rollups_of(span, start, end, trunc), batch_size=500)
