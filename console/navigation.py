"""What every page of the console has around it: the sidebar, and a name by which a script finds messages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

# (title, icon, URL name); a page that is not installed is left out.
_GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Providers",
        (
            ("Dashboard", "monitoring", "admin:index"),
            ("Providers", "hub", "admin:providers_aiproviderconfig_changelist"),
            ("API keys", "key", "api_keys"),
            ("Statistics", "bar_chart", "admin:usage_statistics"),
            ("Alerts", "notifications", "admin:usage_alerts"),
            ("Provider health", "monitor_heart", "admin:orchestration_health"),
            ("Task policies", "alt_route", "admin:orchestration_taskpolicy_changelist"),
            ("Experiments", "science", "admin:orchestration_experiment_changelist"),
            ("Usage log", "receipt_long", "admin:usage_aiproviderusagelog_changelist"),
            ("Model capabilities", "fact_check", "admin:providers_modelcapability_changelist"),
            ("Prices", "sell", "admin:usage_modelprice_changelist"),
            ("Quota rules", "rule", "admin:usage_quotarule_changelist"),
            ("Quota counters", "speed", "admin:usage_quotacounter_changelist"),
        ),
    ),
    (
        "People",
        (
            ("Users", "group", "admin:accounts_user_changelist"),
            ("Plans", "workspace_premium", "admin:accounts_plan_changelist"),
            ("Tiers", "grid_on", "admin:orchestration_tiers"),
            ("Subscriptions", "card_membership", "admin:accounts_subscription_changelist"),
            ("Access tokens", "token", "admin:accounts_personaltoken_changelist"),
            ("Audit trail", "policy", "admin:accounts_auditentry_changelist"),
        ),
    ),
    (
        "Work",
        (
            ("Jobs", "work", "admin:extraction_jobposting_changelist"),
            ("Profiles", "badge", "admin:drafting_masterprofile_changelist"),
            ("Drafts", "description", "admin:drafting_draft_changelist"),
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """unfold's SIDEBAR.navigation."""
    groups = []
    for title, pages in _GROUPS:
        items = [
            {"title": name, "icon": icon, "link": link}
            for name, icon, url_name in pages
            if (link := _address(url_name))
        ]
        if items:
            groups.append({"title": title, "items": items})
    return groups


def page_context(request: HttpRequest) -> dict[str, Any]:
    """unfold's GLOBAL_CALLBACK."""
    return {"element_classes": {"messages": "console-messages"}}


def _address(url_name: str) -> str:
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""
