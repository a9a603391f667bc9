"""How long what tells of people is kept, in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from accounts.models import RetentionRule
from accounts.retention.pruning import due
from console.audited import AuditedAdmin
from console.lists import figure


@admin.register(RetentionRule)
class RetentionRuleAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    """What has no rule is kept until its owner deletes it. The list says what the next run would take."""

    keeps_order = "a handful of settings, of which none is worse than another"
    list_display = ["kind_shown", "days", "rows_due", "updated_at"]
    list_display_links = ["kind_shown"]
    audit_leaves_out = ("updated_at",)
    fieldsets = [
        (
            None,
            {
                "fields": ("kind", "days"),
                "description": "What is older goes within a day, and does not come back. `manage.py "
                "prune_personal_data --dry-run` counts it first, as the list of rules does.",
            },
        )
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: RetentionRule | None = None) -> tuple[str, ...]:
        return ("kind",) if obj else ()

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        rows_by_kind = {one.kind.slug: one.rows for one in due(now=timezone.now())}
        for rule in changelist.result_list:
            rule.rows_by_kind = rows_by_kind
        return changelist

    @admin.display(description="what", ordering="kind")
    def kind_shown(self, rule: RetentionRule) -> str:
        return rule.get_kind_display()

    @figure
    @admin.display(description="rows that go with the next run")
    def rows_due(self, rule: RetentionRule) -> str:
        rows = rule.rows_by_kind.get(rule.kind)  # type: ignore[attr-defined]
        return "not installed" if rows is None else f"{rows:,}"
