"""The panel of what providers have taken of the limits of their own."""

from __future__ import annotations

from decimal import Decimal

from django.urls import reverse

from console.panel import Column, Panel, Value
from console.providers.sections import address_of
from console.usage.selection import Selection
from providers.models import AIProviderConfig
from usage.ledger.limits import amount_in
from usage.stats.quotas import QuotaStatus, provider_status

_UNITS = {"tokens": "tokens", "usd": "USD"}


def limits(selection: Selection) -> Panel:
    """Each limit of an active provider, the fullest first; the chosen period changes nothing of it."""
    columns = (
        Column("name", "Provider", "text"),
        Column("window", "Window", "text"),
        Column("unit", "Unit", "text"),
        Column("used", "Used"),
        Column("reserved", "In flight"),
        Column("limit", "Limit"),
        Column("percent", "Of the limit", "percent"),
    )
    configs = AIProviderConfig.objects.filter(is_active=True).defer("api_key_encrypted")
    active = {config.pk: config for config in configs}
    if selection.provider:
        active = {pk: config for pk, config in active.items() if pk == selection.provider}
    by_provider = provider_status(configs=active.values(), now=selection.now)
    found = [(pk, one) for pk, statuses in by_provider.items() for one in statuses if one.limit is not None]
    found.sort(key=lambda each: (-_percent(each[1]), each[0]))
    return Panel(
        "Limits of providers",
        columns,
        [_row(active[pk], status) for pk, status in found],
        links=[address_of(pk, "limits") for pk, _ in found],
        note="Days and months of UTC.",
        empty="No provider has a limit of its own.",
        leads_to=("Set one", reverse("admin:providers_aiproviderconfig_changelist")),
    )


def _row(config: AIProviderConfig, status: QuotaStatus) -> list[Value]:
    unit = status.quota.unit
    window = "today" if status.quota.period == "day" else "this month"
    amounts = [_amount(unit, amount) for amount in (status.used, status.reserved, status.limit or 0)]
    return [str(config), window, _UNITS[unit], *amounts, _percent(status)]


def _amount(unit: str, amount: int) -> Value:
    return Decimal(str(amount_in("usd", amount))) if unit == "usd" else amount


def _percent(status: QuotaStatus) -> float:
    return round(100 * status.taken / status.limit, 1) if status.limit else 100.0
