"""What one person used, read from the person's own rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from accounts.models import User
from usage.ledger.limits import picos
from usage.models import AIProviderUsageLog, Status
from usage.stats.figures import Figures
from usage.stats.period import day_start, zone_of


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
    """The last `days` local days, today included (one query)."""
    zone = zone_of(user.time_zone)
    today = now.astimezone(zone).date()
    first, month = today - timedelta(days=days - 1), today.replace(day=1)
    rows = (
        AIProviderUsageLog.objects.filter(
            user=user, created_at__gte=day_start(min(first, month), zone), created_at__lte=now
        )
        .exclude(status=Status.STARTED)
        .exclude(cached=True)
        .order_by()
    )
    by_day: dict[date, Figures] = {first + timedelta(days=n): Figures() for n in range(days)}
    by_task: defaultdict[str, Figures] = defaultdict(Figures)
    this_month = Figures()
    for row in rows.only(*_READ).iterator(chunk_size=2000):
        day, figures = row.created_at.astimezone(zone).date(), _figures(row)
        if day >= month:
            this_month += figures
        if day >= first:
            by_day[day] += figures
            by_task[row.task_type] += figures
    return OwnUsage(by_day, dict(sorted(by_task.items())), this_month)


_READ = (
    "created_at", "task_type", "attempt", "status", "input_tokens", "cached_tokens", "output_tokens",
    "reasoning_tokens", "total_tokens", "estimated_cost_usd",
)  # fmt: skip


def _figures(row: AIProviderUsageLog) -> Figures:
    if row.attempt == 0:
        return Figures(refusals=1)
    cost = row.estimated_cost_usd
    return Figures(
        calls=1,
        successes=int(row.status == Status.SUCCESS),
        errors=int(row.status == Status.ERROR),
        timeouts=int(row.status == Status.TIMEOUT),
        aborted=int(row.status == Status.ABORTED),
        input_tokens=row.input_tokens,
        cached_tokens=row.cached_tokens,
        output_tokens=row.output_tokens,
        reasoning_tokens=row.reasoning_tokens,
        total_tokens=row.total_tokens,
        cost_picos=0 if cost is None else picos(cost),
        unpriced_calls=int(cost is None),
    )
