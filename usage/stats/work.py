"""What each model did for each task: the calls that show what work of its kind takes and costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, QuerySet, Sum

from providers.adapters.base import TokenUsage
from usage.models import AIProviderUsageLog, Status, WorkRollup
from usage.stats.cells import PICOS, within
from usage.stats.figures import PICOS_PER_USD
from usage.stats.period import HOUR, Period
from usage.stats.segments import Range, Standing, split

_KIND = ("provider_type", "model_name", "task_type")
_SUMMED = (
    "calls", "input_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens",
    "cost_picos",
)  # fmt: skip
_LARGEST = ("largest_input_tokens", "largest_output_tokens")
# A prefix, because an annotation may not bear a column's name.
_MEASURES: dict[str, Any] = {
    "of_calls": Count("pk"),
    **{f"of_{name}": Sum(name) for name in _SUMMED if name.endswith("_tokens")},
    "of_cost_picos": Sum(PICOS),
    "of_largest_input_tokens": Max("input_tokens"),
    "of_largest_output_tokens": Max("output_tokens"),
}
_ROLLUP_MEASURES: dict[str, Any] = {
    **{f"of_{name}": Sum(name) for name in _SUMMED},
    **{f"of_{name}": Max(name) for name in _LARGEST},
}
_COLUMNS = [f"of_{name}" for name in (*_SUMMED, *_LARGEST)]


@dataclass(frozen=True, slots=True)
class Work:
    """What one model did for one task: successful calls that cost something, and their sums.

    Tokens as in `TokenUsage`; `cost_picos` is what was recorded, in 1e-12 USD; `largest_input_tokens` and
    `largest_output_tokens` are of single calls. Two of the same model and task can be added.
    """

    provider_type: str
    model_name: str
    task_type: str
    calls: int
    input_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    cost_picos: int
    largest_input_tokens: int
    largest_output_tokens: int

    def __add__(self, other: Work) -> Work:
        sums = {name: getattr(self, name) + getattr(other, name) for name in _SUMMED}
        largest = {name: max(getattr(self, name), getattr(other, name)) for name in _LARGEST}
        return replace(self, **sums, **largest)

    @property
    def cost_usd(self) -> Decimal:
        return Decimal(self.cost_picos) / PICOS_PER_USD

    def average_call(self, *, with_cache: bool) -> TokenUsage:
        """Prices may rise with the size of a single call, so the sum of many cannot be priced as one. What
        is paid for in full is rounded up, so that no saving is made of fractions."""
        return TokenUsage(
            input_tokens=-(-self.input_tokens // self.calls),
            output_tokens=-(-self.output_tokens // self.calls),
            cached_tokens=self.cached_tokens // self.calls if with_cache else 0,
            cache_write_tokens=self.cache_write_tokens // self.calls if with_cache else 0,
            cache_write_1h_tokens=self.cache_write_1h_tokens // self.calls if with_cache else 0,
        )


def work_of(period: Period, standing: Standing) -> list[Work]:
    """Everything that was done in the period, one entry per model and task."""
    segments = split(period.start, period.end, cuts=(), standing=standing, step=HOUR)
    done: dict[tuple[str, str, str], Work] = {}
    for rows in _sources(segments.days, segments.steps, segments.rows):
        for row in rows:
            work = Work(*row)
            place = (work.provider_type, work.model_name, work.task_type)
            done[place] = done[place] + work if place in done else work
    return list(done.values())


def _sources(days: list[Range], hours: list[Range], rows: list[Range]) -> Iterator[QuerySet[Any, Any]]:
    for span, ranges in (("day", days), ("hour", hours)):
        if ranges:
            rolled = WorkRollup.objects.filter(within("start", ranges), span=span).order_by()
            yield rolled.values(*_KIND).annotate(**_ROLLUP_MEASURES).values_list(*_KIND, *_COLUMNS)
    if rows:
        yield _priced(rows).values(*_KIND).annotate(**_MEASURES).values_list(*_KIND, *_COLUMNS)


def rollups_of(span: str, start: datetime, end: datetime, trunc: Any) -> Iterator[WorkRollup]:
    """The rows of start..end as they are to be kept; `trunc` cuts `created_at` to the hour or day."""
    by = ("moment", *_KIND)
    rows = _priced([(start, end)]).annotate(moment=trunc).values(*by).annotate(**_MEASURES)
    names = (*_KIND, *_SUMMED, *_LARGEST)
    for moment, *values in rows.values_list(*by, *_COLUMNS):
        yield WorkRollup(span=span, start=moment, **dict(zip(names, values, strict=True)))


def _priced(ranges: list[Range]) -> QuerySet[AIProviderUsageLog, Any]:
    return AIProviderUsageLog.objects.filter(
        within("created_at", ranges),
        status=Status.SUCCESS,
        attempt__gte=1,
        cached=False,
        total_tokens__gt=0,
        estimated_cost_usd__gt=0,
    ).order_by()
