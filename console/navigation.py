"""What every page of the console has around it: the sidebar, the pages beside the one that is open, and a
name by which a script finds messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the sidebar. `pages` are (title, URL name), the one it leads to first; a page that is not
    installed is left out."""

    title: str
    icon: str
    pages: tuple[tuple[str, str], ...]


SECTIONS: tuple[Section, ...] = (
    Section("Home", "home", (("Home", "admin:index"),)),
    Section(
        "Providers",
        "hub",
        (
            ("Providers", "admin:providers_aiproviderconfig_changelist"),
            ("API keys", "api_keys"),
            ("Provider health", "admin:orchestration_health"),
            ("Model capabilities", "admin:providers_modelcapability_changelist"),
        ),
    ),
    Section(
        "Routing",
        "alt_route",
        (
            ("Task policies", "admin:orchestration_taskpolicy_changelist"),
            ("Plan tiers", "admin:orchestration_tiers"),
        ),
    ),
    Section("Prompts", "chat", (("Prompts", "admin:prompts"),)),
    Section("Experiments", "science", (("Experiments", "admin:orchestration_experiment_changelist"),)),
    Section(
        "Usage",
        "receipt_long",
        (
            ("Usage log", "admin:usage_aiproviderusagelog_changelist"),
            ("Statistics", "admin:usage_statistics"),
        ),
    ),
    Section(
        "Costs",
        "savings",
        (
            ("Recommendations", "admin:usage_recommendations"),
            ("Price list", "admin:usage_price_list"),
            ("Prices", "admin:usage_modelprice_changelist"),
        ),
    ),
    Section(
        "Alerts",
        "notifications",
        (
            ("Alerts", "admin:usage_alert_changelist"),
            ("Channels", "admin:usage_alertchannel_changelist"),
            ("Deliveries", "admin:usage_alertdelivery_changelist"),
            ("Thresholds", "admin:usage_alertthresholds_changelist"),
        ),
    ),
    Section(
        "People",
        "group",
        (
            ("People", "admin:accounts_user_changelist"),
            ("Plans", "admin:accounts_plan_changelist"),
            ("Subscriptions", "admin:accounts_subscription_changelist"),
            ("Quota rules", "admin:usage_quotarule_changelist"),
            ("Quota counters", "admin:usage_quotacounter_changelist"),
            ("Access tokens", "admin:accounts_personaltoken_changelist"),
        ),
    ),
    Section(
        "Work",
        "work",
        (
            ("Job postings", "admin:extraction_jobposting_changelist"),
            ("Profiles", "admin:drafting_masterprofile_changelist"),
            ("Drafts", "admin:drafting_draft_changelist"),
            ("Batches", "admin:orchestration_batch_changelist"),
        ),
    ),
    Section(
        "Records",
        "policy",
        (
            ("Audit trail", "admin:accounts_auditentry_changelist"),
            ("Retention", "admin:accounts_retentionrule_changelist"),
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """unfold's SIDEBAR.navigation: one group without a title, an entry a section."""
    here = _section_of(request.path)
    return [
        {
            "items": [
                {
                    "title": section.title,
                    "icon": section.icon,
                    "link": links[0][1],
                    "active": section is here,
                }
                for section in SECTIONS
                if (links := links_of(section))
            ]
        }
    ]


def links_of(section: Section) -> list[tuple[str, str]]:
    """Title and address of each page of a section that is installed."""
    return [(title, link) for title, name in section.pages if (link := _address(name))]


def page_context(request: HttpRequest) -> dict[str, Any]:
    """unfold's GLOBAL_CALLBACK."""
    section = _section_of(request.path)
    beside = links_of(section) if section else []
    here = _longest(request.path, [link for _, link in beside])
    return {
        "element_classes": {"messages": "console-messages"},
        "section": section,
        # A section of one page has nothing beside it.
        "section_pages": [(title, link, link == here) for title, link in beside] if len(beside) > 1 else [],
    }


def title_of(link: str) -> str:
    """What the sidebar calls the page at this address; empty where it has none."""
    titles = {address: title for section in SECTIONS for title, address in links_of(section)}
    return titles.get(link, "")


def _section_of(path: str) -> Section | None:
    homes = {link: section for section in SECTIONS for _, link in links_of(section)}
    here = _longest(path, list(homes))
    return homes.get(here)


def _longest(path: str, links: list[str]) -> str:
    """The link that the path is at or below; the home of the console is above nothing."""
    home = _address("admin:index")
    above = [link for link in links if path == link or (link != home and path.startswith(link))]
    return max(above, key=len, default="")


def _address(url_name: str) -> str:
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""
