"""Quotas for single tasks and single users, in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from console.audited import AuditedAdmin
from console.autocomplete import ChoosesRows, RowSelect
from console.lists import figure
from usage.models import QuotaRule
from usage.rule_contradictions import contradictions_of


class UserSelect(RowSelect):
    """A box to search in that has words in it while it is empty: a screen reader has nothing else to say."""

    def build_attrs(self, base_attrs: Any, extra_attrs: Any = None) -> dict[str, Any]:
        return {**super().build_attrs(base_attrs, extra_attrs), "data-placeholder": "Search by email"}


@admin.register(QuotaRule)
class QuotaRuleAdmin(AuditedAdmin, ChoosesRows, ModelAdmin):  # type: ignore[misc]
    """What is saved here holds from the next call on, in every process."""

    keeps_order = "settings, by plan and person; how near somebody is to them stands under Quota counters"
    list_display = ["subject", "task_shown", "limit_shown", "period", "note", "updated_at"]
    list_display_links = ["subject"]
    list_filter = ["unit", "period", "task", "plan"]
    list_select_related = ["plan", "user"]
    search_fields = ["user__email", "plan__name", "note"]
    search_help_text = "A user's email, a plan, or a word of the note."
    autocomplete_fields = ["user"]
    audit_leaves_out = ("updated_at",)

    _whose_fields = ("plan", "user")
    _what_fields = ("task", "unit", "period", "limit", "note")
    fieldsets = [
        (
            "Whose",
            {
                "fields": _whose_fields,
                "description": "A plan or a user. A user's own rule stands before the plan's for the same "
                "task, unit and period.",
            },
        ),
        ("What", {"fields": _what_fields}),
    ]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["widget"] = UserSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        for sentence in contradictions_of(obj):
            self.message_user(request, sentence, messages.WARNING)

    @display(description="for", ordering="plan")
    def subject(self, rule: QuotaRule) -> str:
        return f"plan {rule.plan}" if rule.plan else str(rule.user)

    @display(description="task", ordering="task")
    def task_shown(self, rule: QuotaRule) -> str:
        return rule.get_task_display() if rule.task else "all tasks"

    @figure
    @display(description="limit", ordering="limit")
    def limit_shown(self, rule: QuotaRule) -> str:
        if rule.limit is None:
            return f"no limit ({rule.get_unit_display()})"
        return f"{rule.limit:,.0f} tokens" if rule.unit == "tokens" else f"${rule.limit.normalize():,f}"
