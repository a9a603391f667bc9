"""Sums over calls by bucket, provider and one dimension, from the usage rows or from their rollups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from math import log
from operator import add, or_
from typing import Any, NamedTuple

from django.db import connections, models, transaction
from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Cast, Ceil, Coalesce, Concat, Greatest, Ln, Round, TruncDate, TruncHour

from usage.models import AIProviderUsageLog, Status, UsageRollup
from usage.stats.dimensions import ALL_PROVIDERS, NO_PROVIDER, SPANS, Dimension, finest_span
from usage.stats.figures import COUNTS, LATENCY_GROWTH, PICOS_PER_USD, Figures
from usage.stats.period import Bucket, Period, bucket_of
from usage.stats.segments import Range, Segments, Standing, split


class CellKey(NamedTuple):
    """`bucket` counts from 0 in the order of `Period.buckets`; 0 where the query has no buckets."""

    bucket: int
    provider: int
    key: str


@dataclass(frozen=True, slots=True)
class CellQuery:
    """`provider` is a config's id; None asks about all together, or about each apart with `by_provider`:
    of all, or of those in `among`. With `keys`, of no other keys."""

    period: Period
    dimension: Dimension = Dimension.TOTAL
    provider: int | None = None
    by_provider: bool = False
    among: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    bucket: Bucket | None = None
    latency: bool = False

    @property
    def finest_span(self) -> str:
        """The shortest of SPANS that rollups exist by for it."""
        return finest_span(self.dimension, by_provider=self.provider is not None or self.by_provider)


KEYS: dict[Dimension, Any] = {
    Dimension.TOTAL: Value(""),
    Dimension.MODEL: Concat("provider_type", Value("/"), "model_name", output_field=models.CharField()),
    Dimension.TASK: F("task_type"),
    Dimension.PLAN: F("plan"),
    Dimension.USER: Coalesce(Cast("user_id", models.CharField()), Value("")),
    Dimension.ERROR: F("error_kind"),
    Dimension.STATUS: Case(
        When(cached=True, then=Value("cached")), When(attempt=0, then=Value("refused")), default=F("status")
    ),
    Dimension.PROMPT: Case(
        When(prompt_version="", then=Value("")),
        default=Concat("task_type", Value("/"), "prompt_version", output_field=models.CharField()),
    ),
}

# An answer from the cache asked no vendor.
_CALL = Q(attempt__gte=1, cached=False)
ANSWERED = _CALL & Q(status=Status.SUCCESS, latency_ms__isnull=False)
# SQLite keeps decimals as floating point; as whole numbers of the smallest amount they add up exactly.
PICOS = Cast(
    Round(F("estimated_cost_usd") * Value(PICOS_PER_USD), output_field=models.DecimalField()),
    models.BigIntegerField(),
)
LATENCY_CLASS = Cast(
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
    "latency_sum_ms": Sum("latency_ms", filter=ANSWERED),
    "latency_calls": _count(ANSWERED),
}
# A prefix, because an annotation may not bear a column's name.
_ROW_SUMS = {f"sum_{name}": measure for name, measure in _MEASURES.items()}
# PostgreSQL's sum of whole numbers is a numeric, which takes longer to read; money may need it.
_ROLLUP_SUMS = {
    f"sum_{name}": Sum(name) if name == "cost_picos" else Cast(Sum(name), models.BigIntegerField())
    for name in COUNTS
}
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
        standing=standing,
        step=SPANS[query.finest_span],
    )
    sums: dict[CellKey, list[int]] = {}
    with _room_to_group(query.dimension):
        for source in _sources(query, segments):
            for key, counts in _sums(source, query, starts):
                known = sums.get(key)
                sums[key] = counts if known is None else list(map(add, known, counts))
    cells = {key: _figures(counts) for key, counts in sums.items()}
    if not query.latency:
        return cells
    latencies = _latencies_by_cell(query, segments, starts)
    return {key: replace(figures, latencies=latencies.get(key, {})) for key, figures in cells.items()}


@contextmanager
def _room_to_group(dimension: Dimension) -> Iterator[None]:
    """People are so many that PostgreSQL, within its usual 4 MB, sorts their cells on the disk instead of
    adding them up in memory, and compiles the statement first, which takes longer than to run it."""
    alias = UsageRollup.objects.db
    if dimension is not Dimension.USER or connections[alias].vendor != "postgresql":
        yield
        return
    with transaction.atomic(using=alias, savepoint=False), connections[alias].cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true)")
        yield


@dataclass(frozen=True, slots=True)
class _Source:
    """A queryset with `provider`, `key` and `moment` (a date, an hour or a constant) to group by."""

    rows: QuerySet[Any, Any]
    is_rollup: bool


def _sources(query: CellQuery, segments: Segments) -> Iterable[_Source]:
    of_keys = Q(**{"key__in": query.keys}) if query.keys else Q()
    for span, ranges in (("day", segments.days), (query.finest_span, segments.steps)):
        if ranges:
            yield _Source(_rolled(query, span, ranges).filter(of_keys), is_rollup=True)
    if segments.rows:
        yield _Source(_raw(query, segments.rows).filter(of_keys), is_rollup=False)


def settled_rows(dimension: Dimension) -> QuerySet[AIProviderUsageLog, Any]:
    """The rows that are counted, with `provider` and `key` annotated."""
    rows = AIProviderUsageLog.objects.exclude(status=Status.STARTED).order_by()
    if dimension is Dimension.ERROR:
        rows = rows.exclude(error_kind="")
    return rows.annotate(key=KEYS[dimension], provider=Coalesce("provider_config_id", Value(NO_PROVIDER)))


def sums_of(rows: QuerySet[Any, Any], *by: str) -> QuerySet[Any, Any]:
    """`rows` of `settled_rows` grouped: `by`, then the counts in the order of COUNTS."""
    sums: QuerySet[Any, Any] = rows.values(*by).annotate(**_ROW_SUMS).values_list(*by, *_SUMS)
    return sums


def latencies_of(rows: QuerySet[Any, Any], *by: str) -> QuerySet[Any, Any]:
    """`rows` of `settled_rows` grouped: `by`, the latency class, and how many calls."""
    counted = rows.filter(ANSWERED).annotate(latency_class=LATENCY_CLASS)
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
    rows = UsageRollup.objects.filter(span=span, dimension=query.dimension.value)
    if query.by_provider:
        rows = rows.filter(within("start", ranges)).exclude(provider=ALL_PROVIDERS)
        if query.among:
            rows = rows.filter(provider__in=query.among)
    else:
        # Moment by moment, because the index has the moment before the provider.
        rows = rows.filter(
            start__in=_starts(span, ranges),
            provider=ALL_PROVIDERS if query.provider is None else query.provider,
        )
    return rows.annotate(moment=_moment("start", query)).order_by()


def _starts(span: str, ranges: Sequence[Range]) -> list[datetime]:
    step = SPANS[span]
    return [start + n * step for start, end in ranges for n in range(-(-(end - start) // step))]


def within(column: str, ranges: Sequence[Range]) -> Q:
    """A moment in any of the ranges."""
    return reduce(or_, (Q(**{f"{column}__gte": start, f"{column}__lt": end}) for start, end in ranges))


def _moment(column: str, query: CellQuery) -> Any:
    if query.bucket == "day":
        return TruncDate(column, tzinfo=query.period.zone)
    if query.bucket == "hour":
        return TruncHour(column, tzinfo=UTC)
    return Value(0)


def _sums(source: _Source, query: CellQuery, starts: list[datetime]) -> Iterable[tuple[CellKey, list[int]]]:
    """Each cell, and its counts in the order of COUNTS."""
    index = _bucket_index(query, starts)
    if source.is_rollup:
        rows = source.rows.values(*_BY).annotate(**_ROLLUP_SUMS).values_list(*_BY, *_SUMS)
    else:
        rows = sums_of(source.rows, *_BY)
    for moment, provider, key, *counts in rows:
        yield CellKey(index(moment), provider, key), _whole(counts)


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
    return _figures(_whole(counts))


def _figures(counts: Sequence[int]) -> Figures:
    return Figures(**dict(zip(COUNTS, counts, strict=True)))  # type: ignore[arg-type]  # latencies are no count


def _whole(counts: Sequence[Any]) -> list[int]:
    """The sums as a database says them, which may be decimals, or nothing."""
    return [int(count or 0) for count in counts]
