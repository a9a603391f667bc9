"""Where in the console something can be done about an alert."""

from __future__ import annotations

from django.urls import reverse

from usage.models import Alert

_PAGES = {
    "no_usable_provider": "admin:providers_aiproviderconfig_changelist",
    "task_without_first_choice": "admin:providers_aiproviderconfig_changelist",
    "circuit_open": "admin:orchestration_health",
    "unknown_price": "admin:usage_modelprice_changelist",
    "price_unknown": "admin:usage_modelprice_changelist",
    "quota_exceeded": "admin:accounts_plan_changelist",
    "provider_quota_exceeded": "admin:providers_aiproviderconfig_changelist",
    "no_capable_provider": "admin:providers_modelcapability_changelist",
    "audit_broken": "admin:accounts_auditentry_changelist",
    "channel_failing": "admin:usage_alertchannel_changelist",
    "lost_calls": "admin:usage_aiproviderusagelog_changelist",
}


def page_of(alert: Alert) -> str:
    """The page of what it is about; its own where there is none."""
    if alert.kind in _PAGES:
        return reverse(_PAGES[alert.kind])
    if alert.provider_config_id is not None:
        return reverse("admin:providers_aiproviderconfig_change", args=[alert.provider_config_id])
    return own_page(alert)


def own_page(alert: Alert) -> str:
    return reverse("admin:usage_alert_change", args=[alert.pk])
