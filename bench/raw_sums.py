"""The same sums in plain SQL over the log, which shares nothing with `usage.stats`: what those must equal."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from operator import add
from typing import Any

from django.db import connection

from bench.usage_rows import TABLE
from usage import stats
from usage.stats import Figures, Period
from usage.stats.period import zone_of

ZONES = ("UTC", "Africa/Nairobi", "America/New_York")
KEYS = {
    "none": "''",
    "provider": "coalesce(provider_config_id::text, '')",
    "model": "CASE WHEN provider_type || model_name = '' THEN '' ELSE provider_type || '/' || model_name END",
    "task": "task_type",
    "plan": "plan",
    "user": "coalesce(user_id::text, '')",
    "error": "error_kind",
    "status": "CASE WHEN cached THEN 'cached' WHEN attempt = 0 THEN 'refused' ELSE status END",
    "prompt_version": "CASE WHEN prompt_version = '' THEN '' ELSE task_type || '/' || prompt_version END",
}
_CALL = "attempt >= 1 AND NOT cached"
_ANSWERED = f"{_CALL} AND status = 'success'"
SUMS = (
    f"count(*) FILTER (WHERE {_CALL})",
    f"count(*) FILTER (WHERE {_CALL} AND status = 'success')",
    f"count(*) FILTER (WHERE {_CALL} AND status = 'error')",
    f"count(*) FILTER (WHERE {_CALL} AND status = 'timeout')",
    f"count(*) FILTER (WHERE {_CALL} AND status = 'aborted')",
    "count(*) FILTER (WHERE attempt = 0 AND status = 'error')",
    "sum(input_tokens)",
    "sum(cached_tokens)",
    "sum(output_tokens)",
    "sum(reasoning_tokens)",
    "sum(total_tokens)",
    "coalesce(sum(estimated_cost_usd), 0)",
    f"count(*) FILTER (WHERE {_CALL} AND estimated_cost_usd IS NULL)",
    f"coalesce(sum(latency_ms) FILTER (WHERE {_ANSWERED}), 0)",
    f"count(latency_ms) FILTER (WHERE {_ANSWERED})",
)
Sums = dict[tuple[str, str], tuple[Any, ...]]


def unequal(*, now: datetime, days: int) -> list[str]:
    """The questions, by zone, whose answers differ from SQL in any digit. `days` must cover every row."""
    wrong = []
    for by in KEYS:
        said = _by_sql(by)
        for number, zone in enumerate(ZONES):
            today = now.astimezone(zone_of(zone)).date()
            period = Period.of_dates(first=today - timedelta(days=days - 1), last=today, tz=zone)
            series = _series(period, by)
            if series != (_with_others(said[number], series) if by == "user" else said[number]):
                wrong.append(f"days by {by} in {zone}")
            if by != "none" and _breakdown(period, by) != _joined(said[number]):
                wrong.append(f"{by} in {zone}")
    return wrong


def _joined(days: Sums) -> Sums:
    joined: Sums = {}
    for (_, key), sums in days.items():
        known = joined.get(("", key))
        joined["", key] = tuple(map(add, known, sums)) if known else sums
    return joined


def _with_others(days: Sums, kept: Sums) -> Sums:
    """The days with the keys that are not among `kept` added up, as people over time are shown."""
    keys = {key for _, key in kept}
    joined: Sums = {}
    for (day, key), sums in days.items():
        place = (day, key if key in keys else stats.OTHERS)
        known = joined.get(place)
        joined[place] = tuple(map(add, known, sums)) if known else sums
    return joined


def _series(period: Period, by: str) -> Sums:
    points = stats.timeseries(period=period, by=by)  # type: ignore[arg-type]
    known = {(str(point.start.date()), point.key): _of(point.figures) for point in points}
    return {place: sums for place, sums in known.items() if any(sums)}


def _breakdown(period: Period, by: str) -> Sums:
    rows = stats.breakdown(period=period, by=by)  # type: ignore[arg-type]
    return {("", row.key): _of(row.figures) for row in rows}


def _of(figures: Figures) -> tuple[Any, ...]:
    return (
        figures.calls, figures.successes, figures.errors, figures.timeouts, figures.aborted, figures.refusals,
        figures.input_tokens, figures.cached_tokens, figures.output_tokens, figures.reasoning_tokens,
        figures.total_tokens, Decimal(figures.cost_picos).scaleb(-12), figures.unpriced_calls,
        figures.latency_sum_ms, figures.latency_calls,
    )  # fmt: skip


def _by_sql(by: str) -> list[Sums]:
    """By local day and key in each of the zones, all from one look at every row. People are too many to be
    added up by the hour first; of everything else an hour is on one side of each zone's midnights."""
    days = [
        f"(moment AT TIME ZONE '{zone}')::date::text AS day_{number}" for number, zone in enumerate(ZONES)
    ]
    sets = ", ".join(f"(of_key, day_{number})" for number in range(len(ZONES)))
    names = ", ".join(f"day_{number}" for number in range(len(ZONES)))
    only = "AND error_kind <> ''" if by == "error" else ""
    moment = "created_at" if by == "user" else "date_trunc('hour', created_at)"
    rows = f"SELECT *, {moment} AS moment, {KEYS[by]} AS of_key FROM {TABLE} WHERE status <> 'started' {only}"
    sums = ", ".join(SUMS)
    if by != "user":
        by_hour = ", ".join(f"{what} AS sum_{number}" for number, what in enumerate(SUMS))
        rows = f"SELECT moment, of_key, {by_hour} FROM ({rows}) r GROUP BY moment, of_key"
        sums = ", ".join(f"sum(sum_{number})" for number in range(len(SUMS)))
    answers: list[Sums] = [{} for _ in ZONES]
    with connection.cursor() as cursor:
        cursor.execute("SET work_mem = '512MB'")
        cursor.execute(
            f"SELECT {names}, of_key, {sums} FROM (SELECT *, {', '.join(days)} FROM ({rows}) r) r "
            f"GROUP BY GROUPING SETS ({sets})"
        )
        for row in cursor:
            found, (key, *counts) = row[: len(ZONES)], row[len(ZONES) :]
            number = next(n for n, day in enumerate(found) if day is not None)
            answers[number][found[number], key] = tuple(counts)
    return answers
