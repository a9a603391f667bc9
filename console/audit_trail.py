"""The audit trail in the console."""

from datetime import UTC
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.models import AuditEntry
from console.audit_history import in_words as changes_in_words
from console.page_size import PageSizeFilter, SizedChangeList
from console.templatetags.console import in_words


class ActionFilter(admin.AllValuesFieldListFilter):
    """What was done, in words; the address has it as programs write it."""

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            yield {**choice, "display": in_words(str(choice["display"]))}


@admin.register(AuditEntry)
class AuditEntryAdmin(ModelAdmin):
    """Read-only, for super-admins too: entries are written by `accounts.audit` and never changed."""

    keeps_order = "a record of what happened, the newest first"
    list_display = ["when", "who", "deed", "what", "outcome_badge", "where_from"]
    list_display_links = ["when"]
    list_filter = ["outcome", "door", ("action", ActionFilter), "actor_email", "created_at", PageSizeFilter]
    search_fields = ["actor_email", "action", "target_label", "target_id", "ip_address", "request_id"]
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False

    _what_fields = (
        "when",
        "deed",
        "outcome",
        "target_label",
        "kind_of_target",
        "target_id",
        "before_after",
    )
    _who_fields = ("actor_email", "door", "ip_address", "user_agent", "request_id")
    _chain_fields = ("number", "own_hash", "hash_before")
    fieldsets = [
        ("What", {"fields": _what_fields}),
        ("Who", {"fields": _who_fields}),
        ("Chain", {"fields": _chain_fields}),
    ]
    readonly_fields = [*_what_fields, *_who_fields, *_chain_fields]

    def get_changelist(  # type: ignore[override]  # unfold's says an instance
        self, request: HttpRequest, **kwargs: Any
    ) -> type[SizedChangeList]:
        return SizedChangeList

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="when (UTC)", ordering="number")
    def when(self, entry: AuditEntry) -> str:
        return entry.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")

    @display(description="who", ordering="actor_email")
    def who(self, entry: AuditEntry) -> str:
        return entry.actor_email or "somebody not logged in"

    @display(description="action", ordering="action")
    def deed(self, entry: AuditEntry) -> str:
        return in_words(entry.action)

    @display(description="kind")
    def kind_of_target(self, entry: AuditEntry) -> str:
        """By the name that its pages have for it; one that is no more as it was written."""
        try:
            return str(apps.get_model(entry.target_type)._meta.verbose_name)
        except (LookupError, ValueError):
            return entry.target_type or "none"

    @display(description="what", ordering="target_label")
    def what(self, entry: AuditEntry) -> str:
        return entry.target_label

    @display(description="from", ordering="ip_address")
    def where_from(self, entry: AuditEntry) -> str:
        return f"{entry.get_door_display()} {entry.ip_address}".strip()

    @display(
        description="outcome",
        ordering="outcome",
        label={"Done": "success", "Refused": "warning", "Failed": "danger"},
    )
    def outcome_badge(self, entry: AuditEntry) -> str:
        return entry.get_outcome_display()

    @display(description="hash")
    def own_hash(self, entry: AuditEntry) -> SafeString:
        return _breakable(entry.hash)

    @display(description="hash of the entry before")
    def hash_before(self, entry: AuditEntry) -> SafeString:
        return _breakable(entry.previous_hash)

    @display(description="before and after")
    def before_after(self, entry: AuditEntry) -> SafeString:
        row = "<div><strong>{}</strong>: <span class='kept-value'>{} → {}</span></div>"
        rows = format_html_join("", row, changes_in_words(entry))
        return rows or SafeString("nothing")


def _breakable(text: str) -> SafeString:
    """Fits a phone, and is copied without gaps."""
    return format_html_join("", "{}<wbr>", [(text[at : at + 8],) for at in range(0, len(text), 8)])
