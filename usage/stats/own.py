"""What one person used, from the rollups of the person, and from the rows where those do not reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from django.db.models.functions import TruncDate

from accounts.calendars import day_start
from accounts.models import User
from usage.models import PersonRollup
from usage.stats.cells import figures_of, settled_rows, sums_of, within
from usage.stats.dimensions import Dimension
from usage.stats.figures import COUNTS, Figures
from usage.stats.period import DAY, HOUR, zone_of
from usage.stats.rollup import standing
from usage.stats.segments import Range, split

# A local day, a task, and what was done.
_Done = Iterator[tuple[date, str, Figures]]


@dataclass(frozen=True, slots=True)
class OwnUsage:
    """By local days of the account's time zone, the oldest first and empty ones too, and by task over all of
    them. `month` is the running calendar month, whatever days were asked for."""

    days: Mapping[date, Figures]
    tasks: Mapping[str, Figures]
    month: Figures

    @property
    def today(self) -> Figures:
        return self.days[max(self.days)]


def own_usage(*, user: User, days: int, now: datetime) -> OwnUsage:
    """The last `days` local days, today included (four short queries)."""
    zone = zone_of(user.time_zone)
    today = now.astimezone(zone).date()
    first, month = today - timedelta(days=days - 1), today.replace(day=1)
    since = min(first, month)
    cuts = [day_start(since + n * DAY, zone) for n in range(1, (today - since).days + 1)]
    end = now + timedelta(microseconds=1)
    segments = split(day_start(since, zone), end, cuts=cuts, standing=standing(), step=HOUR)
    by_day: dict[date, Figures] = {first + timedelta(days=n): Figures() for n in range(days)}
    by_task: defaultdict[str, Figures] = defaultdict(Figures)
    this_month = Figures()
    for day, task, figures in chain(
        _rolled(user, [*segments.days, *segments.steps], zone), _raw(user, segments.rows, zone)
    ):
        if day >= month:
            this_month += figures
        if day >= first:
            # The database's own time zone tables may differ from ours by a change of the clocks.
            by_day[min(day, today)] += figures
            by_task[task] += figures
    return OwnUsage(by_day, dict(sorted(by_task.items())), this_month)


def _rolled(user: User, ranges: list[Range], zone: ZoneInfo) -> _Done:
    if not ranges:
        return
    hours = {start + n * HOUR for start, end in ranges for n in range(-(-(end - start) // HOUR))}
    # The rollup of a day holds hours that are not in any range too.
    stretch = (min(hours).replace(hour=0), max(hours) + HOUR)
    kept = PersonRollup.objects.filter(within("start", [stretch]), user=user)
    sums: defaultdict[tuple[date, str], list[int]] = defaultdict(lambda: [0] * len(COUNTS))
    for start, done in kept.values_list("start", "hours"):
        for place, counts in done.items():
            hour, _, task = place.partition("/")
            moment = start + int(hour) * HOUR
            if moment in hours:
                known = sums[moment.astimezone(zone).date(), task]
                known[:] = map(int.__add__, known, counts)
    for (day, task), counts in sums.items():
        yield day, task, figures_of(counts)


def _raw(user: User, ranges: list[Range], zone: ZoneInfo) -> _Done:
    if not ranges:
        return
    rows = settled_rows(Dimension.TASK).filter(within("created_at", ranges), user=user, cached=False)
    for day, task, *counts in sums_of(rows.annotate(day=TruncDate("created_at", tzinfo=zone)), "day", "key"):
        yield day, task, figures_of(counts)
