"""Alerts in the console: what needs attention, what was done about it, and the buttons that do it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.audit import Actor
from accounts.errors import DomainError
from console.audit_history import AuditHistory
from console.read_only import ReadOnlyAdminMixin
from console.usage.alert_advice import ADVICE
from console.usage.alert_links import own_page, page_of
from usage.alerts import judging, records
from usage.alerts.conditions import GROUPS, kind_of
from usage.models import Alert, AlertState, Severity
from usage.models.alerts import STANDING

# Hours, and what the button says.
MUTES = ((1, "an hour"), (24, "a day"), (7 * 24, "a week"))
_DONE = {"acknowledge": "Acknowledged", "mute": "Muted", "unmute": "Heard again", "resolve": "Resolved"}
UNREADABLE = "A note has at most 300 characters and no control characters, and an alert is muted as offered."


class DoingForm(forms.Form):
    """What somebody says as they press a button; `hours` is how long it is muted, the least if not said."""

    note = forms.CharField(required=False, max_length=300)
    hours = forms.TypedChoiceField(required=False, choices=MUTES, coerce=int, empty_value=None)


class StateFilter(admin.SimpleListFilter):
    """What stands, unless something else is asked for."""

    title = "state"
    parameter_name = "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", "Open"),
            ("acknowledged", "Acknowledged"),
            ("muted", "Muted"),
            ("resolved", "Resolved"),
            ("all", "All"),
        ]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        return [{**first, "display": "Standing"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        muted = Q(muted_until__gt=timezone.now())
        if self.value() == "all":
            return queryset
        if self.value() == "muted":
            return queryset.filter(muted)
        if self.value() in {AlertState.OPEN, AlertState.ACKNOWLEDGED, AlertState.RESOLVED}:
            return queryset.filter(state=self.value())
        return queryset.filter(state__in=STANDING)


class GroupFilter(admin.SimpleListFilter):
    title = "about"
    parameter_name = "group"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(GROUPS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        return queryset.filter(group=self.value()) if self.value() in GROUPS else queryset


@admin.register(Alert)
class AlertAdmin(AuditHistory, ReadOnlyAdminMixin, ModelAdmin):  # type: ignore[misc]
    """Only the rules write what an alert says; people say what they do about it."""

    comes_first = "what nobody is at, then what is acknowledged; of each the most severe"
    list_display = ["severity_badge", "message", "about", "state_shown", "opened_at", "seen_at"]
    list_display_links = ["message"]
    list_filter = [StateFilter, "severity", GroupFilter]
    search_fields = ["message"]
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    actions = ["acknowledge_selected", "mute_selected", "resolve_selected"]
    change_form_template = "console/usage/alert.html"
    fields = (
        "message",
        "about",
        "state_shown",
        "since",
        "opened_at",
        "seen_at",
        "resolved_at",
        "figures_shown",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return records.ever().order_by("by_severity", "-opened_at", "-pk")

    def in_trouble(self, request: HttpRequest) -> list[Q]:
        return [
            Q(state=AlertState.OPEN) & ~Q(muted_until__gt=timezone.now()),
            Q(state=AlertState.OPEN),
            Q(state=AlertState.ACKNOWLEDGED),
        ]

    def get_ordering(self, request: HttpRequest) -> Any:
        return ["by_severity", "-opened_at", "-pk"]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/acknowledge/", wrap(self._button("acknowledge")), name="usage_alert_acknowledge"),
            path("<int:pk>/mute/", wrap(self._button("mute")), name="usage_alert_mute"),
            path("<int:pk>/unmute/", wrap(self._button("unmute")), name="usage_alert_unmute"),
            path("<int:pk>/resolve/", wrap(self._button("resolve")), name="usage_alert_resolve"),
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        judging.bring_up_to_date(now=timezone.now())
        return super().changelist_view(request, extra_context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        alert = self.get_object(request, object_id)
        if alert is None:
            return super().change_view(request, object_id, form_url, extra_context)
        kind = kind_of(alert.kind)
        own = page_of(alert)
        context = {
            "alert": alert,
            "kind": kind,
            "advice": ADVICE.get(alert.kind, ""),
            "is_muted": alert.is_muted(timezone.now()),
            "may_act": self._may_act(request),
            "mutes": MUTES,
            "about_page": "" if own == own_page(alert) else own,
            "events": alert.events.all()[:100],
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @admin.action(description="Acknowledge")
    def acknowledge_selected(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self._each(request, queryset, "acknowledge")

    @admin.action(description="Mute for a day")
    def mute_selected(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self._each(request, queryset, "mute", until=timezone.now() + timedelta(days=1))

    @admin.action(description="Resolve")
    def resolve_selected(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self._each(request, queryset, "resolve")

    def _each(self, request: HttpRequest, queryset: QuerySet[Alert], what: str, **how: Any) -> None:
        if not self._may_act(request):
            raise PermissionDenied
        refused: list[str] = []
        done = 0
        for pk in queryset.values_list("pk", flat=True):
            try:
                getattr(records, what)(actor=Actor.of_request(request), alert_id=pk, **how)
                done += 1
            except DomainError as error:
                refused.append(error.message)
        if done:
            self.message_user(request, f"{_DONE[what]}: {done}.", messages.SUCCESS)
        for sentence in sorted(set(refused)):
            number = refused.count(sentence)
            self.message_user(request, f"{number} left as they are: {sentence}", messages.WARNING)

    def _button(self, what: str) -> Callable[..., HttpResponse]:
        @require_POST
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            if not self._may_act(request):
                raise PermissionDenied
            form = DoingForm(request.POST)
            if not form.is_valid():
                messages.error(request, UNREADABLE)
                return HttpResponseRedirect(request.path.removesuffix(f"{what}/") + "change/")
            how: dict[str, Any] = {"note": form.cleaned_data["note"]}
            if what == "mute":
                how["until"] = timezone.now() + timedelta(hours=form.cleaned_data["hours"] or MUTES[0][0])
            try:
                alert = getattr(records, what)(actor=Actor.of_request(request), alert_id=pk, **how)
            except DomainError as error:
                messages.error(request, error.message)
                return HttpResponseRedirect(request.path.removesuffix(f"{what}/") + "change/")
            messages.success(request, f"{_DONE[what]}.")
            return HttpResponseRedirect(own_page(alert))

        return view

    def _may_act(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("usage.change_alert"))

    @display(
        description="severity",
        label={
            Severity.CRITICAL.label: "danger", Severity.WARNING.label: "warning", Severity.INFO.label: "info"
        },
    )  # fmt: skip
    def severity_badge(self, alert: Alert) -> str:
        return Severity(alert.severity).label

    @display(description="what")
    def about(self, alert: Alert) -> str:
        kind = kind_of(alert.kind)
        return kind.title if kind else alert.kind

    @display(description="state", ordering="state")
    def state_shown(self, alert: Alert) -> str:
        state = AlertState(alert.state).label
        if alert.muted_until and alert.is_muted(timezone.now()):
            return f"{state}, muted until {alert.muted_until:%Y-%m-%d %H:%M} UTC"
        return state

    @display(description="figures")
    def figures_shown(self, alert: Alert) -> str:
        said = (f"{name.replace('_', ' ')}: {_figure(value)}" for name, value in alert.figures.items())
        return ", ".join(said) or "none"


def _figure(value: Any) -> str:
    """A number with its thousands told apart; what a rule tells by name in words."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value).replace("_", " ")
    return f"{value:,}"
