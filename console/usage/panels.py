"""What the dashboard and the statistics page show: tables, and the charts drawn from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from django.urls import reverse

from console.panel import CHANGE, Chart, Column, Kind, Panel, Value
from console.usage.limits import limits
from console.usage.money import forecast, margin
from console.usage.selection import Selection
from usage import stats
from usage.health import provider_health
from usage.stats import Figures
from usage.stats.period import Bucket
from usage.stats.questions import By

# Pages show so many rows of a table; its CSV has them all.
MOST_ROWS = 50

_FIGURES = (
    Column("calls", "Calls"),
    Column("success_rate", "Success", "percent"),
    Column("refusals", "Refused"),
    Column("tokens", "Tokens"),
    Column("cost", "Cost", "usd"),
    Column("unpriced", "Unpriced calls"),
    Column("cost_per_call", "Cost per call", "usd"),
)
_LATENCY = (Column("p50", "Latency p50", "ms"), Column("p95", "Latency p95", "ms"))


def _values(figures: Figures) -> list[Value]:
    return [
        figures.calls,
        figures.success_rate,
        figures.refusals,
        figures.total_tokens,
        figures.total_cost_usd,
        figures.unpriced_calls,
        figures.cost_per_call_usd,
    ]


def summary(selection: Selection) -> Panel:
    """The period against the one before it."""
    this = stats.totals(period=selection.period, provider=selection.provider)
    before = stats.totals(period=selection.period.previous(), provider=selection.provider)
    columns = (*_FIGURES, *_LATENCY)
    rows = [
        [name, *_values(figures), figures.p50_latency_ms, figures.p95_latency_ms]
        for name, figures in (("This period", this), ("Period before", before))
    ]
    changes: list[Value] = [CHANGE]
    changes += [
        _change(now, then, column.kind)
        for column, now, then in zip(columns, rows[0][1:], rows[1][1:], strict=True)
    ]
    return Panel("At a glance", (Column("period", "", "text"), *columns), [*rows, changes])


def _change(now: Value, then: Value, kind: Kind) -> float | None:
    """Percent, of percents points; None when either is unknown, or when there was nothing before."""
    if now is None or then is None or isinstance(now, str) or isinstance(then, str):
        return None
    if kind == "percent":
        return round(float(Decimal(str(now)) - Decimal(str(then))), 1)
    if not then:
        return None
    return round(float((Decimal(str(now)) / Decimal(str(then)) - 1) * 100), 1)


def comparison(selection: Selection) -> Panel:
    """The last 7 days against the last 30, a day each, and both against as long before."""
    compared = stats.comparison(now=selection.now, provider=selection.provider)
    stretches = (
        ("Last 7 days", compared.last_7_days, 7),
        ("7 days before", compared.previous_7_days, 7),
        ("Last 30 days", compared.last_30_days, 30),
        ("30 days before", compared.previous_30_days, 30),
    )
    columns = (
        Column("period", "", "text"),
        *_FIGURES,
        Column("calls_a_day", "Calls a day"),
        Column("cost_a_day", "Cost a day", "usd"),
    )
    rows: list[list[Value]] = []
    for name, figures, days in stretches:
        cost = figures.total_cost_usd
        a_day = None if cost is None else cost / days
        rows.append([name, *_values(figures), round(figures.calls / days, 1), a_day])
    return Panel("7 days against 30", columns, rows, note="Up to now, whatever period is chosen above.")


# Two colours: what happened, and in red what went wrong; grey is what is neither.
_OVER_TIME = (
    Chart("Calls", ("successes", "failed", "aborted", "refusals"), ("first", "bad", "quiet", "quiet")),
    Chart("Cost", ("cost",), ("first",), kind="usd"),
    Chart("Tokens", ("tokens",), ("first",)),
    Chart("Latency", ("p50", "p95"), ("first", "quiet"), shape="line", kind="ms"),
)


def over_time(selection: Selection) -> Panel:
    points = stats.timeseries(period=selection.period, bucket=selection.bucket, provider=selection.provider)
    columns = (
        Column("start", selection.bucket.capitalize(), "text"),
        *_FIGURES,
        *_LATENCY,
        Column("successes", "Succeeded"),
        Column("failed", "Failed"),
        Column("aborted", "Aborted"),
    )
    rows: list[list[Value]] = []
    for point in points:
        figures = point.figures
        latencies = [figures.p50_latency_ms, figures.p95_latency_ms]
        outcomes = [figures.successes, figures.errors + figures.timeouts, figures.aborted]
        rows.append([_moment(point.start, selection.bucket), *_values(figures), *latencies, *outcomes])
    return Panel("Over time", columns, rows, _OVER_TIME)


def _moment(start: datetime, bucket: Bucket) -> str:
    return f"{start:%Y-%m-%d %H:%M %z}" if bucket == "hour" else f"{start:%Y-%m-%d}"


def errors(selection: Selection) -> Panel:
    """How often each kind of error came, over time; refusals among them."""
    points = stats.timeseries(
        period=selection.period, bucket=selection.bucket, by="error", provider=selection.provider
    )
    kinds = {point.key: point.label for point in points}
    counts: dict[str, dict[str, int]] = {}
    for start, _ in selection.period.buckets(selection.bucket):
        counts[_moment(start.astimezone(selection.period.zone), selection.bucket)] = dict.fromkeys(kinds, 0)
    for point in points:
        counts[_moment(point.start, selection.bucket)][point.key] += (
            point.figures.calls + point.figures.refusals
        )
    ordered = sorted(kinds, key=lambda kind: -sum(row[kind] for row in counts.values()))
    columns = [*(Column(kind, kinds[kind]) for kind in ordered), Column("all", "All errors")]
    rows: list[list[Value]] = [
        [start, *(row[kind] for kind in ordered), sum(row.values())] for start, row in counts.items()
    ]
    return Panel(
        "Errors by kind",
        (Column("start", selection.bucket.capitalize(), "text"), *columns),
        rows if ordered else [],
        (Chart("Errors of every kind", ("all",), ("bad",)),) if ordered else (),
        empty="No errors in this period.",
        leads_to=("See the usage log", reverse("admin:usage_aiproviderusagelog_changelist")),
    )


def by(dimension: By, title: str) -> Callable[[Selection], Panel]:
    """The panel of one breakdown."""

    def panel(selection: Selection) -> Panel:
        found = stats.breakdown(period=selection.period, by=dimension, provider=selection.provider)
        latency = () if dimension in ("user", "status") else _LATENCY
        rows: list[list[Value]] = []
        for entry in found:
            latencies = [entry.figures.p50_latency_ms, entry.figures.p95_latency_ms] if latency else []
            rows.append([entry.label, *_values(entry.figures), *latencies])
        links = [_link(dimension, entry.key, selection) for entry in found[:MOST_ROWS]]
        return Panel(
            f"By {title}",
            (Column("name", title.capitalize(), "text"), *_FIGURES, *latency),
            rows,
            (
                Chart(f"Cost by {title}", ("cost",), ("first",), shape="ranking", kind="usd"),
                Chart(f"Calls by {title}", ("calls",), ("first",), shape="ranking"),
            ),
            links,
        )

    return panel


def _link(dimension: By, key: str, selection: Selection) -> str:
    if dimension == "provider" and key and selection.provider is None:
        return f"{reverse('admin:usage_statistics')}?provider={key}"
    if dimension == "user" and key:
        return reverse("admin:accounts_user_change", args=[key])
    return ""


def quotas(selection: Selection) -> Panel:
    """Who has taken most of the running day and month, users and providers."""
    columns = (
        Column("name", "Who", "text"),
        Column("window", "Window", "text"),
        Column("used", "Used"),
        Column("reserved", "In flight"),
        Column("limit", "Limit"),
        Column("percent", "Of the limit", "percent"),
    )
    rows: list[list[Value]] = []
    for who in ("user", "provider"):
        for window, name in (("day", "today"), ("month", "this month")):
            for use in stats.quota_ranking(scope=who, window=window, now=selection.now, limit=5):  # type: ignore[arg-type]
                limit: Value = "no limit" if use.limit is None else use.limit
                rows.append([use.label, name, use.used, use.reserved, limit, use.percent])
    return Panel(
        "Quotas",
        columns,
        rows,
        note="Tokens. A user's days and months are those of their time zone, a provider's those of UTC.",
        empty="Nobody used tokens yet.",
    )


def health(selection: Selection) -> Panel:
    """Each provider's state and its last 24 hours."""
    columns = (
        Column("name", "Provider", "text"),
        Column("state", "State", "text"),
        Column("reasons", "Why", "text"),
        Column("calls", "Calls, 24 h"),
        Column("errors", "Errors", "percent"),
        Column("latency", "Mean latency", "ms"),
    )
    found = provider_health(now=selection.now)
    rows: list[list[Value]] = []
    for one in found:
        last_day = [one.recent.calls, one.recent.error_rate, one.recent.avg_latency_ms]
        rows.append([str(one.config), one.state, " ".join(one.verdict.reasons), *last_day])
    links = [reverse("admin:providers_aiproviderconfig_change", args=[one.config.pk]) for one in found]
    return Panel(
        "Health",
        columns,
        rows,
        links=links,
        empty="No provider is configured.",
        leads_to=("Add the first", reverse("admin:providers_aiproviderconfig_add")),
    )


PANELS: Mapping[str, Callable[[Selection], Panel]] = {
    "health": health,
    "summary": summary,
    "comparison": comparison,
    "over-time": over_time,
    "errors": errors,
    "providers": by("provider", "provider"),
    "models": by("model", "model"),
    "tasks": by("task", "task"),
    "plans": by("plan", "plan"),
    "prompts": by("prompt_version", "prompt version"),
    "statuses": by("status", "status"),
    "users": by("user", "user"),
    "quotas": quotas,
    "limits": limits,
    "forecast": forecast,
    "margins": margin("plan", "plan"),
    "user-margins": margin("user", "user"),
}
