"""Plan tiers in the console: one page with the whole matrix."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin

from accounts.audit import Actor
from accounts.errors import DomainError
from orchestration.models import PlanTaskTier
from orchestration.routing import tiers


@admin.register(PlanTaskTier)
class PlanTaskTierAdmin(ModelAdmin):
    """The rows have no pages of their own: a single one means little without the others."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="orchestration_plantasktier_changelist"),
            path("matrix/", wrap(self.matrix_view), name="orchestration_tiers"),
        ]

    def changelist_view(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:orchestration_tiers"))

    def matrix_view(self, request: HttpRequest) -> HttpResponse:
        """GET → the matrix; POST → change it, or show it as it stands with what was wrong."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            if not self.has_change_permission(request):
                raise PermissionDenied
            return self._save(request)
        return self._page(request)

    def _save(self, request: HttpRequest) -> HttpResponse:
        wanted = {
            (cell.plan, cell.task): request.POST.get(cell.name, cell.tier)
            for _, cells in tiers.matrix().rows
            for cell in cells
        }
        try:
            changed = tiers.set_matrix(
                tiers=wanted, read=request.POST.get("fingerprint", ""), actor=Actor.of_request(request)
            )
        except DomainError as error:
            messages.error(request, error.message)
            return self._page(request, status=error.status)
        if changed:
            messages.success(request, f"Changed {changed} {'tier' if changed == 1 else 'tiers'}.")
        else:
            messages.info(request, "Nothing was changed.")
        return HttpResponseRedirect(reverse("admin:orchestration_tiers"))

    def _page(self, request: HttpRequest, *, status: int = 200) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Plan tiers",
            "matrix": tiers.matrix(),
            "tiers": tiers.TIERS,
            "can_change": self.has_change_permission(request),
        }
        return TemplateResponse(request, "console/routing/tiers.html", context, status=status)
