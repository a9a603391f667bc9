"""Prices the admin sets, in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from console.audited import AuditedAdmin
from console.choices import ModelNameInput
from console.lists import figure
from console.templatetags.console import counted, per_mtok
from usage.models import ModelPrice


@admin.register(ModelPrice)
class ModelPriceAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    """What was billed stays as it was: a row of the usage log keeps the prices it was billed at."""

    list_display = [
        "model_name",
        "provider_type",
        "conditions",
        "input_price",
        "output_price",
        "valid_from",
        "valid_until",
        "stands",
        "note",
    ]
    comes_first = "what is in force, then what is to come; what is over stands last"
    list_filter = ["provider_type", "is_ceiling", "service_tier"]
    search_fields = ["model_name", "note"]
    ordering = ["provider_type", "model_name", "-valid_from", "pk"]
    audit_leaves_out = ("updated_at",)

    _price_fields = (
        "input_mtok",
        "output_mtok",
        "cache_read_mtok",
        "cache_write_mtok",
        "cache_write_1h_mtok",
    )
    _condition_fields = ("service_tier", "over_input_tokens", "is_ceiling")
    fieldsets = [
        (None, {"fields": ("provider_type", "model_name", "note")}),
        (
            "When",
            {
                "fields": ("valid_from", "valid_until"),
                "description": "A price that changes gets a row of its own that begins when it changes; the "
                "row before it may stay open. Change a row itself only where it was wrong.",
            },
        ),
        ("USD per million tokens", {"fields": _price_fields}),
        ("Only for", {"fields": _condition_fields}),
    ]

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "model_name":
            kwargs["widget"] = ModelNameInput(models_of="provider_type")
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def in_trouble(self, request: HttpRequest) -> list[Q]:
        now = timezone.now()
        has_begun, is_over = ~Q(valid_from__gt=now), Q(valid_until__lte=now)
        return [has_begun & ~is_over, ~has_begun]

    @display(description="for")
    def conditions(self, row: ModelPrice) -> str:
        tier = f"tier {row.service_tier}" if row.service_tier else "any tier"
        size = f", over {counted(row.over_input_tokens, 'token')}" if row.over_input_tokens else ""
        return f"{'ceiling, ' if row.is_ceiling else ''}{tier}{size}"

    @figure
    @display(description="input, $", ordering="input_mtok")
    def input_price(self, row: ModelPrice) -> str:
        return per_mtok(row.input_mtok)

    @figure
    @display(description="output, $", ordering="output_mtok")
    def output_price(self, row: ModelPrice) -> str:
        return per_mtok(row.output_mtok)

    @display(description="now", label={"in force": "success", "to come": "info", "over": "warning"})
    def stands(self, row: ModelPrice) -> str:
        now = timezone.now()
        if row.holds_at(now):
            return "in force"
        return "to come" if row.valid_from and row.valid_from > now else "over"
