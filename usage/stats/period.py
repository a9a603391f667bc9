"""Stretches of time as people ask for them: local days of a time zone, turned into instants."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from accounts.calendars import day_start
from accounts.errors import DomainError

Bucket = Literal["hour", "day"]

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LONGEST_BY_HOUR = timedelta(days=32)
LONGEST_BY_DAY = timedelta(days=800)


class InvalidPeriod(DomainError):
    code = "invalid_period"
    status = 422
    message = "The period is not valid. Give a start before the end, and a time zone such as Europe/Berlin."


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` (inclusive) to `end` (exclusive), both aware and kept in UTC. `zone` decides where days
    begin; the sum over its buckets is the period, whatever the zone's offset or changes of it."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    @classmethod
    def between(cls, *, start: datetime, end: datetime, tz: str = "UTC") -> Period:
        """InvalidPeriod for naive or reversed instants, or a time zone nobody knows."""
        if start.tzinfo is None or end.tzinfo is None:
            raise InvalidPeriod("Give start and end with their offset from UTC.")
        if start >= end:
            raise InvalidPeriod("The start of a period lies before its end.")
        return cls(start.astimezone(UTC), end.astimezone(UTC), zone_of(tz))

    @classmethod
    def of_dates(cls, *, first: date, last: date, tz: str = "UTC") -> Period:
        """Whole local days, `last` included."""
        zone = zone_of(tz)
        if first > last:
            raise InvalidPeriod("The first day of a period does not come after its last.")
        if not (first.year >= 2000 and last.year < 2200):
            raise InvalidPeriod("Choose days between the years 2000 and 2200.")
        return cls(day_start(first, zone), day_start(last + DAY, zone), zone)

    @classmethod
    def last_days(cls, days: int, *, now: datetime, tz: str = "UTC") -> Period:
        """The `days` x 24 hours up to now."""
        if not 1 <= days <= 3660:
            raise InvalidPeriod("Ask for 1 to 3660 days.")
        return cls.between(start=now - days * DAY, end=now, tz=tz)

    def previous(self) -> Period:
        """The period before this one: as many local days when it is made of whole ones, else as long."""
        first, after = self.start.astimezone(self.zone).date(), self.end.astimezone(self.zone).date()
        if self.start == day_start(first, self.zone) and self.end == day_start(after, self.zone):
            return Period(day_start(first - (after - first), self.zone), self.start, self.zone)
        return Period(self.start - (self.end - self.start), self.start, self.zone)

    def buckets(self, bucket: Bucket) -> list[tuple[datetime, datetime]]:
        """The period cut at every local midnight, or at every full hour of UTC. The first and the last may be
        shorter. Where a zone is off by half an hour, its hours are cut at :30.

        InvalidPeriod when there would be too many to look at.
        """
        longest = LONGEST_BY_HOUR if bucket == "hour" else LONGEST_BY_DAY
        # Of local days one may have an hour more.
        if self.end - self.start > longest + HOUR:
            raise InvalidPeriod(
                f"Figures are told for at most {LONGEST_BY_DAY.days} days by day, and "
                f"{LONGEST_BY_HOUR.days} by hour. Choose days, or a shorter period."
            )
        cuts = [self.start, *self._cuts(bucket), self.end]
        return list(pairwise(cuts))

    def _cuts(self, bucket: Bucket) -> list[datetime]:
        cuts = []
        if bucket == "hour":
            cut = self.start.replace(minute=0, second=0, microsecond=0) + HOUR
            while cut < self.end:
                cuts.append(cut)
                cut += HOUR
            return cuts
        day = self.start.astimezone(self.zone).date()
        while (cut := day_start(day := day + DAY, self.zone)) < self.end:
            cuts.append(cut)
        return cuts


def zone_of(name: str) -> ZoneInfo:
    """InvalidPeriod for a name that is no time zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidPeriod(
            f"There is no time zone called {name[:50]!r}. Try one like Europe/Berlin."
        ) from None


def bucket_of(moment: datetime, starts: list[datetime]) -> int:
    """Index of the bucket a moment falls into."""
    return max(0, bisect_right(starts, moment) - 1)
