"""The questions people ask of the usage rows. Each answer is exact; see `usage.stats.rollup`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Literal, get_args

from django.utils import timezone

from accounts.models import Plan, User
from providers.models import AIProviderConfig
from providers.tasks import TASKS
from usage.stats.cells import CellKey, CellQuery, read
from usage.stats.dimensions import NO_PROVIDER, Dimension
from usage.stats.figures import Figures
from usage.stats.period import DAY, Bucket, Period
from usage.stats.rollup import standing

By = Literal["none", "provider", "model", "task", "plan", "user", "status", "error", "prompt_version"]
BREAKDOWNS: tuple[By, ...] = tuple(by for by in get_args(By) if by != "none")

_NOTHING = Figures()
# Of people over time, as many as anybody looks at; each more is a point a bucket.
MOST_SERIES = 50
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class ProviderStat:
    """One provider and model. `total_*`, rate and latency are over the days asked for; `total_cost_usd` is
    that of the priced calls, None when no call could be priced; `success_rate` is in percent. A provider that
    is not in the database (a key from the environment, a deleted config) has `provider_config_id` None."""

    provider_config_id: int | None
    provider_type: str
    model_name: str
    total_calls: int
    total_tokens: int
    total_cost_usd: Decimal | None
    unpriced_calls: int
    success_rate: float | None
    avg_latency_ms: int | None
    last_7_days_calls: int
    last_30_days_calls: int


@dataclass(frozen=True, slots=True)
class BreakdownRow:
    """`key` is a config's id, "provider_type/model", a task, a plan's slug, a user's id, a status, an error's
    kind or "task/prompt version"; "" stands for calls of nobody (a deleted user or config). `label` is for
    people."""

    key: str
    label: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """A bucket's figures; `start` and `end` are in the period's time zone. `key`, `label` as in BreakdownRow,
    empty without a breakdown."""

    start: datetime
    end: datetime
    key: str
    label: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Comparison:
    """The 7 and 30 times 24 hours up to now, and as long before each."""

    last_7_days: Figures
    previous_7_days: Figures
    last_30_days: Figures
    previous_30_days: Figures


def usage_stats(*, days: int = 30, now: datetime | None = None) -> list[ProviderStat]:
    """Every provider and model that was called within `days` or 30 days, by calls. InvalidPeriod for days
    outside 1..3660."""
    now = now or timezone.now()
    Period.last_days(days, now=now)
    ages = sorted({days, 7, 30}, reverse=True)
    parts = _parts(ages, now, Dimension.MODEL, by_provider=True)
    stats = []
    for (provider, key), by_age in _with_deleted_providers_joined(parts).items():
        over = {age: sum((by_age.get(a, _NOTHING) for a in ages if a <= age), _NOTHING) for age in ages}
        asked = over[days]
        if key.strip("/") and (asked.calls or over[30].calls):
            stats.append(_provider_stat(provider, key, asked, over[7].calls, over[30].calls))
    return sorted(stats, key=lambda stat: (-stat.total_calls, stat.provider_type, stat.model_name))


def totals(*, period: Period, provider: int | None = None) -> Figures:
    """The whole period, of all providers or of the config with the id `provider`; with percentiles."""
    cells = read(CellQuery(period, provider=provider, latency=True), standing())
    return sum(cells.values(), _NOTHING)


def breakdown(*, period: Period, by: By, provider: int | None = None) -> list[BreakdownRow]:
    """The period by one dimension, most calls first; with percentiles except by user and error."""
    query = _question(period, by, provider, None)
    by_key: dict[str, Figures] = {}
    cells = read(query, standing())
    labels = _labels(by, {_key(by, cell) for cell in cells})
    for cell, figures in cells.items():
        key = _key(by, cell) if _key(by, cell) in labels else ""
        by_key[key] = by_key[key] + figures if key in by_key else figures
    rows = [BreakdownRow(key, labels.get(key, _NOBODY[by]), figures) for key, figures in by_key.items()]
    return sorted(rows, key=lambda row: (-row.figures.calls, -row.figures.refusals, row.label))


def timeseries(
    *, period: Period, bucket: Bucket = "day", by: By = "none", provider: int | None = None
) -> list[SeriesPoint]:
    """The period bucket by bucket. Without `by` every bucket is there, empty ones too; with it, those of each
    key that have something in them. By user those who called most are apart, MOST_SERIES of them, and the
    rest together under OTHERS. InvalidPeriod when the buckets would be too many."""
    if by == "user":
        return _timeseries_of_people(period, bucket, provider)
    cells = read(_question(period, by, provider, bucket), standing())
    buckets = [
        (start.astimezone(period.zone), end.astimezone(period.zone)) for start, end in period.buckets(bucket)
    ]
    if by == "none":
        sums = _summed((cell.bucket, figures) for cell, figures in cells.items())
        return [
            SeriesPoint(start, end, "", "", sums.get(n, _NOTHING)) for n, (start, end) in enumerate(buckets)
        ]
    labels = _labels(by, {_key(by, cell) for cell in cells})
    merged: dict[tuple[int, str], Figures] = {}
    for cell, figures in cells.items():
        place = (cell.bucket, _key(by, cell) if _key(by, cell) in labels else "")
        merged[place] = merged[place] + figures if place in merged else figures
    return [
        SeriesPoint(*buckets[n], key, labels.get(key, _NOBODY[by]), figures)
        for (n, key), figures in sorted(merged.items(), key=lambda item: item[0])
    ]


def _timeseries_of_people(period: Period, bucket: Bucket, provider: int | None) -> list[SeriesPoint]:
    most = [row for row in breakdown(period=period, by="user", provider=provider) if row.key][:MOST_SERIES]
    labels = {row.key: row.label for row in most} | {OTHERS: "All others"}
    query = _question(period, "user", provider, bucket)
    cells = read(replace(query, keys=tuple(row.key for row in most)), standing()) if most else {}
    # After the parts, so that a call that is settled in between is once too many among the others at worst,
    # and nobody's calls are below zero.
    whole = timeseries(period=period, bucket=bucket, provider=provider)
    apart = _summed((cell.bucket, figures) for cell, figures in cells.items())
    by_place = {(cell.bucket, cell.key): figures for cell, figures in cells.items()}
    for number, point in enumerate(whole):
        rest = point.figures - apart.get(number, _NOTHING)
        if rest != _NOTHING:
            by_place[number, OTHERS] = rest
    return [
        SeriesPoint(whole[n].start, whole[n].end, key, labels[key], figures)
        for (n, key), figures in sorted(by_place.items(), key=lambda item: item[0])
    ]


def comparison(*, now: datetime | None = None, provider: int | None = None) -> Comparison:
    """The last 7 and 30 days against the 7 and 30 before them; without percentiles."""
    parts = _parts((60, 30, 14, 7), now or timezone.now(), Dimension.TOTAL, provider=provider)
    by_age = dict.fromkeys((60, 30, 14, 7), _NOTHING)
    for ages in parts.values():
        for age, figures in ages.items():
            by_age[age] = by_age[age] + figures
    return Comparison(
        last_7_days=by_age[7],
        previous_7_days=by_age[14],
        last_30_days=by_age[7] + by_age[14] + by_age[30],
        previous_30_days=by_age[60],
    )


Parts = dict[tuple[int, str], dict[int, Figures]]


def _parts(
    ages: Iterable[int],
    now: datetime,
    dimension: Dimension,
    *,
    provider: int | None = None,
    by_provider: bool = False,
) -> Parts:
    """(provider, key) -> {age: figures from `age` days ago up to the next smaller age}."""
    parts: Parts = {}
    known = standing()
    edges = [*sorted(ages, reverse=True), 0]
    for age, until in pairwise(edges):
        period = Period.between(start=now - age * DAY, end=now - until * DAY)
        query = CellQuery(period, dimension, provider=provider, by_provider=by_provider)
        for cell, figures in read(query, known).items():
            parts.setdefault((cell.provider, cell.key), {})[age] = figures
    return parts


def _with_deleted_providers_joined(parts: Parts) -> Parts:
    existing = set(AIProviderConfig.objects.values_list("pk", flat=True))
    joined: Parts = {}
    for (provider, key), ages in parts.items():
        place = (provider if provider in existing else NO_PROVIDER, key)
        into = joined.setdefault(place, {})
        for age, figures in ages.items():
            into[age] = into.get(age, _NOTHING) + figures
    return joined


def _provider_stat(provider: int, key: str, asked: Figures, last_7: int, last_30: int) -> ProviderStat:
    vendor, _, model = key.partition("/")
    return ProviderStat(
        provider_config_id=provider or None,
        provider_type=vendor,
        model_name=model,
        total_calls=asked.calls,
        total_tokens=asked.total_tokens,
        total_cost_usd=asked.total_cost_usd,
        unpriced_calls=asked.unpriced_calls,
        success_rate=asked.success_rate,
        avg_latency_ms=asked.avg_latency_ms,
        last_7_days_calls=last_7,
        last_30_days_calls=last_30,
    )


def _question(period: Period, by: By, provider: int | None, bucket: Bucket | None) -> CellQuery:
    if by == "provider":
        return CellQuery(
            period, provider=provider, by_provider=provider is None, bucket=bucket, latency=bucket is None
        )
    dimension = Dimension.TOTAL if by == "none" else Dimension(by)
    with_latency = by == "none" or (bucket is None and by not in ("user", "error", "status"))
    return CellQuery(period, dimension, provider=provider, bucket=bucket, latency=with_latency)


def _key(by: By, cell: CellKey) -> str:
    return str(cell.provider) if by == "provider" else cell.key


_NOBODY: dict[By, str] = {
    "none": "",
    "provider": "No stored provider",
    "model": "No model",
    "task": "No task",
    "plan": "No plan",
    "user": "Deleted user",
    "status": "No status",
    "error": "No error",
    "prompt_version": "No prompt",
}


def _labels(by: By, keys: set[str]) -> dict[str, str]:
    """Key -> what people call it. Ids of deleted users and configs are left out: a row forgets them, and its
    rollup does not."""
    if by == "provider":
        configs = AIProviderConfig.objects.in_bulk([int(key) for key in keys])
        return {str(pk): str(config) for pk, config in configs.items()}
    if by == "user":
        users = User.objects.filter(pk__in=[int(key) for key in keys if key]).order_by()
        return {str(pk): email for pk, email in users.values_list("pk", "email")}
    plans = dict(Plan.objects.values_list("slug", "name")) if by == "plan" else {}
    return {key: _label(by, key, plans) for key in keys if key.strip("/")}


def _label(by: By, key: str, plans: Mapping[str, str]) -> str:
    task, _, version = key.partition("/")
    if by == "plan":
        return plans.get(key, key)
    if by in ("task", "prompt_version"):
        label = TASKS[task].label if task in TASKS else task
        return f"{label}, {version}" if version else label
    return key if by == "model" else key.replace("_", " ")


def _summed(pairs: Iterable[tuple[int, Figures]]) -> dict[int, Figures]:
    sums: dict[int, Figures] = {}
    for place, figures in pairs:
        sums[place] = sums[place] + figures if place in sums else figures
    return sums
