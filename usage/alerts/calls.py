"""Rules about what calls show: failures, slow answers, cost, refusals. An hour is looked at, and its latest
quarter; from the rollups as far as they go, and the rest from the rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db.models import Count

from accounts.percents import in_percent
from providers.models import AIProviderConfig
from usage.alerts.conditions import Check, Condition, Kind, Rule, about
from usage.alerts.incidents import FEWEST_USUAL, SLOW_SHARE, Counted, Usual, is_too_dear, is_too_many
from usage.alerts.notices import number_of
from usage.models import AIProviderUsageLog, Severity, UsageRollup
from usage.stats import Period
from usage.stats.dimensions import Dimension
from usage.stats.figures import PICOS_PER_USD, latency_of
from usage.stats.recent import Asked, asked_in
from usage.stats.rollup import standing

LATEST = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
WEEKS = 6
DAYS = 7
_SETTLING = timedelta(minutes=10)

# Refusals before any vendor was asked: error kind of the row, how bad it is, and what it means.
_REFUSALS: dict[str, tuple[Severity, str, str]] = {
    "quota_exceeded": (
        Severity.INFO,
        "Users are at their plan's limit",
        "{calls} of {users} {were} refused: their plan is used up.",
    ),
    "provider_quota_exceeded": (
        Severity.CRITICAL,
        "Calls are refused: every provider is at its limit",
        "{calls} {were} refused: every provider is at its limit.",
    ),
    "price_unknown": (
        Severity.CRITICAL,
        "Calls are refused: no able model has a price",
        "{calls} {were} refused: a spending cap is in force, and no able model has a known price.",
    ),
    "no_capable_provider": (
        Severity.CRITICAL,
        "Calls are refused: no model can do the task",
        "{calls} {were} refused: no configured model can do the task.",
    ),
}


_NOTHING = Asked()


def _failures(asked: Asked) -> Counted:
    return Counted(asked.ended, asked.failed)


def _slower_than(asked: Asked, milliseconds: float) -> Counted:
    """Of the successful calls."""
    latencies = asked.figures.latencies
    slow = sum(n for number, n in latencies.items() if latency_of(number) > milliseconds)
    return Counted(sum(latencies.values()), slow)


def _figures(check: Check) -> Iterator[Condition]:
    known = standing()
    hours, latest = (
        asked_in(Period.between(start=check.now - stretch, end=check.now), known, latency=True)
        for stretch in (_HOUR, LATEST)
    )
    usual = _usual_costs(check, hours, rolled_until=known.until)
    for config in check.active:
        hour, quarter = hours.get(config.pk, _NOTHING), latest.get(config.pk, _NOTHING)
        yield from _failing(check, config, hour, quarter)
        yield from _slow(check, config, hour, quarter)
        yield from _dear(check, config, hour, usual.get(config.pk, Usual()))


def _failing(check: Check, config: AIProviderConfig, hour: Asked, latest: Asked) -> Iterator[Condition]:
    thresholds = check.thresholds_of(config.pk)
    is_open = ("error_rate", f"config:{config.pk}") in check.standing
    limit = thresholds.error_rate_percent / 100
    if is_too_many(
        _failures(hour), _failures(latest), limit=limit, fewest=thresholds.fewest_calls, is_open=is_open
    ):
        calls, rate = _failures(hour).calls, round(100 * _failures(hour).share, 2)
        message = (
            f"{in_percent(_failures(hour).share)} of {number_of(calls, 'call')} of the last hour failed."
        )
        yield about(config, "error_rate", Severity.WARNING, message, error_rate=rate, calls=calls)


def _slow(check: Check, config: AIProviderConfig, hour: Asked, latest: Asked) -> Iterator[Condition]:
    thresholds = check.thresholds_of(config.pk)
    is_open = ("latency", f"config:{config.pk}") in check.standing
    limit = thresholds.p95_latency_ms
    if is_too_many(
        _slower_than(hour, limit),
        _slower_than(latest, limit),
        limit=SLOW_SHARE,
        fewest=thresholds.fewest_calls,
        is_open=is_open,
    ):
        p95, calls = hour.figures.p95_latency_ms or 0, hour.figures.successes
        message = f"The slowest 5 % of {number_of(calls, 'answer')} of the last hour took {p95} ms or longer."
        yield about(config, "latency", Severity.WARNING, message, p95_latency_ms=p95, calls=calls)


def _dear(check: Check, config: AIProviderConfig, hour: Asked, usual: Usual) -> Iterator[Condition]:
    thresholds = check.thresholds_of(config.pk)
    is_open = ("cost_rise", f"config:{config.pk}") in check.standing
    cost, floor = hour.figures.cost_picos / PICOS_PER_USD, float(thresholds.cost_floor_usd)
    factor = thresholds.cost_factor
    if is_too_dear(cost, usual, factor=factor, floor=floor, is_open=is_open):
        limit = max(usual.limit(factor=factor) or 0, floor)
        message = f"The last hour cost ${cost:.4f}; for this weekday and hour up to ${limit:.4f} is usual."
        figures = {"hour_usd": f"{cost:.6f}", "usual_limit_usd": f"{limit:.6f}"}
        yield about(config, "cost_rise", Severity.WARNING, message, **figures)


def _usual_costs(check: Check, hours: dict[int, Asked], *, rolled_until: datetime | None) -> dict[int, Usual]:
    """Hours like this one, of each provider that was called: at the same time of the same weekday (UTC) in
    the weeks before; where these are too few, in the days before. Of hours that are not rolled up yet, since
    no worker runs, say, nothing is known, least of all that they cost nothing."""
    configs = [config for config in check.active if config.pk in hours]
    weekly = [check.now - timedelta(weeks=number) for number in range(1, WEEKS + 1)]
    daily = [check.now - timedelta(days=number) for number in range(1, DAYS + 1)]
    rolled = _rolled_hours([config.pk for config in configs], [*weekly, *daily])

    def is_rolled(moment: datetime) -> bool:
        return rolled_until is not None and moment < rolled_until

    found = {}
    for config in configs:
        # Before there was such a provider nothing was usual.
        weeks, days = (
            [moment for moment in moments if moment - _HOUR >= config.created_at and is_rolled(moment)]
            for moments in (weekly, daily)
        )
        like = weeks if len(weeks) >= FEWEST_USUAL else days
        parts = [
            [(part, *rolled.get((config.pk, start), (0.0, 0))) for start, part in _hours_around(moment)]
            for moment in like
        ]
        costs = [sum(part * cost for part, cost, _ in hour) for hour in parts]
        calls = sum(part * number for hour in parts for part, _, number in hour)
        found[config.pk] = Usual(costs, sum(costs) / calls if calls else 0.0)
    return found


def _rolled_hours(
    configs: list[int], moments: list[datetime]
) -> dict[tuple[int, datetime], tuple[float, int]]:
    """USD and calls of each config in the full hours around the moments."""
    rows = UsageRollup.objects.filter(
        span="hour",
        dimension=Dimension.TOTAL.value,
        provider__in=configs,
        start__in={start for moment in moments for start, _ in _hours_around(moment)},
    )
    return {
        (provider, start): (picos / PICOS_PER_USD, calls)
        for provider, start, picos, calls in rows.values_list("provider", "start", "cost_picos", "calls")
    }


def _hours_around(moment: datetime) -> list[tuple[datetime, float]]:
    """The two full hours that the hour before `moment` lies in, and which part of each."""
    full = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    part = (moment - full) / _HOUR
    return [(full - _HOUR, 1 - part), (full, part)]


def _refusals(check: Check) -> Iterator[Condition]:
    rows = AIProviderUsageLog.objects.filter(
        created_at__gte=check.now - LATEST, attempt=0, error_kind__in=_REFUSALS
    ).order_by()
    counted = rows.values("error_kind").annotate(calls=Count("id"), users=Count("user_id", distinct=True))
    for row in counted:
        severity, _, sentence = _REFUSALS[row["error_kind"]]
        figures = {"calls": row["calls"], "users": row["users"]}
        said = sentence.format(
            calls=number_of(row["calls"], "call"),
            users=number_of(row["users"], "user"),
            were="was" if row["calls"] == 1 else "were",
        )
        message = f"{said} Counted over 15 minutes."
        yield Condition(row["error_kind"], severity, message, figures=figures)


def _swept(check: Check) -> Iterator[Condition]:
    """Calls whose process died: the sweeper closed their rows at what was reserved."""
    lost = AIProviderUsageLog.objects.filter(swept=True, settled_at__gte=check.now - _HOUR).count()
    if lost:
        were, its = ("was", "its") if lost == 1 else ("were", "their")
        message = (
            f"{number_of(lost, 'call')} {were} lost within the hour: {its} process ended first. "
            "Charged is what was reserved."
        )
        yield Condition("lost_calls", Severity.WARNING, message, figures={"calls": lost})


def _figure_kind(name: str, group: str, title: str) -> Kind:
    return Kind(name, group, title, is_state=False, clears_after=_SETTLING)  # type: ignore[arg-type]


RULES = (
    Rule(
        (
            _figure_kind("error_rate", "calls", "Many calls fail"),
            _figure_kind("latency", "calls", "Answers are slow"),
            _figure_kind("cost_rise", "cost", "The cost rises"),
        ),
        _figures,
        is_cheap=False,
    ),
    Rule(
        tuple(Kind(name, "calls", title, is_state=False) for name, (_, title, _) in _REFUSALS.items()),
        _refusals,
        is_cheap=False,
    ),
    Rule((Kind("lost_calls", "operations", "Calls were lost", is_state=False),), _swept, is_cheap=False),
)
