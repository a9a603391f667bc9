"""Two people at the page of one row: what each saw of it, and what is said to the one who saves second.

The page carries, in a hidden field, the state that was shown. A form sent with another state than the row has
is refused with what was changed meanwhile; one sent without is held against the row as its request read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.db import models
from django.db.models import Max
from django.utils.crypto import salted_hmac

from accounts.audit import entries_about
from accounts.edit_conflicts import changes_since
from accounts.models import AuditEntry
from console.audit_history import in_words

FIELD = "seen_state"


def digest_of(facts: Mapping[str, Any]) -> str:
    """A short text that is another one when any of `facts` is. Keyed, so that it gives none of them away."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return salted_hmac("console.edit_conflicts", text, algorithm="sha256").hexdigest()


class SeenStateForm:
    """Mix in before a ModelForm for a row that exists. A subclass gives `state_of`, a text that is another
    one when anything people edit of the row is; the row's columns are those of the instance it is given."""

    state_of: Callable[[models.Model], str]
    # The rest is the ModelForm's.
    data: Any
    is_bound: bool
    instance: Any
    add_error: Callable[[str | None, str], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Before the form reads what it shows. Of a change in between the page knows more than its state,
        # which refuses once too often and never once too seldom.
        row = kwargs["instance"]
        self._last_entry = _last_entry_about(row)
        self._stored = type(self).state_of(row)
        self._has_conflict = False
        super().__init__(*args, **kwargs)

    @property
    def seen_state(self) -> str:
        """For the hidden field. Whoever saves again after reading what was changed means it."""
        posted = self._posted()
        return f"{self._last_entry}.{self._stored}" if self._has_conflict or not posted else posted

    @property
    def seen_digest(self) -> str:
        """What `state_of` gave for the row that this person saw last, be it in a warning."""
        return self.seen_state.partition(".")[2]

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc]
        if self.seen_digest != self._stored:
            told = " ".join(_changes_since(self._posted(), self.instance)) or "Someone else changed it."
            self.add_error(
                None,
                f"This was changed after you opened it. {told} Nothing of yours was stored. Your input is "
                "kept below: save again to overwrite, or reload the page to start from theirs.",
            )
            self._has_conflict = True
        return cleaned

    def _posted(self) -> str:
        return str(self.data.get(FIELD, "")) if self.is_bound else ""


def _last_entry_about(row: models.Model) -> int:
    return entries_about(row).aggregate(last=Max("number"))["last"] or 0


def _changes_since(seen_state: str, row: models.Model) -> list[str]:
    """Sentences of the latest changes after the entry whose number begins `seen_state`, oldest first."""
    number = seen_state.partition(".")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return []
    told = changes_since(row, number__gt=int(number))
    return [f"{entry.actor_email} changed {_listed(entry)}." for entry in told]


def _listed(entry: AuditEntry) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} from “{before}” to “{after}”"
        for name, before, after in sorted(in_words(entry))
    )
