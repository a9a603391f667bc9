"""Which part of a period is read from the rollups and which from the rows themselves. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from usage.stats.period import DAY, HOUR

Range = tuple[datetime, datetime]


@dataclass(slots=True)
class Segments:
    """Disjoint ranges that together are the period: whole UTC days, whole steps shorter than a day, and the
    rest."""

    days: list[Range] = field(default_factory=list)
    steps: list[Range] = field(default_factory=list)
    rows: list[Range] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the rollups go. `until` None means that there are none; a `stale` hour (UTC) was touched after
    it was rolled up, so that only its rows tell the truth. Before `pruned_before`, a midnight of UTC, the
    rows may be gone, and the rollups are all there is."""

    until: datetime | None = None
    stale: Collection[datetime] = frozenset()
    pruned_before: datetime | None = None


def split(
    start: datetime, end: datetime, *, cuts: Sequence[datetime], standing: Standing, step: timedelta
) -> Segments:
    """Cover start..end with the coarsest sources that no cut (a bucket's edge, ascending) divides.
    `step`, an hour or more and a part of a UTC day or all of it, is the shortest that the question has
    rollups by; where it is longer than an hour, the running one is kept as far as the rollups go. A rollup of
    rows that are gone cannot be cut: it is where it starts."""
    segments = Segments()
    if standing.until is None:
        segments.rows.append((start, end))
        return segments
    rolled_end = min(end, standing.until)
    stale = {length: {_floor(hour, length) for hour in standing.stale} for length in (DAY, step)}
    cursor = _pruned(segments, start, end, cuts=cuts, before=standing.pruned_before, step=step)
    while cursor < end:
        kind, after = segments.rows, end
        if cursor < rolled_end:
            after = min(end, _floor(cursor, step) + step)
        for ranges, length in ((segments.steps, step), (segments.days, DAY)):
            if cursor != _floor(cursor, length) or cursor in stale[length]:
                continue
            is_running = HOUR < length == step and cursor < standing.until < cursor + length
            kept_until = standing.until if is_running else cursor + length
            if _fits(cursor, kept_until, rolled_end, cuts):
                kind, after = ranges, kept_until
        _append(kind, cursor, after)
        cursor = after
    return segments


def _pruned(
    segments: Segments,
    start: datetime,
    end: datetime,
    *,
    cuts: Sequence[datetime],
    before: datetime | None,
    step: timedelta,
) -> datetime:
    """Cover what lies before the horizon by the rollups that start in it, by the day where there are none by
    the hour; says where the rest begins."""
    if before is None or start >= before:
        return start
    hourly = step == HOUR
    horizon, length = min(before, end), HOUR if hourly else DAY
    cursor = _floor(start, length)
    if cursor < start:
        cursor += length
    while cursor < horizon:
        is_whole = cursor.hour == 0 and _fits(cursor, cursor + DAY, horizon, cuts)
        kind, after = (
            (segments.days, cursor + DAY) if is_whole or not hourly else (segments.steps, cursor + HOUR)
        )
        _append(kind, cursor, min(after, horizon))
        cursor = after
    return horizon


def _fits(start: datetime, end: datetime, rolled_end: datetime, cuts: Sequence[datetime]) -> bool:
    following = bisect_right(cuts, start)
    return end <= rolled_end and (following == len(cuts) or cuts[following] >= end)


def _floor(moment: datetime, length: timedelta) -> datetime:
    """Where the hour, part or day of UTC began that the moment is in."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (moment - midnight) // length * length


def _append(ranges: list[Range], start: datetime, end: datetime) -> None:
    """Add a range, joined to the last one where they touch."""
    if ranges and ranges[-1][1] == start:
        ranges[-1] = (ranges[-1][0], end)
    else:
        ranges.append((start, end))
