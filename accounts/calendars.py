"""Days and months as an account counts them: by the calendar of its time zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

Period = Literal["day", "month"]
PERIODS: tuple[Period, ...] = ("day", "month")


def period_of(window: str) -> Period:
    """Of a window's name."""
    return "day" if window.startswith("day:") else "month"


@dataclass(frozen=True, slots=True)
class Window:
    """A calendar day or month: `name` is "day:2026-11-21" or "month:2026-11", without the zone, so that a
    date is one window wherever its account is. `ends_at` is the first instant after it, in its own zone."""

    name: str
    starts_at: datetime
    ends_at: datetime

    @property
    def period(self) -> Period:
        return period_of(self.name)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The calendar of one account. `kept` are windows of zones the account was in before, which go on being
    counted to their end: whoever moves to a place where it is tomorrow already wins no second day."""

    zone: str = "UTC"
    kept: tuple[Window, ...] = ()

    def windows(self, period: Period, now: datetime) -> tuple[Window, ...]:
        """Every window of this kind that a call made at `now` (aware) counts in, the zone's own first."""
        own = window_at(period, now, self.zone)
        others = [
            window
            for window in self.kept
            if window.period == period and window.ends_at > now and window.name != own.name
        ]
        return (own, *others)

    def moved_to(self, zone: str, *, now: datetime) -> Calendar:
        """The calendar after a move at `now`. Names are dates, so however often an account moves, it keeps no
        more windows than there are dates on earth at once."""
        running = {window.name: window for period in PERIODS for window in self.windows(period, now)}
        return Calendar(zone, tuple(running.values()))

    def kept_as_json(self) -> list[list[str]]:
        return [
            [window.name, window.starts_at.isoformat(), window.ends_at.isoformat()] for window in self.kept
        ]

    @classmethod
    def from_json(cls, zone: str, kept: Iterable[Any]) -> Calendar:
        """`kept` as `kept_as_json` wrote it."""
        windows = (
            Window(name, datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at))
            for name, starts_at, ends_at in kept
        )
        return cls(zone, tuple(windows))


IN_UTC = Calendar()


# The latest windows that were asked for, with their ends in UTC: every call asks, and they change once a day.
_latest: dict[tuple[Period, str], tuple[datetime, datetime, Window]] = {}


def window_at(period: Period, now: datetime, zone: str = "UTC") -> Window:
    """The running day or month of a zone (an IANA name; ZoneInfoNotFoundError, a KeyError, for another).
    `now` is aware."""
    starts_at, ends_at, window = _latest.get((period, zone)) or (now, now, None)
    if window is None or not starts_at <= now < ends_at:
        window = _window_at(period, now, zone)
        _latest[period, zone] = (window.starts_at.astimezone(UTC), window.ends_at.astimezone(UTC), window)
    return window


def _window_at(period: Period, now: datetime, zone: str) -> Window:
    tz = ZoneInfo(zone)
    today = now.astimezone(tz).date()
    if period == "day":
        return Window(f"day:{today}", _midnight(today, tz), _midnight(today + timedelta(days=1), tz))
    first = today.replace(day=1)
    # Day 1 plus 32 days is in the next month whatever the month.
    following = (first + timedelta(days=32)).replace(day=1)
    return Window(f"month:{first:%Y-%m}", _midnight(first, tz), _midnight(following, tz))


def day_start(day: date, tz: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC; where midnight comes twice, it is the first."""
    return datetime.combine(day, time(), tz).astimezone(UTC)


def _midnight(day: date, tz: ZoneInfo) -> datetime:
    """`day_start` as the clocks there name it, also where they skip midnight, or a whole day."""
    return day_start(day, tz).astimezone(tz)
