"""Providers in the console: the list with its figures, and what is done to several at once."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin

from accounts.audit import Actor
from accounts.step_up import require_fresh
from console.providers import actions, prices, try_it
from console.providers.listing import FirstChoiceFilter, ProviderChangeList
from console.providers.page import ProviderPage
from providers.configs import changes, deletion
from providers.credentials import trials
from providers.models import AIProviderConfig
from providers.tasks import TASKS

_URLS = "providers_aiproviderconfig"


@admin.register(AIProviderConfig)
class AIProviderConfigAdmin(ProviderPage, ModelAdmin):  # type: ignore[misc]
    comes_first = "providers that need somebody; the inactive stand last"
    list_display = ("display_name", "provider_type", "model_name", "is_active")
    list_filter = ("provider_type", "is_active", "last_test_success", FirstChoiceFilter)
    search_fields = ("display_name", "model_name", "quality_model_name", "description", "base_url")
    list_per_page = 6
    # A filter's counts are of no use over so few kinds, and cost a query each.
    show_facets = admin.ShowFacets.NEVER
    actions = ("test_keys", "make_default", "activate", "deactivate")

    class Media:
        css = {"all": ("console/providers.css",)}
        js = ("console/config_form.js",)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("check/", wrap(actions.check(self)), name=f"{_URLS}_check"),
            path(
                "<int:config_id>/do/<slug:action>/",
                wrap(actions.act(self)),
                name=f"{_URLS}_do",
            ),
            path("<int:config_id>/prices/", wrap(prices.page(self)), name=f"{_URLS}_prices"),
            path("<int:config_id>/try/", wrap(try_it.page(self)), name=f"{_URLS}_try"),
        ]
        return own + super().get_urls()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return ProviderChangeList

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without "delete selected": each deletion shows what hangs on it."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return cast("dict[str, Any]", actions)

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

    @admin.action(description="Test the keys", permissions=["change"])
    def test_keys(self, request: HttpRequest, queryset: QuerySet[AIProviderConfig]) -> None:
        ids = list(queryset.values_list("pk", flat=True)[: trials.MOST_TESTS + 1])
        tested = trials.test_many(actor=Actor.of_request(request), config_ids=ids)
        for config, check in tested:
            said = f"{config}: {check.message} ({check.latency_ms} ms)"
            self.message_user(request, said, actions.LEVELS[check.tone])
        if len(ids) > trials.MOST_TESTS:
            left = f"Only the first {trials.MOST_TESTS} were tested. Choose the others next."
            self.message_user(request, left, messages.WARNING)

    @admin.action(description="Make default", permissions=["change"])
    def make_default(self, request: HttpRequest, queryset: QuerySet[AIProviderConfig]) -> HttpResponse | None:
        if len(queryset) != 1:
            self.message_user(request, "Choose exactly one provider to be the default.", messages.ERROR)
            return None
        if question := actions.question_about(request, "make-default", [queryset[0].pk]):
            return question
        config = changes.make_default(actor=Actor.of_request(request), config_id=queryset[0].pk)
        self.message_user(request, f"{config} is now the default.", messages.SUCCESS)
        return None

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[AIProviderConfig]) -> None:
        self._set_active(request, queryset, is_active=True)

    @admin.action(description="Deactivate", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[AIProviderConfig]) -> HttpResponse | None:
        ids = list(queryset.values_list("pk", flat=True))
        if question := actions.question_about(request, "deactivate", ids):
            return question
        self._set_active(request, queryset, is_active=False)
        return None

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
