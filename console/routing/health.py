"""Provider health in the console: one page for who looks after the providers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from unfold.admin import ModelAdmin

from accounts.audit import Actor
from accounts.errors import DomainError
from console.providers.links import statistics_url
from orchestration.guards.circuit import State as CircuitState
from orchestration.models import ProviderProbe
from orchestration.probes import probe_now
from orchestration.probes.asking import sentence_of
from orchestration.probes.health import ModelCircuit, ProviderStatus, provider_statuses
from providers.health import Tone
from providers.registry import PROVIDER_TYPES

_LEVELS = {True: messages.SUCCESS, False: messages.ERROR, None: messages.WARNING}
_CIRCUITS: dict[CircuitState, tuple[Tone, str]] = {
    "closed": ("good", "closed"),
    "open": ("bad", "open"),
    "half_open": ("warning", "half-open"),
    "probing": ("warning", "half-open"),
}
_PROBES: dict[bool | None, tuple[Tone, str]] = {
    True: ("good", "up"),
    False: ("bad", "down"),
    None: ("quiet", "cannot tell"),
}


@dataclass(frozen=True, slots=True)
class CircuitLine:
    tone: Tone
    label: str
    circuit: ModelCircuit


@dataclass(frozen=True, slots=True)
class ProbeLine:
    tone: Tone
    label: str
    reason: str
    is_due: bool
    probe: ProviderProbe


@dataclass(frozen=True, slots=True)
class HealthRow:
    """What one row of the page shows."""

    status: ProviderStatus
    vendor: str
    colour: str
    circuits: tuple[CircuitLine, ...]
    probe: ProbeLine | None
    statistics_url: str


@admin.register(ProviderProbe)
class ProviderProbeAdmin(ModelAdmin):
    """Probes have no pages of their own: one means little without the calls, the flag and the circuits."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="orchestration_providerprobe_changelist"),
            path("health/", wrap(require_safe(self.health_view)), name="orchestration_health"),
            path("<int:config_id>/now/", wrap(require_POST(self.probe_view)), name="orchestration_probe"),
        ]

    def has_view_permission(self, request: HttpRequest, obj: ProviderProbe | None = None) -> bool:
        return bool(request.user.has_perm("providers.view_aiproviderconfig"))

    def has_change_permission(self, request: HttpRequest, obj: ProviderProbe | None = None) -> bool:
        return bool(request.user.has_perm("providers.change_aiproviderconfig"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ProviderProbe | None = None) -> bool:
        return False

    def changelist_view(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:orchestration_health"))

    def health_view(self, request: HttpRequest) -> HttpResponse:
        """GET: every provider with what is known of it right now."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        context = {
            **self.admin_site.each_context(request),
            "title": "Provider health",
            "rows": [_row(status, now=now) for status in provider_statuses(now=now)],
            "now": now,
            "can_change": self.has_change_permission(request),
        }
        return TemplateResponse(request, "console/routing/health.html", context)

    def probe_view(self, request: HttpRequest, config_id: int) -> HttpResponse:
        """POST: probe one provider and show what came of it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            probed = probe_now(actor=Actor.of_request(request), config_id=config_id)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            effect = f" The provider was {probed.effect}." if probed.effect else ""
            said = f"{probed.name}: {probed.finding.message}{effect}"
            messages.add_message(request, _LEVELS[probed.finding.is_up], said)
        return HttpResponseRedirect(reverse("admin:orchestration_health"))


def _row(status: ProviderStatus, *, now: datetime) -> HealthRow:
    kind, probe = PROVIDER_TYPES[status.config.provider_type], status.probe
    return HealthRow(
        status=status,
        vendor=kind.label,
        colour=kind.colour,
        circuits=tuple(CircuitLine(*_CIRCUITS[circuit.state], circuit) for circuit in status.circuits),
        probe=_probe_line(probe, now=now) if probe else None,
        statistics_url=statistics_url(status.config.pk),
    )


def _probe_line(probe: ProviderProbe, *, now: datetime) -> ProbeLine:
    return ProbeLine(
        *_PROBES[probe.is_up],
        reason="" if probe.is_up else sentence_of(probe.is_up, probe.error_kind),
        is_due=probe.next_at <= now,
        probe=probe,
    )
