"""A provider's page in sections: which fields each keeps in a form of its own, and what heads them all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.http import HttpRequest
from django.urls import reverse

from console.providers.figures import CallFigures, figures_of
from console.providers.links import statistics_url
from providers.health import HealthVerdict, KeyState, health_of, key_state
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES
from providers.tasks import TASKS
from usage.stats.quotas import QuotaStatus, provider_status

PARAMETER = "section"


@dataclass(frozen=True, slots=True)
class Section:
    """`fields` can be changed, `shown` stand below them."""

    slug: str
    title: str
    fields: tuple[str, ...]
    shown: tuple[str, ...] = ()


OVERVIEW = Section("overview", "Overview", ("display_name", "description"))
SECTIONS = {
    section.slug: section
    for section in (
        OVERVIEW,
        Section("keys", "Key and models", ("model_name", "quality_model_name", "timeout", "key_expires_at")),
        Section("routing", "Routing", ("tasks", "priority", "weight")),
        Section(
            "limits",
            "Limits",
            (
                "daily_token_limit",
                "monthly_token_limit",
                "daily_cost_limit_usd",
                "monthly_cost_limit_usd",
                "requests_per_minute",
                "max_concurrent_calls",
            ),
            ("use_so_far",),
        ),
    )
}
# Pages beside the form, by the URL's name.
_PAGES = {"prices": "Prices", "try": "Try it", "history": "History"}


class Tab(NamedTuple):
    title: str
    link: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ProviderHead:
    """What stands above every section. `today` are the counters of the current UTC day."""

    config: AIProviderConfig
    vendor: str
    colour: str
    key: KeyState
    health: HealthVerdict
    figures: CallFigures
    today: tuple[QuotaStatus, ...]
    tasks: tuple[str, ...]
    tabs: tuple[Tab, ...]
    statistics_url: str

    @property
    def is_brief(self) -> bool:
        """Whether a phone leaves out what the overview has: what one came for begins higher up."""
        return not self.tabs[0].is_current


def section_of(request: HttpRequest) -> Section:
    return SECTIONS.get(request.GET.get(PARAMETER, ""), OVERVIEW)


def address_of(config_id: int, slug: str) -> str:
    """Of a section, or of one of the pages beside it."""
    if slug in _PAGES:
        return reverse(f"admin:providers_aiproviderconfig_{slug}", args=[config_id])
    address = reverse("admin:providers_aiproviderconfig_change", args=[config_id])
    return address if slug == OVERVIEW.slug else f"{address}?{PARAMETER}={slug}"


def head_of(config: AIProviderConfig, current: str, *, now: datetime) -> ProviderHead:
    """`current` is the slug of the section or page that is shown."""
    kind = PROVIDER_TYPES[config.provider_type]
    figures = figures_of([config.pk], now=now).get(config.pk, CallFigures())
    titles = {slug: section.title for slug, section in SECTIONS.items()} | _PAGES
    return ProviderHead(
        config=config,
        vendor=kind.label,
        colour=kind.colour,
        key=key_state(config, now=now),
        health=health_of(config, figures.recent, now=now),
        figures=figures,
        today=tuple(
            status
            for status in provider_status(configs=[config], now=now)[config.pk]
            if status.quota.period == "day"
        ),
        tasks=tuple(TASKS[slug].label for slug in sorted(config.default_tasks()) if slug in TASKS),
        tabs=tuple(
            Tab(title, address_of(config.pk, slug), slug == current) for slug, title in titles.items()
        ),
        statistics_url=statistics_url(config.pk),
    )
