"""One page of the provider list: each row with its figures, read in one query for all rows of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest
from django.utils import timezone
from unfold.views import ChangeList

from console.providers.figures import DAYS, CallFigures, figures_of
from console.providers.links import statistics_url
from providers.health import HealthVerdict, KeyState, RecentCalls, health_of, key_state
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES
from providers.tasks import TASKS
from usage.stats.recent import recent_calls
from usage.stats.rollup import standing

# In units of the drawing's own coordinates.
_SPARK_HEIGHT = 28
_BAR_STEP = 4
_RANKS = {"bad": 0, "warning": 1, "quiet": 2, "good": 3}
_SORTED_BY = (("Provider", "display_name"), ("Vendor", "provider_type"), ("Model", "model_name"))


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


class Heading(NamedTuple):
    """A way to sort the list; `link` is the address that does, or turns it round. `direction` is what the
    list is sorted in by it now, as aria-sort has it; empty where it is not."""

    title: str
    link: str
    direction: str


class ProviderChangeList(ChangeList):
    """The worst first, unless the address says otherwise; the inactive last."""

    rows: list[ProviderRow]

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[AIProviderConfig]) -> list[Any]:
        ordering: list[Any] = super().get_ordering(request, queryset)
        return ordering if self.params.get(ORDER_VAR) else [_by_trouble(), *ordering]

    def worst(self) -> Heading:
        asked = self.params.get(ORDER_VAR, "")
        return Heading("Health", self.get_query_string(remove=[ORDER_VAR]), "" if asked else "other")

    def headings(self) -> list[Heading]:
        """By each fact that the first column shows."""
        asked = self.params.get(ORDER_VAR, "")
        shown = [getattr(one, "__name__", one) for one in self.list_display]
        found = []
        for title, column in _SORTED_BY:
            place = str(shown.index(column))
            turned = f"-{place}" if asked == place else place
            direction = {place: "ascending", f"-{place}": "descending"}.get(asked, "")
            found.append(Heading(title, self.get_query_string({ORDER_VAR: turned}), direction))
        return found

    @property
    def name_direction(self) -> str:
        """What the first column is sorted in, by whichever of its facts."""
        return next((one.direction for one in self.headings() if one.direction), "")

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        now = timezone.now()
        configs = list(self.result_list)
        figures = figures_of([config.pk for config in configs], now=now)
        self.rows = [_row(config, figures.get(config.pk, CallFigures()), now=now) for config in configs]


def _by_trouble() -> Case:
    """Providers by how they are doing now, judged as their chips are: one question to the statistics for all
    of them."""
    now = timezone.now()
    recent = recent_calls(now=now, standing=standing())
    ranks: dict[int, list[int]] = {}
    for config in AIProviderConfig.objects.all():
        tone = health_of(config, recent.get(config.pk, RecentCalls()), now=now).tone
        rank = _RANKS[tone] if config.is_active else len(_RANKS)
        ranks.setdefault(rank, []).append(config.pk)
    whens = [When(pk__in=ids, then=Value(rank)) for rank, ids in ranks.items()]
    return Case(*whens, default=Value(len(_RANKS)), output_field=IntegerField())


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
        statistics_url=statistics_url(config.pk, panel="over-time"),
    )


def _bars(daily: tuple[int, ...], busiest: int) -> tuple[Bar, ...]:
    """A day with calls is never drawn as none."""
    bars = []
    for place, calls in enumerate(daily):
        if calls:
            height = max(2, round(calls / busiest * _SPARK_HEIGHT))
            bars.append(Bar(x=place * _BAR_STEP, y=_SPARK_HEIGHT - height, height=height))
    return tuple(bars)
