"""Job postings in the console: to look at, not to edit, because they are what a user's source said."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from console.audited import AuditedAdmin
from console.filters import DayRangeFilter
from console.templatetags.console import vendor_label
from extraction.models import JobPosting, SourceKind
from providers.registry import provider_choices

_LINK = '<a class="text-primary-600 dark:text-primary-500 underline" href="{}?q={}">Calls of this request</a>'


class AnsweredByFilter(DropdownFilter):
    """The vendor that was asked, or nobody where the page itself said everything."""

    title = "vendor"
    parameter_name = "vendor"
    _NOBODY = "none"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*provider_choices(), (self._NOBODY, "No model was asked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[JobPosting]) -> QuerySet[JobPosting]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(provider_type="" if value == self._NOBODY else value)


@admin.register(JobPosting)
class JobPostingAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    keeps_order = "people's own work, the newest first"
    list_display = ("name", "hiring_organization", "user", "source_badge", "answered_by", "created_at")
    list_filter = (
        ("created_at", DayRangeFilter),
        ("source_kind", ChoicesDropdownFilter),
        AnsweredByFilter,
    )
    list_filter_submit = True
    search_fields = ("title", "hiring_organization", "user__email", "=request_id")
    list_select_related = ("user",)
    list_per_page = 50
    # What the posting says is the user's; the trail keeps which one it was.
    audit_leaves_out = (
        "data",
        "sources",
        "evidence",
        "warnings",
        "content_hash",
        "fingerprint",
        "address_key",
    )

    _origin_fields = ("user", "source_kind", "source_url", "created_at")
    _answer_fields = ("answered_by", "request_id", "usage_rows")
    fieldsets = (
        (None, {"fields": ("title", "hiring_organization", "record")}),
        ("Source", {"fields": _origin_fields}),
        ("Model", {"fields": _answer_fields}),
    )
    readonly_fields = ("created_at", "record", "answered_by", "usage_rows")

    class Media:
        css = {"all": ("console/usage.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: JobPosting | None = None) -> bool:
        return False

    @display(description="Title", ordering="title")
    def name(self, posting: JobPosting) -> str:
        return str(posting)

    @display(
        description="Source",
        ordering="source_kind",
        label={
            SourceKind.URL.label: "info",
            SourceKind.TEXT.label: "success",
            SourceKind.IMAGE.label: "warning",
            SourceKind.PDF.label: "warning",
        },
    )
    def source_badge(self, posting: JobPosting) -> str:
        return posting.get_source_kind_display()

    @display(description="Answered by", ordering="model_name")
    def answered_by(self, posting: JobPosting) -> str:
        return f"{vendor_label(posting.provider_type)} {posting.model_name}".strip() or "no model was asked"

    @display(description="Extracted fields")
    def record(self, posting: JobPosting) -> str:
        """Each field with its value and where it came from."""
        fields = [
            (
                name.replace("_", " "),
                _readable(value),
                posting.sources.get(name, ""),
                posting.evidence.get(name, ""),
            )
            for name, value in posting.data.items()
            if value not in (None, "", [], {})
        ]
        context = {"fields": fields, "warnings": posting.warnings}
        return render_to_string("console/work/record.html", context)

    @display(description="Usage rows")
    def usage_rows(self, posting: JobPosting) -> str:
        if not posting.request_id:
            return "none"
        log = reverse("admin:usage_aiproviderusagelog_changelist")
        return format_html(_LINK, log, posting.request_id)


def _readable(value: Any) -> str:
    """A value of the record in words: lists by commas, parts by name."""
    if isinstance(value, list):
        return ", ".join(_readable(one) for one in value)
    if isinstance(value, dict):
        said = {
            name: _figure(one) if name.endswith("_value") else _readable(one)
            for name, one in value.items()
            if one is not None
        }
        return ", ".join(f"{name.replace('_', ' ')}: {one}" for name, one in said.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _figure(value: Any) -> str:
    """An amount, which JSON keeps as text, with its thousands told apart."""
    return f"{Decimal(str(value)):,f}"
