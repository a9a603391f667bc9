"""Rules about what is configured: keys, the providers' own limits, prices."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.percents import in_percent
from providers.errors import UndecryptableKey
from providers.health import EXPIRY_WARNING, RecentCalls, flag_sentence, health_of
from usage import stats
from usage.alerts.conditions import Check, Condition, Kind, Rule, about
from usage.models import Severity
from usage.unpriced import models_without_price

_FIGURES_OF_LIMITS = ("unit", "window", "limit", "used", "share")

Conditions = Iterator[Condition]


def _keys(check: Check) -> Conditions:
    for config in check.active:
        if not health_of(config, RecentCalls(), now=check.now).key_is_readable:
            yield about(config, "key_undecryptable", Severity.CRITICAL, UndecryptableKey.message)
        if config.flagged_at:
            message = (
                f"{flag_sentence(config.flag_reason)} It is asked last until a test of its key succeeds."
            )
            since = config.flagged_at.isoformat()
            yield about(
                config, "config_flagged", Severity.CRITICAL, message, reason=config.flag_reason, since=since
            )
        expires = config.key_expires_at
        if expires and expires <= check.now:
            message = f"The key expired on {expires:%Y-%m-%d}. Enter a new one."
            yield about(config, "key_expired", Severity.CRITICAL, message, expires_at=expires.isoformat())
        elif expires and expires < check.now + EXPIRY_WARNING:
            days = (expires - check.now).days
            message = f"The key expires on {expires:%Y-%m-%d}. Enter a new one before that."
            yield about(config, "key_expires_soon", Severity.WARNING, message, days_left=days)


def _limits(check: Check) -> Conditions:
    """Of whose own limits 80 % or all are taken, with what calls in flight hold."""
    statuses = stats.provider_status(configs=check.active, now=check.now)
    for config in check.active:
        for status in statuses[config.pk]:
            if status.warning is None:
                continue
            quota = status.quota
            name = f"{'token' if quota.unit == 'tokens' else 'USD'} limit of this {quota.period}"
            told = status.warning.as_dict()
            figures = {key: value for key, value in told.items() if key in _FIGURES_OF_LIMITS}
            detail = f"{quota.unit}:{quota.period}"
            if status.left == 0:
                message = f"The {name} is used up until {quota.resets_at:%Y-%m-%d}."
                yield about(
                    config, "provider_limit_reached", Severity.CRITICAL, message, detail=detail, **figures
                )
            else:
                share, anew = in_percent(status.warning.share), f"{quota.resets_at:%Y-%m-%d}"
                message = f"{share} of the {name} are taken. It starts anew on {anew}."
                yield about(
                    config, "provider_limit_near", Severity.WARNING, message, detail=detail, **figures
                )


def _prices(check: Check) -> Conditions:
    """Models that are configured, or were called within the week, and have no price now."""
    for provider_type, model, calls in models_without_price(active=check.active, now=check.now):
        yield _unpriced(provider_type, model, calls)


def _unpriced(provider_type: str, model: str, calls: int) -> Condition:
    return Condition(
        kind="unknown_price",
        severity=Severity.WARNING,
        message=f"No price is known for {provider_type} {model}: its cost is recorded as unknown. "
        "Set one under Prices.",
        subject=f"model:{provider_type}/{model}",
        provider_type=provider_type,
        model_name=model,
        figures={"unpriced_calls": calls},
    )


RULES = (
    Rule(
        (
            Kind("config_flagged", "providers", "The vendor refuses a provider"),
            Kind("key_undecryptable", "providers", "A key cannot be decrypted"),
            Kind("key_expired", "providers", "A key has expired"),
            Kind("key_expires_soon", "providers", "A key expires soon"),
        ),
        _keys,
    ),
    Rule(
        (
            Kind("provider_limit_reached", "cost", "A provider's limit is used up"),
            Kind("provider_limit_near", "cost", "A provider's limit is nearly used up"),
        ),
        _limits,
    ),
    Rule((Kind("unknown_price", "cost", "A model has no price"),), _prices, is_cheap=False),
)
