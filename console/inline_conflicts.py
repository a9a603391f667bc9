"""Two people at the rows in a form (an inline's): what only one of them changed is kept, field by field.

`console.edit_conflicts` has the form's own fields; the state in its hidden field tells what was shown of the
rows as well, by names such as "arms.12.weight".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from console.edit_conflicts import digest_of_value


def shown_values(inlines: Iterable[Any], row: models.Model) -> dict[str, str]:
    """The digest of each field of each row below `row` that its page shows, as the database has it."""
    shown = {}
    for inline in inlines:
        names, prefix = inline.form.base_fields, _prefix_of(inline.model, inline.fk_name)
        for other in inline.model._default_manager.filter(**{inline.fk_name: row}):
            for name in names:
                value = _value_of(other, name)
                shown[f"{prefix}.{other.pk}.{name}"] = digest_of_value(value)
    return shown


def merge(formset: Any, seen: Mapping[str, str]) -> tuple[bool, bool]:
    """Before `formset` is validated: take what somebody else changed and this person left alone as the
    database has it. Returns whether there was such a field, and whether there is one that both changed, or a
    row that is gone."""
    formset.data = formset.data.copy()
    rows = {str(row.pk): row for row in formset.get_queryset()}
    is_kept = is_disputed = False
    for number in range(formset.initial_form_count()):
        pk = formset.data.get(f"{formset.prefix}-{number}-{formset.model._meta.pk.name}", "")
        before = {name: digest for name, digest in seen.items() if name.startswith(f"{formset.prefix}.{pk}.")}
        if pk not in rows:
            is_disputed = is_disputed or bool(before)
            continue
        is_deleted = bool(formset.data.get(f"{formset.prefix}-{number}-DELETE"))
        kept, disputed = _merge_row(formset, number, rows[pk], before, is_deleted=is_deleted)
        is_kept, is_disputed = is_kept or kept, is_disputed or disputed
    for form in formset.forms:
        form.data = formset.data
    return is_kept, is_disputed


def _merge_row(
    formset: Any, number: int, row: models.Model, before: Mapping[str, str], *, is_deleted: bool
) -> tuple[bool, bool]:
    is_kept = is_disputed = False
    for name, field in formset.form.base_fields.items():
        seen = before.get(f"{formset.prefix}.{row.pk}.{name}")
        value = _value_of(row, name)
        if seen is None or digest_of_value(value) == seen:
            continue
        key = f"{formset.prefix}-{number}-{name}"
        sent = _digest_of_sent(field, formset.data.get(key))
        if is_deleted or sent not in (seen, digest_of_value(value)):
            is_disputed = True
        elif sent == seen:
            is_kept = True
            formset.data[key] = "" if value is None else str(value)
    return is_kept, is_disputed


def _value_of(row: models.Model, name: str) -> Any:
    field: Any = row._meta.get_field(name)
    return field.value_from_object(row)


def _digest_of_sent(field: Any, raw: Any) -> str:
    try:
        return digest_of_value(field.clean(raw))
    except ValidationError:
        return digest_of_value(raw)


def _prefix_of(model: type[models.Model], fk_name: str) -> str:
    """As Django calls the formset."""
    relation = model._meta.get_field(fk_name).remote_field
    return str(relation.get_accessor_name(model=model)).replace("+", "")  # type: ignore[union-attr]
