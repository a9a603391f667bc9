"""Sums over calls by bucket, provider and one dimension, from the usage rows or from their rollups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import reduce
from math import log
from operator import or_
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Count, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Ceil, Coalesce, Concat, Greatest, Ln, Round, TruncDate, TruncHour

from usage.models import AIProviderUsageLog, Status, UsageRollup
from usage.stats.figures import COUNTS, LATENCY_GROWTH, PICOS_PER_USD, Figures
from usage.stats.period import Bucket, Period, bucket_of
from usage.stats.segments import Range, Segments, Standing, split

# Stand-ins where a provider's id would be: every provider together, and calls by no stored provider (a key
# from the environment, a deleted config, a refusal).
ALL_PROVIDERS = -1
NO_PROVIDER = 0


class Dimension(StrEnum):
    """What calls are told apart by. Keys: "" | provider_type/model_name | task | plan | user id | kind."""

    TOTAL = "total"
    MODEL = "model"
    TASK = "task"
    PLAN = "plan"
    USER = "user"
    ERROR = "error"


class CellKey(NamedTuple):
    """`bucket` counts from 0 in the order of `Period.buckets`; 0 where the query has no buckets."""

    bucket: int
    provider: int
    key: str


@dataclass(frozen=True, slots=True)
class CellQuery:
    """`provider` is a config's id; None asks about all together, or about each apart with `by_provider`:
    of all, or of those in `among`."""

    period: Period
    dimension: Dimension = Dimension.TOTAL
    provider: int | None = None
    by_provider: bool = False
    among: tuple[int, ...] = ()
    bucket: Bucket | None = None
    latency: bool = False

    @property
    def is_hourly(self) -> bool:
        """Whether rollups by the hour exist for it; see `rollup.HOURLY`."""
        if self.provider is None and not self.by_provider:
            return self.dimension is not Dimension.USER
        return self.dimension in (Dimension.TOTAL, Dimension.ERROR)

    @property
    def is_rolled(self) -> bool:
        """Users of one provider are told apart by the rows only."""
        return self.dimension is not Dimension.USER or (self.provider is None and not self.by_provider)


_KEYS: dict[Dimension, Any] = {
    Dimension.TOTAL: Value(""),
    Dimension.MODEL: Concat("provider_type", Value("/"), "model_name", output_field=models.CharField()),
    Dimension.TASK: F("task_type"),
    Dimension.PLAN: F("plan"),
    Dimension.USER: Coalesce(Cast("user_id", models.CharField()), Value("")),
    Dimension.ERROR: F("error_kind"),
}

# An answer from the cache asked no vendor.
_CALL = Q(attempt__gte=1, cached=False)
_ANSWERED = _CALL & Q(status=Status.SUCCESS, latency_ms__isnull=False)
# SQLite keeps decimals as floating point; as whole numbers of the smallest amount they add up exactly.
PICOS = Cast(
    Round(F("estimated_cost_usd") * Value(PICOS_PER_USD), output_field=models.DecimalField()),
    models.BigIntegerField(),
)
_LATENCY_CLASS = Cast(
    Ceil(
        Ln(Greatest(F("latency_ms"), Value(1)), output_field=models.FloatField()) / Value(log(LATENCY_GROWTH))
    ),
    models.IntegerField(),
)


def _count(condition: Q) -> Count:
    return Count("pk", filter=condition)


_MEASURES: dict[str, Any] = {
    "calls": _count(_CALL),
    "successes": _count(_CALL & Q(status=Status.SUCCESS)),
    "errors": _count(_CALL & Q(status=Status.ERROR)),
    "timeouts": _count(_CALL & Q(status=Status.TIMEOUT)),
    "aborted": _count(_CALL & Q(status=Status.ABORTED)),
    "refusals": _count(Q(attempt=0, status=Status.ERROR)),
    **{
        name: Sum(name)
        for name in ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "total_tokens")
    },
    "cost_picos": Sum(PICOS),
    "unpriced_calls": _count(_CALL & Q(estimated_cost_usd=None)),
    "latency_sum_ms": Sum("latency_ms", filter=_ANSWERED),
    "latency_calls": _count(_ANSWERED),
}
# A prefix, because an annotation may not bear a column's name.
_ROW_SUMS = {f"sum_{name}": measure for name, measure in _MEASURES.items()}
_ROLLUP_SUMS = {f"sum_{name}": Sum(name) for name in COUNTS}
_SUMS = [f"sum_{name}" for name in COUNTS]
_BY = ("moment", "provider", "key")


def read(query: CellQuery, standing: Standing) -> dict[CellKey, Figures]:
    """Every cell that has something in it. What the rollups hold is equal to the rows to the last digit, so
    `standing` decides how long this takes and nothing else."""
    period = query.period
    starts = [start for start, _ in period.buckets(query.bucket)] if query.bucket else [period.start]
    segments = split(
        period.start,
        period.end,
        cuts=starts[1:],
        standing=standing if query.is_rolled else Standing(),
        hourly=query.is_hourly,
    )
    cells: dict[CellKey, Figures] = {}
    for source in _sources(query, segments):
        for key, figures in _sums(source, query, starts):
            known = cells.get(key)
            cells[key] = figures if known is None else known + figures
    if not query.latency:
        return cells
    latencies = _latencies_by_cell(query, segments, starts)
    return {key: replace(figures, latencies=latencies.get(key, {})) for key, figures in cells.items()}


@dataclass(frozen=True, slots=True)
class _Source:
    """A queryset with `provider`, `key` and `moment` (a date, an hour or a constant) to group by."""

    rows: QuerySet[Any, Any]
    is_rollup: bool


def _sources(query: CellQuery, segments: Segments) -> Iterable[_Source]:
    for span, ranges in (("day", segments.days), ("hour", segments.hours)):
        if ranges:
            yield _Source(_rolled(query, span, ranges), is_rollup=True)
    if segments.rows:
        yield _Source(_raw(query, segments.rows), is_rollup=False)


def settled_rows(dimension: Dimension) -> QuerySet[AIProviderUsageLog, Any]:
    """The rows that are counted, with `provider` and `key` annotated."""
    rows = AIProviderUsageLog.objects.exclude(status=Status.STARTED).order_by()
    if dimension is Dimension.ERROR:
        rows = rows.exclude(error_kind="")
    return rows.annotate(key=_KEYS[dimension], provider=Coalesce("provider_config_id", Value(NO_PROVIDER)))


def sums_of(rows: QuerySet[Any, Any], *by: str) -> QuerySet[Any, Any]:
    """`rows` of `settled_rows` grouped: `by`, then the counts in the order of COUNTS."""
    sums: QuerySet[Any, Any] = rows.values(*by).annotate(**_ROW_SUMS).values_list(*by, *_SUMS)
    return sums


def latencies_of(rows: QuerySet[Any, Any], *by: str) -> QuerySet[Any, Any]:
    """`rows` of `settled_rows` grouped: `by`, the latency class, and how many calls."""
    counted = rows.filter(_ANSWERED).annotate(latency_class=_LATENCY_CLASS)
    by = (*by, "latency_class")
    counts: QuerySet[Any, Any] = counted.values(*by).annotate(n=Count("pk")).values_list(*by, "n")
    return counts


def _raw(query: CellQuery, ranges: Sequence[Range]) -> QuerySet[Any, Any]:
    rows = settled_rows(query.dimension).filter(within("created_at", ranges))
    if query.provider is not None:
        rows = rows.filter(provider_config_id=query.provider)
    elif not query.by_provider:
        rows = rows.annotate(provider=Value(ALL_PROVIDERS))
    elif query.among:
        rows = rows.filter(provider_config_id__in=query.among)
    return rows.annotate(moment=_moment("created_at", query))


def _rolled(query: CellQuery, span: str, ranges: Sequence[Range]) -> QuerySet[Any, Any]:
    rows = UsageRollup.objects.filter(within("start", ranges), span=span, dimension=query.dimension.value)
    if query.by_provider:
        rows = rows.exclude(provider=ALL_PROVIDERS)
        if query.among:
            rows = rows.filter(provider__in=query.among)
    else:
        rows = rows.filter(provider=ALL_PROVIDERS if query.provider is None else query.provider)
    return rows.annotate(moment=_moment("start", query)).order_by()


def within(column: str, ranges: Sequence[Range]) -> Q:
    """A moment in any of the ranges."""
    return reduce(or_, (Q(**{f"{column}__gte": start, f"{column}__lt": end}) for start, end in ranges))


def _moment(column: str, query: CellQuery) -> Any:
    if query.bucket == "day":
        return TruncDate(column, tzinfo=query.period.zone)
    if query.bucket == "hour":
        return TruncHour(column, tzinfo=UTC)
    return Value(0)


def _sums(source: _Source, query: CellQuery, starts: list[datetime]) -> Iterable[tuple[CellKey, Figures]]:
    index = _bucket_index(query, starts)
    if source.is_rollup:
        rows = source.rows.values(*_BY).annotate(**_ROLLUP_SUMS).values_list(*_BY, *_SUMS)
    else:
        rows = sums_of(source.rows, *_BY)
    for moment, provider, key, *counts in rows:
        yield CellKey(index(moment), provider, key), figures_of(counts)


def _latencies_by_cell(
    query: CellQuery, segments: Segments, starts: list[datetime]
) -> dict[CellKey, dict[int, int]]:
    index = _bucket_index(query, starts)
    by_cell: dict[CellKey, dict[int, int]] = defaultdict(dict)
    for source in _sources(query, segments):
        for moment, provider, key, histogram in _histograms(source):
            known = by_cell[CellKey(index(moment), provider, key)]
            for latency_class, calls in histogram:
                # JSON has its keys as text.
                number = int(latency_class)
                known[number] = known.get(number, 0) + calls
    return by_cell


def _histograms(source: _Source) -> Iterable[tuple[Any, int, str, Iterable[tuple[Any, int]]]]:
    """Moment, provider and key, and (latency class, calls)."""
    if source.is_rollup:
        for *cell, histogram in source.rows.values_list(*_BY, "latencies"):
            yield (*cell, histogram.items())
    else:
        for *cell, latency_class, calls in latencies_of(source.rows, *_BY):
            yield (*cell, [(latency_class, calls)])


def _bucket_index(query: CellQuery, starts: list[datetime]) -> Any:
    """From what the database grouped by to the number of the bucket."""
    if query.bucket == "day":
        zone = query.period.zone
        days = {start.astimezone(zone).date(): number for number, start in enumerate(starts)}
        last = len(starts) - 1
        # The database's own time zone tables may differ from ours by a change of the clocks.
        return lambda day: days.get(day, 0 if day < min(days) else last)
    if query.bucket == "hour":
        return lambda hour: bucket_of(hour, starts)
    return lambda _moment: 0


def figures_of(counts: Sequence[Any]) -> Figures:
    """Figures from counts in the order of COUNTS; a sum over nothing is 0."""
    sums: dict[str, Any] = {name: int(count or 0) for name, count in zip(COUNTS, counts, strict=True)}
    return Figures(**sums)
