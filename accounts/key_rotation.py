"""Every sealed value under the newest of FERNET_KEYS, so that the others can be dropped.

Safe while the database is in use: a value stays readable by every process that has both keys, each batch is a
short transaction that holds its rows, and whoever changes a value meanwhile seals it with the newest key.
Interrupted, it is run again: what is under the newest key already is only looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import models, transaction

from accounts.models.sealed import SealedField
from accounts.sealing import is_under_newest_key, resealed

# Rows that one transaction holds: few enough that nobody notices the wait.
BATCH = 50

State = Literal["newest", "rotated", "due", "unreadable"]


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One value and what became of it: `newest` was under the newest key before, `rotated` is now, `due` will
    be (nothing was written), `unreadable` is opened by no key at all."""

    model: str
    pk: Any
    field: str
    state: State


def sealed_fields() -> list[tuple[type[models.Model], SealedField]]:
    """Every column of that type, of whatever app."""
    return [
        (model, field)
        for model in apps.get_models()
        if not model._meta.proxy and model._meta.managed
        for field in model._meta.local_concrete_fields
        if isinstance(field, SealedField)
    ]


def rotate(*, is_dry_run: bool = False) -> Iterator[SealedRow]:
    """Go through all of them, and yield each value once what is said of it is committed."""
    for model, field in sealed_fields():
        after: Any = None
        while batch := _rotate_batch(model, field, after, is_dry_run=is_dry_run):
            yield from batch
            after = batch[-1].pk


@transaction.atomic
def _rotate_batch(
    model: type[models.Model], field: SealedField, after: Any, *, is_dry_run: bool
) -> list[SealedRow]:
    """The next rows, in the order in which everybody locks several (`providers.configs.locks`)."""
    rows = model._default_manager.order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    if not is_dry_run:
        rows = rows.select_for_update()
    # All are locked before the first is written.
    found = list(rows.values_list("pk", field.attname)[:BATCH])
    return [
        SealedRow(model._meta.label, pk, field.name, _treated(model, field, pk, value, is_dry_run=is_dry_run))
        for pk, value in found
    ]


def _treated(
    model: type[models.Model], field: SealedField, pk: Any, value: Any, *, is_dry_run: bool
) -> State:
    token = field.get_prep_value(value)
    if not token or is_under_newest_key(token):
        return "newest"
    try:
        renewed = resealed(token)
    except InvalidToken:
        return "unreadable"
    if is_dry_run:
        return "due"
    # By the old value too, for databases without row locks: what was changed meanwhile is not overwritten.
    same = model._default_manager.filter(**{"pk": pk, field.attname: value})
    return "rotated" if same.update(**{field.attname: field.to_python(renewed)}) else "due"
