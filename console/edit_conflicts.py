"""Two people at the page of one row: what each saw of it, and what is said to the one who saves second.

The page carries, in a hidden field, the state that was shown. A form sent with another state than the row has
is refused with what was changed meanwhile; one sent without is held against the row as its request read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Max
from django.forms import ModelMultipleChoiceField
from django.utils.crypto import salted_hmac

from accounts.audit import entries_about
from accounts.edit_conflicts import changes_since
from accounts.models import AuditEntry
from console.audit_history import in_words
from console.labels import lowered

FIELD = "seen_state"
SOMEBODY = "Someone else changed it."
KEPT = "That was kept beside your change."
REFUSED = (
    "This was changed after you opened it. {told} Nothing of yours was stored. Your input is kept below: "
    "save again to overwrite, or reload the page to start from theirs."
)


def digest_of(facts: Mapping[str, Any]) -> str:
    """A short text that is another one when any of `facts` is. Keyed, so that it gives none of them away."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return salted_hmac("console.edit_conflicts", text, algorithm="sha256").hexdigest()


class SeenStateForm:
    """Mix in before a ModelForm for a row that exists. A subclass gives `state_of`, a text that is another
    one when anything people edit of the row is; the row's columns are those of the instance it is given.
    Where rows stand below it, `values_below` gives the digest of each of their fields.

    What somebody else changed meanwhile and this person left as it was shown is kept as they made it, and
    `kept` says so; a field that both changed differently is a conflict. A form names in `sealed_fields` those
    whose input goes in and never comes out, each with the attribute that keeps it: left empty they are left
    alone."""

    state_of: Callable[[models.Model], str]
    values_below: Callable[[models.Model], dict[str, str]] = staticmethod(lambda row: {})
    kept = ""
    # The rest is the ModelForm's.
    data: Any
    fields: dict[str, Any]
    is_bound: bool
    instance: Any
    cleaned_data: dict[str, Any]
    changed_data: list[str]
    add_error: Callable[[str | None, str], None]
    get_initial_for_field: Callable[[Any, str], Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Before the form reads what it shows. Of a change in between the page knows more than its state,
        # which refuses once too often and never once too seldom.
        row = kwargs["instance"]
        self._last_entry = _last_entry_about(row)
        # What the row was when this form was made: saving holds it against what the row is then.
        self.checked_state = type(self).state_of(row)
        self._has_conflict = False
        self._below = type(self).values_below(row)
        super().__init__(*args, **kwargs)
        self._sealed: Mapping[str, str] = getattr(self, "sealed_fields", {})
        self._shown_now = self._below | {
            name: digest_of_value(self._shown_value(name, field)) for name, field in self.fields.items()
        }

    @property
    def seen_state(self) -> str:
        """For the hidden field. Whoever saves again after reading what was changed means it."""
        posted = self._posted()
        if posted and not self._has_conflict:
            return posted
        seen = self._shown_now
        if self._has_conflict:
            # What this person left alone is theirs at the next saving too.
            seen = seen | {name: digest for name, digest in self._seen.items() if name in self._left_alone}
        values = ",".join(f"{name}:{digest}" for name, digest in seen.items())
        return f"{self._last_entry}.{self.checked_state}|{values}"

    def clean(self) -> Any:
        self._seen = _values_in(self._posted())
        self._left_alone = self._keep_what_others_changed()
        cleaned = super().clean()  # type: ignore[misc]
        if self._posted() and self._state_seen() != self.checked_state:
            self._tell()
        return cleaned

    @property
    def seen_below(self) -> dict[str, str]:
        """The digests of the fields of the rows below, as they were shown."""
        return _values_in(self._posted())

    def tell_of_rows(self, *, is_kept: bool, is_disputed: bool) -> str:
        """The refusal when both changed a field of a row below, else nothing."""
        told = " ".join(_changes_since(self._posted(), self.instance)) or SOMEBODY
        if is_disputed:
            self._has_conflict = True
            self.kept = ""
            return REFUSED.format(told=told)
        if is_kept:
            self.kept = f"{told} {KEPT}"
        return ""

    def _keep_what_others_changed(self) -> set[str]:
        """The names of the fields that only somebody else changed, taken as the row has them now."""
        alone: set[str] = set()
        self._disputed: set[str] = set()
        for name, seen in self._seen.items():
            if name not in self.cleaned_data or seen == self._shown_now.get(name, seen):
                continue
            sent = digest_of_value(self.cleaned_data[name])
            if name in self._sealed:
                (self._disputed if self.cleaned_data[name] else alone).add(name)
            elif sent == seen:
                alone.add(name)
                self.cleaned_data[name] = self._stored_value(name)
            elif sent != self._shown_now[name]:
                self._disputed.add(name)
        self.changed_data = [name for name in self.changed_data if name not in alone]
        return alone

    def _shown_value(self, name: str, field: Any) -> Any:
        if name in self._sealed:
            sealed = getattr(self.instance, self._sealed[name])
            return sealed.token if sealed else ""
        return self.get_initial_for_field(field, name)

    def _stored_value(self, name: str) -> Any:
        field = self.fields[name]
        if isinstance(field, ModelMultipleChoiceField):
            return getattr(self.instance, name).all()
        if name in {one.name for one in self.instance._meta.concrete_fields}:
            return getattr(self.instance, name)
        return self.get_initial_for_field(field, name)

    def _tell(self) -> None:
        told = " ".join(_changes_since(self._posted(), self.instance)) or SOMEBODY
        if self._seen and not self._disputed:
            self.kept = f"{told} {KEPT}" if self._left_alone else ""
            return
        self.add_error(None, REFUSED.format(told=told))
        self._has_conflict = True

    def _posted(self) -> str:
        return str(self.data.get(FIELD, "")) if self.is_bound else ""

    def _state_seen(self) -> str:
        return self._posted().partition("|")[0].partition(".")[2]


def _values_in(seen_state: str) -> dict[str, str]:
    """The digest of each field as it was shown; none where the text says nothing of them."""
    pairs = (pair.partition(":") for pair in seen_state.partition("|")[2].split(",") if pair)
    return {name: digest for name, _, digest in pairs}


def digest_of_value(value: Any) -> str:
    """The same for a field's value as it is shown and as it comes back unchanged."""
    return digest_of({"value": _plain(value)})[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, models.QuerySet | list | tuple | set):
        return sorted(str(_plain(one)) for one in value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(microsecond=0).isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return "" if value is None else str(value)


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
        f"{lowered(name)} from “{before}” to “{after}”" for name, before, after in sorted(in_words(entry))
    )
