"""One page of the provider list: each row with its figures, read in one query for all rows of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.views import ChangeList

from console.providers.figures import DAYS, CallFigures, figures_of
from console.providers.links import statistics_url
from providers.health import HealthVerdict, KeyState, health_of, key_state
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES
from providers.tasks import TASKS

# In units of the drawing's own coordinates.
_SPARK_HEIGHT = 28
_BAR_STEP = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the sparkline; `y` counts from the top, as SVG does."""

    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """What one row of the list shows."""

    config: AIProviderConfig
    vendor: str
    colour: str
    key: KeyState
    health: HealthVerdict
    tasks: tuple[str, ...]
    figures: CallFigures
    bars: tuple[Bar, ...]
    spark_label: str
    statistics_url: str


class ProviderChangeList(ChangeList):
    rows: list[ProviderRow]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        now = timezone.now()
        configs = list(self.result_list)
        figures = figures_of([config.pk for config in configs], now=now)
        self.rows = [_row(config, figures.get(config.pk, CallFigures()), now=now) for config in configs]


class FirstChoiceFilter(admin.SimpleListFilter):
    """Providers that are first choice for a task."""

    title = "first choice for"
    parameter_name = "task"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(task.slug, task.label) for task in TASKS.values() if task.flag]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[AIProviderConfig]
    ) -> QuerySet[AIProviderConfig]:
        task = TASKS.get(self.value() or "")
        return queryset.filter(**{task.flag: True}) if task and task.flag else queryset


def _row(config: AIProviderConfig, figures: CallFigures, *, now: Any) -> ProviderRow:
    kind = PROVIDER_TYPES[config.provider_type]
    busiest = max(figures.daily)
    return ProviderRow(
        config=config,
        vendor=kind.label,
        colour=kind.colour,
        key=key_state(config, now=now),
        health=health_of(config, figures.recent, now=now),
        tasks=tuple(TASKS[slug].label for slug in sorted(config.default_tasks()) if slug in TASKS),
        figures=figures,
        bars=_bars(figures.daily, busiest),
        spark_label=f"Calls a day over {DAYS} days: {busiest} at most, {figures.daily[-1]} today.",
        statistics_url=statistics_url(config.pk),
    )


def _bars(daily: tuple[int, ...], busiest: int) -> tuple[Bar, ...]:
    """A day with calls is never drawn as none."""
    bars = []
    for place, calls in enumerate(daily):
        if calls:
            height = max(2, round(calls / busiest * _SPARK_HEIGHT))
            bars.append(Bar(x=place * _BAR_STEP, y=_SPARK_HEIGHT - height, height=height))
    return tuple(bars)
