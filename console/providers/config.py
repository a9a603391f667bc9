"""Providers in the console: the list with its figures, and the form."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.dateparse import parse_datetime
from unfold.admin import ModelAdmin

from accounts.audit import Actor
from accounts.edit_conflicts import EditConflict
from accounts.errors import DomainError
from accounts.step_up import require_fresh
from console.audit_history import AuditHistory
from console.edit_conflicts import SeenStateForm
from console.providers import actions
from console.providers.forms import AIProviderConfigForm
from console.providers.links import statistics_url
from console.providers.listing import FirstChoiceFilter, ProviderChangeList
from providers.adapters.credential_check import CredentialCheck
from providers.capabilities.shortcomings import shortcomings_of
from providers.configs import changes, deletion
from providers.credentials import trials
from providers.models import AIProviderConfig
from providers.tasks import TASKS

_LEVELS = {True: messages.SUCCESS, False: messages.ERROR, None: messages.WARNING}


@admin.register(AIProviderConfig)
class AIProviderConfigAdmin(AuditHistory, ModelAdmin):  # type: ignore[misc]
    list_display = ("display_name", "provider_type", "model_name", "is_active")
    list_filter = ("provider_type", "is_active", "last_test_success", FirstChoiceFilter)
    search_fields = ("display_name", "model_name", "quality_model_name", "description", "base_url")
    list_per_page = list_max_show_all = 6
    # A filter's counts are of no use over so few kinds, and cost a query each.
    show_facets = admin.ShowFacets.NEVER
    actions = ("test_keys", "make_default", "activate", "deactivate")

    form = AIProviderConfigForm
    change_form_before_template = "console/seen_state.html"  # type: ignore[assignment]
    _vendor_fields = ("provider_type", "display_name", "description", "is_active")
    _key_fields = ("api_key", "base_url", "timeout", "credential_test", "save_anyway", "key_expires_at")
    _model_fields = ("model_name", "quality_model_name")
    _order_fields = ("tasks", "priority", "weight")
    _limit_fields = (
        "daily_token_limit",
        "monthly_token_limit",
        "daily_cost_limit_usd",
        "monthly_cost_limit_usd",
        "requests_per_minute",
        "max_concurrent_calls",
        "use_so_far",
    )
    fieldsets = (
        (None, {"fields": _vendor_fields}),
        ("Key", {"fields": _key_fields}),
        ("Models", {"fields": _model_fields}),
        ("Routing", {"fields": _order_fields}),
        ("Limits", {"fields": _limit_fields}),
    )

    class Media:
        css = {"all": ("console/providers.css",)}
        js = ("console/config_form.js",)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("check/", wrap(actions.check(self)), name="providers_aiproviderconfig_check"),
            path(
                "<int:config_id>/do/<slug:action>/",
                wrap(actions.act(self)),
                name="providers_aiproviderconfig_do",
            ),
        ]
        return own + super().get_urls()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return ProviderChangeList

    def get_readonly_fields(
        self, request: HttpRequest, obj: AIProviderConfig | None = None
    ) -> tuple[str, ...]:
        # A key belongs to its vendor; another vendor is another config.
        shown = ("credential_test", "use_so_far")
        return (*shown, "provider_type") if obj else shown

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001 - Django's
        **kwargs: Any,
    ) -> type[AIProviderConfigForm]:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        bases = (SeenStateForm, form) if obj else (form,)
        own = {"key_check": getattr(request, "key_check", None), "state_of": staticmethod(_state_of)}
        answered: type[AIProviderConfigForm] = type(form.__name__, bases, own)
        return answered

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without "delete selected": each deletion shows what hangs on it."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return cast("dict[str, Any]", actions)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if request.method == "POST":
            self._ask_vendor(request, object_id)
        elif object_id:
            extra_context = {**(extra_context or {}), "statistics_url": statistics_url(object_id)}
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except (EditConflict, changes.KeyNeeded) as error:
            # Saved by somebody else in the moment between this form's check and its own saving.
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def _ask_vendor(self, request: HttpRequest, object_id: str | None) -> None:
        """Ask about a new key before the change view opens its transaction; the form heeds the answer."""
        obj = self.get_object(request, unquote(object_id)) if object_id else None
        may = self.has_change_permission(request, obj) if object_id else self.has_add_permission(request)
        if not may or (object_id and obj is None):
            return
        form = self.get_form(request, obj, change=obj is not None)(request.POST, instance=obj)
        if not form.is_valid() or not form.needs_check():
            return
        require_fresh(request)
        typed = form.cleaned_data
        try:
            check = trials.try_out(
                actor=Actor.of_request(request),
                provider_type=typed.get("provider_type", ""),
                api_key=typed["api_key"],
                base_url=typed["base_url"],
                model_name=typed["model_name"],
                timeout=typed["timeout"],
                config_id=obj.pk if obj else None,
            )
        except DomainError as error:
            check = CredentialCheck(is_valid=False, message=error.message, latency_ms=0)
        request.key_check = check  # type: ignore[attr-defined]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        actor, key = Actor.of_request(request), form.cleaned_data["api_key"]
        if change:
            saved = changes.update(
                actor=actor,
                config_id=obj.pk,
                fields=form.console_fields(),
                api_key=key,
                check=form.key_check,
                version=parse_datetime(form.seen_digest),
                checked_base_url=form.cleaned_data["base_url"] if key else None,
            )
        else:
            saved = changes.create(
                actor=actor,
                provider_type=form.cleaned_data["provider_type"],
                api_key=key,
                fields=form.console_fields(),
                check=form.key_check,
            )
        obj.pk = saved.pk
        obj.refresh_from_db()
        for shortcoming in shortcomings_of(saved):
            self.message_user(request, shortcoming.message, messages.WARNING)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        if obj is not None and self.has_delete_permission(request, obj):
            if request.method == "POST":
                require_fresh(request)
            extra_context = {**(extra_context or {}), **_consequences(obj)}
        try:
            return super().delete_view(request, object_id, extra_context)
        except deletion.ProviderBusy as busy:
            self.message_user(request, busy.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def delete_model(self, request: HttpRequest, obj: AIProviderConfig) -> None:
        deletion.delete(actor=Actor.of_request(request), config_id=obj.pk)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """`deletion.lost_with` tells what goes with it; collecting that here would walk the usage rows."""
        return [str(obj) for obj in objs], {}, set(), []

    @admin.display(description="test")
    def credential_test(self, obj: AIProviderConfig | None) -> str:
        config = obj if obj is not None and obj.pk else None
        return render_to_string("console/providers/credential_test.html", {"config": config})

    @admin.display(description="used so far")
    def use_so_far(self, obj: AIProviderConfig | None) -> str:
        return render_to_string("console/providers/use_so_far.html", {"config": obj})

    @admin.action(description="Test the keys", permissions=["change"])
    def test_keys(self, request: HttpRequest, queryset: QuerySet[AIProviderConfig]) -> None:
        ids = list(queryset.values_list("pk", flat=True)[: trials.MOST_TESTS + 1])
        tested = trials.test_many(actor=Actor.of_request(request), config_ids=ids)
        for config, check in tested:
            said = f"{config}: {check.message} ({check.latency_ms} ms)"
            self.message_user(request, said, _LEVELS[check.is_valid])
        if len(ids) > trials.MOST_TESTS:
            left = f"Only the first {trials.MOST_TESTS} were tested. Choose the others next."
            self.message_user(request, left, messages.WARNING)

    @admin.action(description="Make default", permissions=["change"])
    def make_default(self, request: HttpRequest, queryset: QuerySet[AIProviderConfig]) -> None:
        if len(queryset) != 1:
            self.message_user(request, "Choose exactly one provider to be the default.", messages.ERROR)
            return
        config = changes.make_default(actor=Actor.of_request(request), config_id=queryset[0].pk)
        self.message_user(request, f"{config} is now the default.", messages.SUCCESS)

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[AIProviderConfig]) -> None:
        self._set_active(request, queryset, is_active=True)

    @admin.action(description="Deactivate", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[AIProviderConfig]) -> None:
        self._set_active(request, queryset, is_active=False)

    def _set_active(
        self, request: HttpRequest, queryset: QuerySet[AIProviderConfig], *, is_active: bool
    ) -> None:
        count = changes.set_active(
            actor=Actor.of_request(request),
            config_ids=queryset.values_list("pk", flat=True),
            is_active=is_active,
        )
        done = "Activated" if is_active else "Deactivated"
        self.message_user(request, f"{done} {count} provider(s).", messages.SUCCESS)


def _consequences(config: AIProviderConfig) -> dict[str, Any]:
    """What the page that asks "are you sure" tells: what stays, what goes, what loses its first choice."""
    others = AIProviderConfig.objects.active().exclude(pk=config.pk)
    tasks = [TASKS[slug].label for slug in sorted(config.default_tasks()) if slug in TASKS]
    return {
        "usage_rows": AIProviderConfig.objects.filter(pk=config.pk, usage_logs__isnull=False)[:1].exists(),
        "lost_tasks": tasks,
        "lost_rows": deletion.lost_with(config),
        "was_default": config.is_default,
        "is_last_active": config.is_active and not others.exists(),
    }


def _state_of(config: AIProviderConfig) -> str:
    """Moved by every change of a setting, but not by a test, which nobody need be told of."""
    return config.updated_at.isoformat()
