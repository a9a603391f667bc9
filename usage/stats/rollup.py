"""Keeping the rollups equal to the rows.

A run rolls up the hours that have passed and does those again whose rows were touched since. Rows touched
after a run are found by id and `settled_at`, and their hours are read from the rows until the next run; so a
figure is exact at any time, and a run that did not happen costs speed only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, Value
from django.db.models.functions import TruncDay, TruncHour

from usage.models import AIProviderUsageLog, RollupState, UsageRollup, WorkRollup
from usage.stats.cells import ALL_PROVIDERS, Dimension, figures_of, latencies_of, settled_rows, sums_of
from usage.stats.figures import COUNTS
from usage.stats.period import DAY, HOUR
from usage.stats.segments import Standing
from usage.stats.work import rollups_of

# Longer than any transaction that writes usage rows: how long after its `settled_at` a row may appear.
COMMIT_LAG = timedelta(minutes=15)

# (dimension, each provider apart): what is kept by the hour. By the day it is everything but users by
# provider. Finer tables would hold about as many rows as there are calls.
HOURLY = frozenset(
    {(dimension, False) for dimension in Dimension if dimension is not Dimension.USER}
    | {(Dimension.TOTAL, True), (Dimension.ERROR, True)}
)
DAILY = frozenset(
    {(dimension, False) for dimension in Dimension}
    | {(dimension, True) for dimension in Dimension if dimension is not Dimension.USER}
)
_TABLES: tuple[Any, ...] = (UsageRollup, WorkRollup)
_TRUNC: dict[str, Any] = {"hour": TruncHour, "day": TruncDay}
_WITHOUT_LATENCY = (Dimension.USER, Dimension.ERROR)


def standing() -> Standing:
    """What may be read from the rollups right now (two short queries)."""
    state = RollupState.objects.first()
    if state is None or state.until is None or state.as_of is None:
        return Standing()
    return Standing(state.until, frozenset(_touched_hours(state.until, state.as_of, state.last_row)))


def refresh(*, now: datetime) -> int:
    """Bring the rollups up to the last full hour before `now`; returns how many UTC days were worked on.

    One transaction per day, serialised by the state's row. Safe to run twice at once, to kill, to run again.
    """
    RollupState.objects.get_or_create(id=1)
    # Before the rows are looked at, so that whatever comes meanwhile counts as touched.
    newest = AIProviderUsageLog.objects.aggregate(newest=Max("pk"))["newest"] or 0
    with transaction.atomic():
        state = RollupState.objects.select_for_update().get(id=1)
        if state.until is None or state.as_of is None:
            state.until, state.as_of, state.last_row = _first_day(None, now), now, newest
            state.save()
    touched = _by_day(_touched_hours(state.until, state.as_of, state.last_row))
    for day, hours in touched.items():
        _do_again(day, hours)
    with transaction.atomic():
        state = RollupState.objects.select_for_update().get(id=1)
        state.as_of, state.last_row = max(now, state.as_of or now), max(newest, state.last_row)
        state.save()
    days = len(touched)
    while _do_next(_floor_hour(now)):
        days += 1
    return days


def rebuild(*, now: datetime) -> int:
    """Make every rollup anew, for rows that somebody changed by hand; returns the number of days."""
    with transaction.atomic():
        RollupState.objects.update_or_create(id=1, defaults={"until": None, "as_of": None, "last_row": 0})
        for table in _TABLES:
            table.objects.all().delete()
    return refresh(now=now)


def _touched_hours(until: datetime, as_of: datetime, last_row: int) -> Iterable[datetime]:
    """Hours before `until` with rows that were written or settled since the rows were last looked at."""
    since = Q(pk__gt=last_row) | Q(settled_at__gte=as_of - COMMIT_LAG)
    rows = AIProviderUsageLog.objects.filter(since, created_at__lt=until).order_by()
    return rows.annotate(hour=TruncHour("created_at", tzinfo=UTC)).values_list("hour", flat=True).distinct()


def _by_day(hours: Iterable[datetime]) -> dict[datetime, list[datetime]]:
    days: dict[datetime, list[datetime]] = defaultdict(list)
    for hour in sorted(hours):
        days[hour.replace(hour=0)].append(hour)
    return days


def _first_day(since: datetime | None, now: datetime) -> datetime:
    """The start of the first day with rows not before `since`; of today where there are none."""
    rows = AIProviderUsageLog.objects.order_by("created_at")
    rows = rows if since is None else rows.filter(created_at__gte=since)
    first = rows.values_list("created_at", flat=True).first()
    return _floor_hour(min(first or now, now)).replace(hour=0)


def _floor_hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _do_again(day: datetime, hours: Collection[datetime]) -> None:
    with transaction.atomic():
        state = RollupState.objects.select_for_update().get(id=1)
        for hour in hours:
            _roll("hour", hour, hour + HOUR)
        if state.until is not None and day + DAY <= state.until:
            _roll("day", day, day + DAY)


def _do_next(goal: datetime) -> bool:
    """Roll up to the end of the day that `until` is in, or to `goal`; False when that is reached."""
    with transaction.atomic():
        state = RollupState.objects.select_for_update().get(id=1)
        if state.until is None or state.until >= goal:
            return False
        state.until = max(state.until, min(_first_day(state.until, goal), goal))
        day = state.until.replace(hour=0)
        until = min(day + DAY, goal)
        _roll("hour", state.until, until)
        if until == day + DAY:
            _roll("day", day, until)
        state.until = until
        state.save()
    return True


def _roll(span: str, start: datetime, end: datetime) -> None:
    """Replace the cells of whole hours or of one whole day by what the rows say."""
    for table in _TABLES:
        table.objects.filter(span=span, start__gte=start, start__lt=end).delete()
    for dimension, by_provider in HOURLY if span == "hour" else DAILY:
        cells = _cells(span, start, end, dimension, by_provider=by_provider)
        UsageRollup.objects.bulk_create(cells, batch_size=500)
    trunc = _TRUNC[span]("created_at", tzinfo=UTC)
    WorkRollup.objects.bulk_create(rollups_of(span, start, end, trunc), batch_size=500)


def _cells(
    span: str, start: datetime, end: datetime, dimension: Dimension, *, by_provider: bool
) -> Iterator[UsageRollup]:
    rows = settled_rows(dimension).filter(created_at__gte=start, created_at__lt=end)
    if not by_provider:
        rows = rows.annotate(provider=Value(ALL_PROVIDERS))
    rows = rows.annotate(moment=_TRUNC[span]("created_at", tzinfo=UTC))
    by = ("moment", "provider", "key")
    latencies: dict[tuple[object, ...], dict[int, int]] = defaultdict(dict)
    if dimension not in _WITHOUT_LATENCY:
        for *cell, latency_class, calls in latencies_of(rows, *by):
            latencies[tuple(cell)][latency_class] = calls
    for moment, provider, key, *counts in sums_of(rows, *by):
        figures = figures_of(counts)
        yield UsageRollup(
            span=span,
            start=moment,
            dimension=dimension.value,
            provider=provider,
            key=key,
            latencies=latencies.get((moment, provider, key), {}),
            **{name: getattr(figures, name) for name in COUNTS},
        )
