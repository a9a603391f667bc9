"""Profiles and drafts in the console: to be found and deleted, not to be read through or rewritten."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from console.audited import AuditedAdmin
from console.definitions import definitions
from console.filters import DayRangeFilter
from console.lists import figure
from console.templatetags.console import in_words
from drafting.models import Draft, Kind, MasterProfile

_LINK = '<a class="text-primary-600 dark:text-primary-500 underline" href="{}?q={}">Calls of this request</a>'
# What of a draft's options is told without being shown, in which words.
_OF_ITS_OWNER = {
    "note": "paragraph of its owner's own",
    "pinned": "facts always in",
    "hidden": "facts never in",
}


@admin.register(MasterProfile)
class MasterProfileAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    keeps_order = "people's own work, the newest first"
    list_display = ("name", "user", "updated_at")
    list_filter = (("updated_at", DayRangeFilter),)
    list_filter_submit = True
    list_select_related = ("user",)
    search_fields = ("name", "user__email")
    # A CV is its owner's business; an operator needs to know that it is there.
    fields = ("name", "user", "created_at", "updated_at")
    readonly_fields = fields
    audit_leaves_out = ("resume",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: MasterProfile | None = None) -> bool:
        return False


@admin.register(Draft)
class DraftAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    keeps_order = "people's own work, the newest first: a draft that failed is none"
    list_display = ("name", "hiring_organization", "kind_badge", "user", "model_name", "cost", "created_at")
    list_filter = (("created_at", DayRangeFilter), ("kind", ChoicesDropdownFilter))
    list_filter_submit = True
    list_select_related = ("user",)
    search_fields = ("title", "hiring_organization", "user__email", "=request_id")
    list_per_page = 50
    # Whose it was and what for is enough of a deleted draft; its text is its owner's.
    audit_leaves_out = ("content", "changes", "grounding", "proofs", "report", "calls", "parameters", "usage")

    _draft_fields = ("user", "kind", "version", "title", "hiring_organization", "created_at")
    _making_fields = ("made_by", "made_from_version", "options", "notes", "prompt_version")
    _answer_fields = (
        "provider_type",
        "provider_name",
        "model_name",
        "attempts",
        "latency_ms",
        "tokens",
        "cost",
        "request_id",
        "usage_rows",
    )
    fieldsets = (
        (None, {"fields": _draft_fields}),
        ("How it was made", {"fields": _making_fields}),
        ("Model", {"fields": _answer_fields}),
    )
    readonly_fields = (*_draft_fields, *_making_fields, *_answer_fields)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Draft | None = None) -> bool:
        return False

    @display(description="Draft", ordering="title")
    def name(self, draft: Draft) -> str:
        return f"{draft.title or 'Untitled'} v{draft.version}"

    @display(
        description="Kind", ordering="kind", label={Kind.CV.label: "info", Kind.COVER_LETTER.label: "success"}
    )
    def kind_badge(self, draft: Draft) -> str:
        return draft.get_kind_display()

    @figure
    @display(description="Cost, USD", ordering="cost_usd")
    def cost(self, draft: Draft) -> str:
        return "price unknown" if draft.cost_usd is None else f"{draft.cost_usd:.6f}"

    @display(description="Made from")
    def made_from_version(self, draft: Draft) -> str:
        return f"version {draft.made_from}" if draft.made_from else "the profile"

    @display(description="Options")
    def options(self, draft: Draft) -> SafeString:
        """What was chosen, but of the paragraph that its owner wrote only that there is one."""
        chosen = {name: value for name, value in draft.parameters.items() if name not in _OF_ITS_OWNER}
        for name, words in _OF_ITS_OWNER.items():
            if value := draft.parameters.get(name):
                chosen[words] = True if isinstance(value, str) else len(value)
        return definitions(chosen)

    @display(description="Notes of the check")
    def notes(self, draft: Draft) -> SafeString:
        """Where, and why; what the model had written there is its owner's."""
        return definitions({_place(row["field"]): row["message"] for row in draft.grounding})

    @display(description="Tokens")
    def tokens(self, draft: Draft) -> SafeString:
        used = {name.removesuffix("_tokens"): value for name, value in draft.usage.items() if value}
        return definitions(used)

    @display(description="Usage rows")
    def usage_rows(self, draft: Draft) -> str:
        log = reverse("admin:usage_aiproviderusagelog_changelist")
        return format_html(_LINK, log, draft.request_id)


def _place(field: str) -> str:
    """Where in a draft, as a model's answer names it: "work.0.highlights.1" as "work 1, highlights 2"."""
    said = ""
    for part in in_words(field).replace(":", "").split():
        said += f" {int(part) + 1}" if part.isdecimal() else f", {part}"
    return said.removeprefix(", ")
