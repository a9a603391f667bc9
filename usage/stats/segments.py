"""Which part of a period is read from the rollups and which from the rows themselves. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from usage.stats.period import DAY, HOUR

Range = tuple[datetime, datetime]


@dataclass(slots=True)
class Segments:
    """Disjoint ranges that together are the period: whole UTC days, whole UTC hours, and the rest."""

    days: list[Range] = field(default_factory=list)
    hours: list[Range] = field(default_factory=list)
    rows: list[Range] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the rollups go. `until` None means that there are none; a `stale` hour (UTC) was touched after
    it was rolled up, so that only its rows tell the truth."""

    until: datetime | None = None
    stale: Collection[datetime] = frozenset()


def split(
    start: datetime, end: datetime, *, cuts: Sequence[datetime], standing: Standing, hourly: bool
) -> Segments:
    """Cover start..end with the coarsest sources that no cut (a bucket's edge, ascending) divides.
    `hourly`: whether the question has rollups by the hour; those by the day it always has."""
    segments = Segments()
    if standing.until is None:
        segments.rows.append((start, end))
        return segments
    rolled_end = min(end, standing.until)
    stale_days = {hour.replace(hour=0) for hour in standing.stale}
    cursor = start
    while cursor < end:
        on_the_hour = (cursor.minute, cursor.second, cursor.microsecond) == (0, 0, 0)
        at_midnight = on_the_hour and cursor.hour == 0
        if at_midnight and cursor not in stale_days and _fits(cursor, cursor + DAY, rolled_end, cuts):
            kind, after = segments.days, cursor + DAY
        elif (
            hourly
            and on_the_hour
            and cursor not in standing.stale
            and _fits(cursor, cursor + HOUR, rolled_end, cuts)
        ):
            kind, after = segments.hours, cursor + HOUR
        elif cursor >= rolled_end:
            kind, after = segments.rows, end
        else:
            step = HOUR if hourly else DAY
            kind, after = segments.rows, min(end, _floor(cursor, hourly=hourly) + step)
        _append(kind, cursor, after)
        cursor = after
    return segments


def _fits(start: datetime, end: datetime, rolled_end: datetime, cuts: Sequence[datetime]) -> bool:
    following = bisect_right(cuts, start)
    return end <= rolled_end and (following == len(cuts) or cuts[following] >= end)


def _floor(moment: datetime, *, hourly: bool) -> datetime:
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return hour if hourly else hour.replace(hour=0)


def _append(ranges: list[Range], start: datetime, end: datetime) -> None:
    """Add a range, joined to the last one where they touch."""
    if ranges and ranges[-1][1] == start:
        ranges[-1] = (ranges[-1][0], end)
    else:
        ranges.append((start, end))
