"""What the calls say of providers, for the few that one page shows.

The figures are kept one floor up: the app that counts calls hands in its way of reading them (`provide`) when
it is ready, so that the console shows the same numbers as every other page.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from django.db.models import DateTimeField, OuterRef, QuerySet, Subquery

from providers.models import AIProviderConfig

DAYS = 30
RECENT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RecentCalls:
    """Calls of the last 24 hours: what a provider's health is judged by.

    `calls` are attempts that ended, without those the client gave up; `failed` those of them that the
    provider is to blame for. `avg_latency_ms` is of successful calls, None without any.
    """

    calls: int = 0
    failed: int = 0
    avg_latency_ms: int | None = None

    @property
    def error_rate(self) -> float | None:
        """Percent; None without calls."""
        return round(100 * self.failed / self.calls, 2) if self.calls else None


@dataclass(frozen=True, slots=True)
class Figures:
    """Calls of the last DAYS days that have ended. `cost` in USD is that of the calls whose price is known,
    `unpriced` counts the others. `daily` are calls per UTC day, oldest first, today last. `recent` are those
    of the last 24 hours."""

    calls: int = 0
    answered: int = 0
    failed: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    daily: tuple[int, ...] = (0,) * DAYS
    recent: RecentCalls = RecentCalls()

    @property
    def error_rate(self) -> float | None:
        """Failed of answered calls, 0 to 1; None while there are none."""
        return self.failed / self.answered if self.answered else None


class Source(Protocol):
    """Figures by config id, in a number of queries that does not grow with the ids; ids without calls may be
    left out."""

    def __call__(self, config_ids: Collection[int], *, now: datetime) -> dict[int, Figures]: ...


_sources: list[Source] = []


def provide(source: Source) -> None:
    """Take figures from here from now on. Called once, by the app that counts calls, when it is ready."""
    _sources[:] = [source]


def figures_of(config_ids: Collection[int], *, now: datetime) -> dict[int, Figures]:
    """Figures by config id; without a source, or for an id without calls, there are none."""
    return _sources[0](config_ids, now=now) if _sources and config_ids else {}


def with_last_use(configs: QuerySet[AIProviderConfig]) -> QuerySet[AIProviderConfig]:
    """The configs with `last_used_at`, the moment of their latest call: one step into an index each."""
    latest = (
        AIProviderConfig.objects.filter(pk=OuterRef("pk"), usage_logs__attempt__gt=0)
        .order_by("-usage_logs__created_at")
        .values("usage_logs__created_at")[:1]
    )
    return configs.annotate(last_used_at=Subquery(latest, output_field=DateTimeField()))
