"""What a super-admin should look at, worked out from the rows each time somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from django.db.models import Count

from providers.adapters.base import TokenUsage
from providers.errors import UndecryptableKey
from providers.health import EXPIRY_WARNING, RECENT, flag_sentence
from providers.models import AIProviderConfig
from usage import stats
from usage.health import ProviderHealth, provider_health
from usage.models import AIProviderUsageLog
from usage.pricing import overrides_for, quote

Severity = Literal["critical", "warning", "info"]

UNPRICED_DAYS = 7
COST_RISE = 2
BASELINE_DAYS = 7
# An average over fewer days is no habit to depart from.
FEWEST_BASELINE_DAYS = 3

_ORDER: dict[Severity, int] = {"critical": 0, "warning": 1, "info": 2}
_ANY_TOKENS = TokenUsage(input_tokens=1_000, output_tokens=1_000)
_FIGURES_OF_LIMITS = ("unit", "window", "limit", "used", "share")
# Refusals before any vendor was asked: error kind of the row, how bad it is, and what it means.
_REFUSALS: dict[str, tuple[Severity, str]] = {
    "quota_exceeded": (
        "info",
        "{calls} calls of {users} users were refused: their plan is used up.",
    ),
    "provider_quota_exceeded": (
        "critical",
        "{calls} calls were refused: every provider is at its limit.",
    ),
    "price_unknown": (
        "critical",
        "{calls} calls were refused: a spending cap is in force, and no able model has a known price.",
    ),
    "no_active_provider": ("critical", "{calls} calls were refused: no active provider is configured."),
    "no_capable_provider": ("critical", "{calls} calls were refused: no configured model can do the task."),
}


@dataclass(frozen=True, slots=True)
class CurrentAlert:
    """`kind` is stable; programs decide by it. `figures` are what the message is based on."""

    kind: str
    severity: Severity
    message: str
    provider_config_id: int | None = None
    provider_type: str = ""
    model_name: str = ""
    figures: dict[str, int | float | str] = field(default_factory=dict)


def current_alerts(*, now: datetime) -> list[CurrentAlert]:
    """Everything that holds at `now` (aware), the worst first. Only active configs are judged."""
    healths = [health for health in provider_health(now=now) if health.config.is_active]
    alerts = [
        *(alert for health in healths for alert in _about_the_key(health, now)),
        *(alert for health in healths for alert in _about_the_calls(health)),
        *_about_limits([health.config for health in healths], now),
        *_about_refusals(now),
        *_about_prices([health.config for health in healths], now),
        *_about_cost(now),
    ]
    return sorted(alerts, key=lambda alert: _ORDER[alert.severity])


def _of(
    config: AIProviderConfig,
    kind: str,
    severity: Severity,
    message: str,
    **figures: int | float | str,
) -> CurrentAlert:
    return CurrentAlert(
        kind=kind,
        severity=severity,
        message=f"{config}: {message}",
        provider_config_id=config.pk,
        provider_type=config.provider_type,
        model_name=config.model_name,
        figures=figures,
    )


def _about_the_key(health: ProviderHealth, now: datetime) -> Iterator[CurrentAlert]:
    config = health.config
    if not health.verdict.key_is_readable:
        yield _of(config, "key_undecryptable", "critical", UndecryptableKey.message)
    if config.flagged_at:
        message = f"{flag_sentence(config.flag_reason)} It is asked last until a test of its key succeeds."
        since = config.flagged_at.isoformat()
        yield _of(config, "config_flagged", "critical", message, reason=config.flag_reason, since=since)
    expires = config.key_expires_at
    if expires and expires <= now:
        message = f"The key expired on {expires:%Y-%m-%d}. Enter a new one."
        yield _of(config, "key_expired", "critical", message, expires_at=expires.isoformat())
    elif expires and expires < now + EXPIRY_WARNING:
        days = (expires - now).days
        message = f"The key expires on {expires:%Y-%m-%d}. Enter a new one before that."
        yield _of(config, "key_expires_soon", "warning", message, days_left=days)


def _about_the_calls(health: ProviderHealth) -> Iterator[CurrentAlert]:
    calls, rate, latency = health.recent.calls, health.recent.error_rate, health.recent.avg_latency_ms
    if health.verdict.fails_too_often and rate is not None:
        message = f"{rate} % of {calls} calls failed in the last 24 hours."
        yield _of(health.config, "error_rate", "warning", message, error_rate=rate, calls=calls)
    if health.verdict.is_slow and latency is not None:
        message = f"Answers took {latency} ms on average in the last 24 hours."
        yield _of(health.config, "latency", "warning", message, avg_latency_ms=latency, calls=calls)


def _about_limits(configs: list[AIProviderConfig], now: datetime) -> Iterator[CurrentAlert]:
    """Configs of whose own limits 80 % or all are taken, with what calls in flight hold."""
    statuses = stats.provider_status(configs=configs, now=now)
    for config in configs:
        for status in statuses[config.pk]:
            if status.warning is None:
                continue
            quota, is_used_up = status.quota, status.left == 0
            name = f"{'token' if quota.unit == 'tokens' else 'USD'} limit of this {quota.period}"
            figures = {
                key: value for key, value in status.warning.as_dict().items() if key in _FIGURES_OF_LIMITS
            }
            if is_used_up:
                message = f"The {name} is used up until {quota.resets_at:%Y-%m-%d}."
                yield _of(config, "provider_limit_reached", "critical", message, **figures)
            else:
                share, anew = f"{status.warning.share:.0%}", f"{quota.resets_at:%Y-%m-%d}"
                message = f"{share} of the {name} are taken. It starts anew on {anew}."
                yield _of(config, "provider_limit_near", "warning", message, **figures)


def _about_refusals(now: datetime) -> Iterator[CurrentAlert]:
    refusals = AIProviderUsageLog.objects.filter(
        created_at__gte=now - RECENT, attempt=0, error_kind__in=_REFUSALS
    ).order_by()
    rows = refusals.values("error_kind").annotate(calls=Count("id"), users=Count("user_id", distinct=True))
    for row in rows:
        severity, sentence = _REFUSALS[row["error_kind"]]
        figures = {"calls": row["calls"], "users": row["users"]}
        message = f"{sentence.format(**figures)} Counted over the last 24 hours."
        yield CurrentAlert(row["error_kind"], severity, message, figures=figures)


def _about_prices(configs: list[AIProviderConfig], now: datetime) -> Iterator[CurrentAlert]:
    """Models in use, or about to be, whose calls are recorded without a cost."""
    period = stats.Period.last_days(UNPRICED_DAYS, now=now)
    found = {}
    for row in stats.breakdown(period=period, by="model"):
        if row.figures.unpriced_calls:
            provider_type, _, model = row.key.partition("/")
            found[provider_type, model] = row.figures.unpriced_calls
    for missing in _configured_without_price(configs, now):
        found.setdefault(missing, 0)
    for (provider_type, model), calls in found.items():
        message = (
            f"No price is known for {provider_type} {model}: its cost is recorded as unknown. "
            "Set one under Model prices."
        )
        yield CurrentAlert(
            "unknown_price", "warning", message, None, provider_type, model, {"unpriced_calls": calls}
        )


def _configured_without_price(configs: list[AIProviderConfig], now: datetime) -> Iterator[tuple[str, str]]:
    models: dict[str, set[str]] = {}
    for config in configs:
        models.setdefault(config.provider_type, set()).update({config.model_name, config.quality_model_name})
    for provider_type, names in models.items():
        overrides = overrides_for(provider_type=provider_type, model_names=names)
        for name in sorted(names - {""}):
            known = quote(
                provider_type=provider_type, model_name=name, usage=_ANY_TOKENS, at=now, overrides=overrides
            )
            if known is None:
                yield provider_type, name


def _about_cost(now: datetime) -> Iterator[CurrentAlert]:
    """Configs that cost more today (UTC) than twice their average day of the week before."""
    today = now.astimezone(UTC).date()
    period = stats.Period.of_dates(first=today - timedelta(days=BASELINE_DAYS), last=today)
    days: dict[int, dict[date, Decimal]] = {}
    for point in stats.timeseries(period=period, bucket="day", by="provider"):
        cost = point.figures.total_cost_usd
        if point.key and cost:
            days.setdefault(int(point.key), {})[point.start.date()] = cost
    for config in AIProviderConfig.objects.filter(pk__in=days):
        spent = days[config.pk].pop(today, Decimal(0))
        before = days[config.pk].values()
        if len(before) < FEWEST_BASELINE_DAYS:
            continue
        average = sum(before, Decimal(0)) / len(before)
        if spent > COST_RISE * average:
            message = f"Today's calls cost ${spent:.4f}; an average day of the week before, ${average:.4f}."
            figures = {"today_usd": f"{spent:f}", "daily_average_usd": f"{average:.12f}"}
            yield _of(config, "cost_rise", "warning", message, **figures)
