"""Batches in the console: how far they are and what they cost, not what is in them, which is their users'."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from accounts.audit import Actor
from console.filters import DayRangeFilter
from console.lists import figure
from console.read_only import ReadOnlyAdminMixin
from console.templatetags.console import counted, in_words
from orchestration.batches import KINDS, cancel
from orchestration.batches.costs import with_costs, with_figures
from orchestration.batches.queue import progress_in, troubles
from orchestration.models import Batch

_STATES = {"waiting": "info", "running": "warning", "done": "success", "cancelled": "danger"}


class KindFilter(DropdownFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(slug, slug.replace("_", " ")) for slug in sorted(KINDS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Batch]) -> QuerySet[Batch]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdminMixin, ModelAdmin):  # type: ignore[misc]
    _shown = ("user", "kind_shown", "economy", "state", "progress", "cost", "saved", "created_at")
    comes_first = "what is not done after two days, then what failed in the last week, then what is under way"
    list_display = ("name", *_shown)
    list_filter = (("created_at", DayRangeFilter), KindFilter, "economy")
    list_filter_submit = True
    list_select_related = ("user",)
    list_per_page = 50
    search_fields = ("=id", "user__email", "=items__request_id")
    actions = ("cancel",)

    _facts = (*_shown, "cancelled_at")
    fieldsets = ((None, {"fields": _facts}), ("Items", {"fields": ("items_table", "vendors_table")}))
    readonly_fields = (*_facts, "items_table", "vendors_table")

    class Media:
        css = {"all": ("console/usage.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        return with_figures(super().get_queryset(request))

    def in_trouble(self, request: HttpRequest) -> list[Q]:
        stuck, failed, open_ = troubles(now=timezone.now())
        return [Q(pk__in=stuck), Q(pk__in=failed), Q(pk__in=open_)]

    @admin.action(description="Cancel the selected batches", permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        actor = Actor.of_request(request)
        cancelled = [cancel(batch, actor=actor) for batch in queryset]
        words = f"Cancelled: {sum(cancelled)}. What is under way ends; the others were over."
        self.message_user(request, words, messages.SUCCESS)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @display(description="Batch", ordering="created_at")
    def name(self, batch: Any) -> str:
        return f"{str(batch.pk)[:8]}, {counted(batch.total, 'item')}"

    @display(description="Kind", ordering="kind")
    def kind_shown(self, batch: Batch) -> str:
        return in_words(batch.kind)

    @display(description="State", label=_STATES)
    def state(self, batch: Batch) -> str:
        return progress_in(batch).state

    @figure
    @display(description="Progress")
    def progress(self, batch: Any) -> str:
        failed = f", {batch.failed} failed" if batch.failed else ""
        return f"{batch.total - batch.waiting - batch.running} of {batch.total}{failed}"

    @figure
    @display(description="Cost, USD", ordering="cost_usd")
    def cost(self, batch: Any) -> str:
        return _usd(batch.cost_usd)

    @figure
    @display(description="Saved, USD", ordering="saved_usd")
    def saved(self, batch: Any) -> str:
        return _usd(batch.saved_usd)

    @display(description="Items")
    def items_table(self, batch: Batch) -> str:
        """Each with its state, and what it was refused with; neither what was asked nor the answer."""
        items: Any = with_costs(batch.items.defer("given")).order_by("number")
        rows = [
            {
                "item": item,
                "code": _code(item.answer) if item.status and item.status >= 400 else "",
                "cost": _usd(item.cost_usd),
                "saved": _usd(item.saved_usd),
            }
            for item in items
        ]
        return render_to_string("console/work/batch_items.html", {"rows": rows})

    @display(description="At vendors")
    def vendors_table(self, batch: Batch) -> str:
        return render_to_string("console/work/vendor_batches.html", {"rows": batch.vendor_batches.all()})


def _usd(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:.6f}"


def _code(answer: Any) -> str:
    return str(answer.get("code", "")) if isinstance(answer, dict) else ""
