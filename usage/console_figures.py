"""The figures beside each provider in the console's list, from the same cells as every statistic."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from providers.figures import DAYS, Figures
from usage.stats.cells import Question, read
from usage.stats.figures import PICOS_PER_USD
from usage.stats.period import DAY, Period
from usage.stats.recent import recent_calls
from usage.stats.rollup import standing


def figures_of(config_ids: Collection[int], *, now: datetime) -> dict[int, Figures]:
    """Figures of these configs over the last DAYS days (UTC) including today, and of the last 24 hours; see
    `providers.figures`."""
    known_to = standing()
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    period = Period.between(start=today - (DAYS - 1) * DAY, end=today + DAY)
    question = Question(period, by_provider=True, among=tuple(config_ids), bucket="day")
    by_config: dict[int, Figures] = {}
    for cell, day in read(question, known_to).items():
        known = by_config.get(cell.provider, Figures())
        daily = list(known.daily)
        daily[cell.bucket] += day.calls
        by_config[cell.provider] = Figures(
            calls=known.calls + day.calls,
            answered=known.answered + day.successes + day.errors + day.timeouts,
            failed=known.failed + day.errors + day.timeouts,
            cost=known.cost + Decimal(day.cost_picos) / PICOS_PER_USD,
            unpriced=known.unpriced + day.unpriced_calls,
            daily=tuple(daily),
        )
    for pk, recent in recent_calls(now=now, standing=known_to, among=config_ids).items():
        by_config[pk] = replace(by_config.get(pk, Figures()), recent=recent)
    return by_config
