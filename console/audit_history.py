"""The history page of a row, told by the audit trail: every door's changes, not only those of this form."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from accounts.models import AuditEntry
from console.labels import label_of

MOST_ENTRIES = 200


def in_words(entry: AuditEntry) -> list[tuple[str, str, str]]:
    """What an entry changed, each as (field, before, after); what was empty and stayed so is left out."""
    model = _model_of(entry)
    rows = [
        (_label_of(model, name), _shown(before), _shown(after))
        for name, (before, after) in entry.changes.items()
    ]
    return [row for row in rows if row[1] != row[2]]


def _model_of(entry: AuditEntry) -> type[Model] | None:
    """What the entry is about; None of what a release took away, or what is no row."""
    try:
        return apps.get_model(entry.target_type)
    except (LookupError, ValueError):
        return None


def _label_of(model: type[Model] | None, name: str) -> str:
    """A changed column as the forms call it, also by the name that it has in the database."""
    columns = {field.attname: field.name for field in model._meta.concrete_fields} if model else {}
    return label_of(model, columns.get(name, name)) if model else name.replace("_", " ").capitalize()


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else str(value)


class AuditHistory:
    """Mix in before ModelAdmin. The page shows the latest MOST_ENTRIES entries about the row."""

    object_history_template = "console/history.html"

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        about: Any = self.model  # type: ignore[attr-defined]
        entries = AuditEntry.objects.filter(
            target_type=about._meta.label_lower, target_id=unquote(object_id)
        ).order_by("-number")
        context = {
            **(extra_context or {}),
            "entries": [(entry, in_words(entry)) for entry in entries[:MOST_ENTRIES]],
            "more": max(0, entries.count() - MOST_ENTRIES),
        }
        response: HttpResponse = super().history_view(request, object_id, context)  # type: ignore[misc]
        return response
