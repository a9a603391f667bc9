"""What the calls say of the few providers that one page shows, from the same cells as every statistic."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from django.db.models import DateTimeField, OuterRef, QuerySet, Subquery

from providers.health import RecentCalls
from providers.models import AIProviderConfig
from usage.stats.cells import CellQuery, read
from usage.stats.figures import PICOS_PER_USD
from usage.stats.period import DAY, Period
from usage.stats.recent import recent_calls
from usage.stats.rollup import standing

DAYS = 30


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Calls of the last DAYS days that have ended. `cost` in USD is that of the calls whose price is known,
    `unpriced` counts the others. `daily` are calls per UTC day, oldest first, today last; `cost_today` is
    None when of today's no price is known. `recent` are those of the last 24 hours."""

    calls: int = 0
    answered: int = 0
    failed: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    daily: tuple[int, ...] = (0,) * DAYS
    cost_today: Decimal | None = Decimal(0)
    recent: RecentCalls = field(default_factory=RecentCalls)

    @property
    def today(self) -> int:
        return self.daily[-1]

    @property
    def error_rate(self) -> float | None:
        """Failed of answered calls, 0 to 1; None while there are none."""
        return self.failed / self.answered if self.answered else None


def figures_of(config_ids: Collection[int], *, now: datetime) -> dict[int, CallFigures]:
    """Figures of these configs over the last DAYS days (UTC) including today, and of the last 24 hours, in a
    number of queries that does not grow with them; an id without calls may be left out."""
    if not config_ids:
        return {}
    known_to = standing()
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    period = Period.between(start=today - (DAYS - 1) * DAY, end=today + DAY)
    query = CellQuery(period, by_provider=True, among=tuple(config_ids), bucket="day")
    by_config: dict[int, CallFigures] = {}
    for cell, day in read(query, known_to).items():
        known = by_config.get(cell.provider, CallFigures())
        daily = list(known.daily)
        daily[cell.bucket] += day.calls
        cost = Decimal(day.cost_picos) / PICOS_PER_USD
        is_today, is_unknown = cell.bucket == DAYS - 1, bool(day.calls) and day.unpriced_calls == day.calls
        by_config[cell.provider] = CallFigures(
            calls=known.calls + day.calls,
            answered=known.answered + day.successes + day.errors + day.timeouts,
            failed=known.failed + day.errors + day.timeouts,
            cost=known.cost + cost,
            unpriced=known.unpriced + day.unpriced_calls,
            daily=tuple(daily),
            cost_today=known.cost_today if not is_today else None if is_unknown else cost,
        )
    for pk, recent in recent_calls(now=now, standing=known_to, among=config_ids).items():
        by_config[pk] = replace(by_config.get(pk, CallFigures()), recent=recent)
    return by_config


def with_last_use(configs: QuerySet[AIProviderConfig]) -> QuerySet[AIProviderConfig]:
    """The configs with `last_used_at`, the moment of their latest call: one step into an index each."""
    latest = (
        AIProviderConfig.objects.filter(pk=OuterRef("pk"), usage_logs__attempt__gt=0)
        .order_by("-usage_logs__created_at")
        .values("usage_logs__created_at")[:1]
    )
    return configs.annotate(last_used_at=Subquery(latest, output_field=DateTimeField()))
