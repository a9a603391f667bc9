"""The history page of a row, told by the audit trail: every door's changes, not only those of this form."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse

from accounts.models import AuditEntry

MOST_ENTRIES = 200


def in_words(entry: AuditEntry) -> list[tuple[str, str, str]]:
    """What an entry changed, each as (field, before, after); what was empty and stayed so is left out."""
    changes = entry.changes.items()
    rows = [(name.replace("_", " "), _shown(before), _shown(after)) for name, (before, after) in changes]
    return [row for row in rows if row[1] != row[2]]


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
