"""Two people at one row: the refusal to overwrite what came since, and who changed what meanwhile."""

from __future__ import annotations

from typing import Any

from django.db import models

from accounts.audit import entries_about
from accounts.errors import DomainError
from accounts.models import AuditEntry

_MOST_TOLD = 5


class EditConflict(DomainError):
    """Somebody else changed or deleted the row after this person read it. `details["changes"]`, where it is
    known: who changed what."""

    code = "edit_conflict"
    status = 409
    message = (
        "Someone else changed this after you opened it. Nothing of yours was stored. Look at it as it is now "
        "and make your change again."
    )


def changes_since(row: models.Model, **lookup: Any) -> list[AuditEntry]:
    """The latest changes of the row among the entries that `lookup` finds, oldest first."""
    done = entries_about(row).filter(outcome=AuditEntry.Outcome.DONE, **lookup).order_by("number")
    return [entry for entry in done if entry.changes][-_MOST_TOLD:]
