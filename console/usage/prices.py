"""Prices the admin sets, in the console."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from console.audited import AuditedAdmin
from usage.models import ModelPrice


@admin.register(ModelPrice)
class ModelPriceAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    list_display = ["model_name", "provider_type", "input_mtok", "output_mtok", "note", "updated_at"]
    list_filter = ["provider_type"]
    search_fields = ["model_name", "note"]
    audit_leaves_out = ("updated_at",)

    _price_fields = (
        "input_mtok",
        "output_mtok",
        "cache_read_mtok",
        "cache_write_mtok",
        "cache_write_1h_mtok",
    )
    fieldsets = [
        (None, {"fields": ("provider_type", "model_name", "note")}),
        ("USD per million tokens", {"fields": _price_fields}),
    ]
