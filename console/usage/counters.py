"""Quota counters in the console."""

from django.contrib import admin
from unfold.admin import ModelAdmin
from unfold.decorators import display

from console.read_only import ReadOnlyAdminMixin
from usage.ledger.limits import in_words, unit_of
from usage.models import QuotaCounter


@admin.register(QuotaCounter)
class QuotaCounterAdmin(ReadOnlyAdminMixin, ModelAdmin):  # type: ignore[misc]
    list_display = ["scope", "window", "used_shown", "reserved_shown"]
    search_fields = ["=scope", "=window"]
    search_help_text = (
        "A scope such as user:7, user-usd:7 or task:7:extraction, or a window such as day:2026-11-21."
    )
    ordering = ["-window", "scope"]
    show_full_result_count = False

    @display(description="used", ordering="used")
    def used_shown(self, counter: QuotaCounter) -> str:
        return in_words(unit_of(counter.scope), counter.used)

    @display(description="reserved", ordering="reserved")
    def reserved_shown(self, counter: QuotaCounter) -> str:
        return in_words(unit_of(counter.scope), counter.reserved)
