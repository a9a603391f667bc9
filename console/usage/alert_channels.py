"""Where alerts are sent, what became of each sending, and by which figures providers are judged."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
)
from yarl import URL

from accounts.audit import Actor
from accounts.errors import DomainError
from console.audited import AuditedAdmin
from console.choices import ZoneSelect
from console.read_only import ReadOnlyAdminMixin
from providers.encryption import SealedValue
from usage.alerts.conditions import kind_choices
from usage.alerts.delivery import send_test
from usage.alerts.sending import checked_url
from usage.models import AlertChannel, AlertDelivery, AlertThresholds

Form = AlertChannel.Form


class AlertChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    """Address and secret go in and never come out: an empty field keeps the one that is stored."""

    sealed_fields = {"new_url": "url", "new_secret": "secret"}
    new_url = forms.CharField(
        label="Address",
        required=False,
        max_length=2000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="Of a webhook. It is stored encrypted; only its host is shown.",
    )
    new_secret = forms.CharField(
        label="Signing secret",
        required=False,
        max_length=500,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="With one, each webhook carries X-Aditus-Signature. It is stored encrypted.",
    )
    kinds = forms.MultipleChoiceField(
        label="Alerts",
        required=False,
        choices=kind_choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="None chosen: all.",
    )

    class Meta:
        model = AlertChannel
        fields = (
            "name", "form", "is_active", "recipients", "minimum_severity", "kinds", "sends_resolved",
            "quiet_from", "quiet_until", "time_zone", "critical_in_quiet_hours",
        )  # fmt: skip
        widgets = {"recipients": UnfoldAdminTextareaWidget(attrs={"rows": 2}), "time_zone": ZoneSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["new_url"].widget.attrs["placeholder"] = self.instance.url_hint
            kept = "••••" if self.instance.secret else ""
            self.fields["new_secret"].widget.attrs["placeholder"] = kept

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        url = cleaned.get("new_url", "").strip()
        if cleaned.get("form") == Form.EMAIL:
            # An e-mail is posted nowhere: what a browser filled in here is nobody's address.
            cleaned["new_url"] = ""
            return cleaned
        if not url and not self.instance.url:
            self.add_error("new_url", "Enter the address that the notices are posted to.")
        elif url:
            try:
                cleaned["new_url"] = checked_url(url)
            except DomainError as error:
                self.add_error("new_url", error.message)
        return cleaned

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001 - as in Django
        if url := self.cleaned_data.get("new_url"):
            self.instance.url = SealedValue.seal(url)
            self.instance.url_hint = f"{URL(url).host}/…"
        if secret := self.cleaned_data.get("new_secret"):
            self.instance.secret = SealedValue.seal(secret)
        return super().save(commit)


@admin.register(AlertChannel)
class AlertChannelAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    form = AlertChannelForm
    list_display = ["name", "form", "receiver", "minimum_severity", "quiet_hours", "is_active"]
    comes_first = "channels of which a sending was given up and none arrived since, then the others in use"
    list_filter = ["form", "is_active"]
    search_fields = ["name"]
    change_form_template = "console/usage/alert_channel.html"
    audit_leaves_out = ("updated_at", "url", "secret")
    fieldsets = [
        (None, {"fields": ("name", "form", "is_active")}),
        ("Receiver", {"fields": ("recipients", "new_url", "new_secret")}),
        ("What", {"fields": ("minimum_severity", "kinds", "sends_resolved")}),
        ("Quiet hours", {"fields": ("quiet_from", "quiet_until", "time_zone", "critical_in_quiet_hours")}),
    ]

    def in_trouble(self, request: HttpRequest) -> list[Q]:
        states = AlertDelivery.State
        sent = AlertDelivery.objects.filter(
            channel=OuterRef("channel"), state=states.SENT, ended_at__gt=OuterRef("ended_at")
        )
        lost = AlertDelivery.objects.filter(~Exists(sent), channel=OuterRef("pk"), state=states.DEAD)
        return [Q(Exists(lost), is_active=True), Q(is_active=True)]

    def get_urls(self) -> list[URLPattern]:
        test = self.admin_site.admin_view(self._test)
        return [path("<int:pk>/test/", test, name="usage_alertchannel_test"), *super().get_urls()]

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        # What the form sealed is no field of its own, and would be taken for unchanged.
        entered = {"url": "new_url", "url_hint": "new_url", "secret": "new_secret"}
        form.changed_data += [name for name, field in entered.items() if form.cleaned_data.get(field)]
        super().save_model(request, obj, form, change)

    def _facts_in_database(self, obj: Any) -> dict[str, Any]:
        row = AlertChannel.objects.get(pk=obj.pk)
        facts = super()._facts_in_database(obj)
        # That one was changed shows by its token, of which a part tells nothing. The hint of an address does
        # not: it is the host alone, which every channel of one vendor shares.
        sealed = {"url": row.url, "secret": row.secret}
        return facts | {name: value.token[-6:] if value else None for name, value in sealed.items()}

    def _test(self, request: HttpRequest, pk: int) -> HttpResponse:
        return require_POST(self._send_test)(request, pk)

    def _send_test(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            send_test(actor=Actor.of_request(request), channel_id=pk)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "The test was taken by the receiver.")
        return HttpResponseRedirect(reverse("admin:usage_alertchannel_change", args=[pk]))

    @display(description="receiver")
    def receiver(self, channel: AlertChannel) -> str:
        return ", ".join(channel.addresses) if channel.form == Form.EMAIL else channel.url_hint

    @display(description="quiet hours")
    def quiet_hours(self, channel: AlertChannel) -> str:
        if channel.quiet_from is None or channel.quiet_until is None:
            return "none"
        return f"{channel.quiet_from:%H:%M} to {channel.quiet_until:%H:%M} {channel.time_zone}"


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(ReadOnlyAdminMixin, ModelAdmin):  # type: ignore[misc]
    """The log of what was sent to whom; the tests are in it too."""

    list_display = [
        "created_at",
        "channel",
        "what",
        "state_badge",
        "attempts",
        "due_at",
        "ended_at",
        "problem",
    ]
    comes_first = "what was given up, then what is due"
    ordering = ["-created_at", "-pk"]
    list_filter = ["state", "channel"]
    list_select_related = ["channel", "event"]
    show_facets = admin.ShowFacets.NEVER
    fields = (
        "channel", "what", "state", "created_at", "due_at", "was_held", "attempts", "ended_at", "problem"
    )  # fmt: skip
    readonly_fields = fields

    def in_trouble(self, request: HttpRequest) -> list[Q]:
        return [Q(state=AlertDelivery.State.DEAD), Q(state=AlertDelivery.State.DUE)]

    @display(description="what", ordering="event")
    def what(self, delivery: AlertDelivery) -> str:
        return str(delivery.event or "Test")

    @display(
        description="state",
        ordering="state",
        label={"Due": "warning", "Sent": "success", "Given up": "danger"},
    )
    def state_badge(self, delivery: AlertDelivery) -> str:
        return AlertDelivery.State(delivery.state).label


@admin.register(AlertThresholds)
class AlertThresholdsAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    """Used by the next look, within the minute."""

    keeps_order = "a handful of settings, of which none is worse than another"

    list_display = [
        "__str__", "error_rate_percent", "p95_latency_ms", "fewest_calls", "cost_factor", "cost_floor_usd"
    ]  # fmt: skip
    list_select_related = ["provider_config"]
