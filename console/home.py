"""The console's home: whether all is well, what to do next, and what the month costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from console.providers.sections import address_of
from console.usage.alert_links import page_of
from providers.models import AIProviderConfig
from usage.alerts import records
from usage.forecast import Forecast, month_forecast
from usage.ledger.limits import amount_in
from usage.models import AIProviderUsageLog, AlertChannel, AlertDelivery, ModelPrice, Severity, Status
from usage.pricing import ordinary_price, overrides_of
from usage.stats.quotas import QuotaStatus, provider_status

# So many limits are drawn, the fullest first; the quotas panel has all.
MOST_LIMITS = 5
_TONES = {Severity.CRITICAL: "bad", Severity.WARNING: "warning", Severity.INFO: "quiet"}


class Step(NamedTuple):
    """Of getting started: what there is to do, where, and whether it is done."""

    title: str
    link: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class Limit:
    """A provider's limit and how much of it is taken, in its unit (tokens or USD)."""

    name: str
    link: str
    period: str
    unit: str
    taken: int | Decimal
    limit: int | Decimal
    percent: int


def home_of(request: HttpRequest, *, now: datetime) -> dict[str, Any]:
    """What the template needs above the panels. The number of queries does not depend on rows."""
    configs = list(AIProviderConfig.objects.defer("api_key_encrypted"))
    spend = month_forecast(now=now)
    steps = steps_of(request.user, configs)  # type: ignore[arg-type]  # the site lets nobody else in
    return {
        **_verdict(now),
        "steps": steps,
        "next_step": next((step for step in steps if not step.is_done), None),
        "spend": spend,
        "spend_scale": spend_scale(spend),
        "limits": limits_of(configs, now=now),
    }


@require_safe
def verdict(request: HttpRequest) -> HttpResponse:
    """GET: the verdict alone, for a home that stays open."""
    if not request.user.has_perm("usage.view_alert"):
        raise PermissionDenied
    return render(request, "console/home/verdict.html", _verdict(timezone.now()))


def _verdict(now: datetime) -> dict[str, Any]:
    found = records.verdict(now=now)
    return {
        "verdict": found,
        "verdict_tone": _TONES[found.worst] if found.worst else "good",
        "verdict_groups": [
            (title, [(alert, _TONES[Severity(alert.severity)], page_of(alert)) for alert in alerts])
            for title, alerts in found.groups
        ],
    }


def steps_of(user: User, configs: Sequence[AIProviderConfig]) -> list[Step]:
    """Getting started, in order. Each leads to where it is done."""
    active = [config for config in configs if config.is_active]
    first = next(iter(active or configs), None)
    add = reverse("admin:providers_aiproviderconfig_add")
    routing = address_of(first.pk, "routing") if first else add
    unpriced = _without_price(active)
    prices = address_of(unpriced.pk, "prices") if unpriced else reverse("admin:usage_price_list")
    called = AIProviderUsageLog.objects.filter(status=Status.SUCCESS)
    return [
        Step("Add a provider", add, bool(configs)),
        Step(
            "Test its key",
            address_of(first.pk, "keys") if first else add,
            any(config.last_tested_at and config.last_test_success is not False for config in configs),
        ),
        Step(
            "Choose what it answers first",
            routing,
            any(config.is_default or config.default_tasks() for config in active),
        ),
        Step("Make the first call", address_of(first.pk, "try") if first else add, called.exists()),
        Step("Have a price for every model", prices, bool(active) and unpriced is None),
        Step("Set up your authenticator app", reverse("admin:security"), user.has_second_factor),
        _alerts_step(),
    ]


def _alerts_step() -> Step:
    """Done once something arrived, be it a test: a channel alone may lead nowhere."""
    channel = AlertChannel.objects.filter(is_active=True).first()
    link = (
        reverse("admin:usage_alertchannel_change", args=[channel.pk])
        if channel
        else reverse("admin:usage_alertchannel_add")
    )
    sent = AlertDelivery.objects.filter(state=AlertDelivery.State.SENT, channel__is_active=True)
    return Step("Have alerts sent to you, and one arrive", link, sent.exists())


def limits_of(configs: Sequence[AIProviderConfig], *, now: datetime) -> list[Limit]:
    """The fullest limits of active providers (one query)."""
    active = {config.pk: config for config in configs if config.is_active}
    found = [
        _limit(active[pk], status)
        for pk, statuses in provider_status(configs=active.values(), now=now).items()
        for status in statuses
        if status.limit is not None
    ]
    return sorted(found, key=lambda one: -one.percent)[:MOST_LIMITS]


def spend_scale(spend: Forecast) -> Decimal:
    """The right end of the bar of the month: what it may come to at most, or was spent."""
    return max(filter(None, (spend.spent_usd, spend.expected_usd, spend.high_usd)), default=Decimal(0))


def _limit(config: AIProviderConfig, status: QuotaStatus) -> Limit:
    quota = status.quota
    taken, limit = amount_in(quota.unit, status.taken), amount_in(quota.unit, status.limit)
    is_money = quota.unit == "usd"
    return Limit(
        name=str(config),
        link=address_of(config.pk, "limits"),
        period="today" if quota.period == "day" else "this month",
        unit=quota.unit,
        taken=Decimal(str(taken)) if is_money else int(taken or 0),
        limit=Decimal(str(limit)) if is_money else int(limit or 0),
        # Of a limit of nothing, everything is taken.
        percent=round(100 * status.taken / status.limit) if status.limit else 100,
    )


def _without_price(configs: Sequence[AIProviderConfig]) -> AIProviderConfig | None:
    """The first with a model of which no price is known (one query)."""
    overrides = overrides_of(ModelPrice.objects.all())
    at = timezone.now()
    for config in configs:
        for model in filter(None, (config.model_name, config.quality_model_name)):
            if not ordinary_price(
                provider_type=config.provider_type, model_name=model, at=at, overrides=overrides
            ):
                return config
    return None
