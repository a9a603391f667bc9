"""A base for pages of the console whose changes go to the audit trail and overwrite nobody else's."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.contrib import messages
from django.db import models, transaction
from django.http import HttpRequest, HttpResponseRedirect

from accounts import audit
from accounts.audit import Actor
from accounts.edit_conflicts import EditConflict
from console import inline_conflicts
from console.audit_history import AuditHistory
from console.edit_conflicts import SeenStateForm, digest_of


class AuditedAdmin(AuditHistory):
    """Mix in before ModelAdmin. Adding, changing and deleting, in bulk too, are written with before and
    after, in the transaction of the change. Actions are `<model>.created`, `.changed` and `.deleted`.

    A change is made to the row as it is under its lock: what the form did not change stays as somebody else
    may have left it meanwhile, and a page that was opened before somebody else's change is refused."""

    # Values that mean nothing to a reader, or that nobody may read. Their changes are no conflict either.
    audit_leaves_out: tuple[str, ...] = ()
    change_form_before_template = "console/seen_state.html"

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)  # type: ignore[misc]
        except EditConflict as error:
            # Saved by somebody else in the moment between this form's check and its own saving.
            self.message_user(request, error.message, messages.ERROR)  # type: ignore[attr-defined]
            return HttpResponseRedirect(request.get_full_path())

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        if obj is None or not self.has_change_permission(request, obj):  # type: ignore[attr-defined]
            return form
        own = {"state_of": staticmethod(self._state_of), "values_below": staticmethod(self._values_below)}
        return type(form)(form.__name__, (SeenStateForm, form), own)

    def _create_formsets(self, request: Any, obj: Any, change: bool) -> Any:  # noqa: FBT001
        formsets, inlines = super()._create_formsets(request, obj, change)  # type: ignore[misc]
        request.formsets_below = formsets if change else []
        return formsets, inlines

    def save_form(self, request: Any, form: Any, change: bool) -> Any:  # noqa: FBT001
        # Between the form's own check and that of its formsets.
        for formset in getattr(request, "formsets_below", ()):
            is_kept, is_disputed = inline_conflicts.merge(formset, form.seen_below)
            formset.refusal = form.tell_of_rows(is_kept=is_kept, is_disputed=is_disputed)
        return super().save_form(request, form, change)  # type: ignore[misc]

    def save_model(self, request: Any, obj: models.Model, form: Any, change: bool) -> None:  # noqa: FBT001
        request.audit_before = {}
        if change:
            held = _held(obj)
            if held is None or self._state_of(held) != form.checked_state:
                raise EditConflict
            request.audit_before = self._facts_in_database(held)
            for field in obj._meta.concrete_fields:
                if field.name not in form.changed_data:
                    setattr(obj, field.attname, getattr(held, field.attname))
            if form.kept:
                self.message_user(request, form.kept, messages.WARNING)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)  # type: ignore[misc]

    # Django logs a change last, and the log refers to the acting person's row. The entry comes after it,
    # because whoever deletes that row, or its email, holds it while waiting for the end of the trail.

    def log_addition(self, request: Any, obj: models.Model, message: Any) -> Any:
        logged = super().log_addition(request, obj, message)  # type: ignore[misc]
        self._write(request, obj, "created", audit.changes_between({}, self._facts_in_database(obj)))
        return logged

    def log_change(self, request: Any, obj: models.Model, message: Any) -> Any:
        logged = super().log_change(request, obj, message)  # type: ignore[misc]
        # A new password is logged this way too, and its page writes its own entry.
        if hasattr(request, "audit_before"):
            changes = audit.changes_between(request.audit_before, self._facts_in_database(obj))
            if changes:
                self._write(request, obj, "changed", changes)
        return logged

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        with transaction.atomic():
            gone = [self._before_deletion(obj)]
            super().delete_model(request, obj)  # type: ignore[misc]
            self._write_deletions(request, gone)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        with transaction.atomic():
            gone = [self._before_deletion(obj) for obj in queryset]
            super().delete_queryset(request, queryset)  # type: ignore[misc]
            self._write_deletions(request, gone)

    def _before_deletion(self, obj: models.Model) -> tuple[models.Model, str, dict[str, Any]]:
        # Deleting takes the primary key off the instance, and with it what the name may be made of.
        return copy(obj), str(obj), audit.changes_between(self._facts_in_database(obj), {})

    def _write_deletions(
        self, request: HttpRequest, gone: list[tuple[models.Model, str, dict[str, Any]]]
    ) -> None:
        """After the deletion: it takes locks that others hold while they wait for the end of the trail."""
        for obj, label, changes in gone:
            self._write(request, obj, "deleted", changes, label=label)

    def _write(
        self, request: HttpRequest, obj: models.Model, verb: str, changes: dict[str, Any], label: str = ""
    ) -> None:
        audit.record(
            action=f"{obj._meta.model_name}.{verb}",
            actor=Actor.of_request(request),
            target=obj,
            target_label=label,
            changes=changes,
        )

    def _state_of(self, row: models.Model) -> str:
        return digest_of(self._facts_in_database(row) | self._columns_of(row))

    def _values_below(self, row: models.Model) -> dict[str, str]:
        return inline_conflicts.shown_values(self.inlines, row)  # type: ignore[attr-defined]

    def _facts_in_database(self, obj: models.Model) -> dict[str, Any]:
        row = type(obj)._default_manager.get(pk=obj.pk)
        facts = self._columns_of(row)
        for field in row._meta.many_to_many:
            others = getattr(row, field.name).select_related()
            facts[field.name] = sorted(str(other) for other in others)
        return facts

    def _columns_of(self, row: models.Model) -> dict[str, Any]:
        left_out = (*self.audit_leaves_out, row._meta.pk.attname)
        names = [field.attname for field in row._meta.concrete_fields]
        return {name: getattr(row, name) for name in names if name not in left_out}


def _held(obj: models.Model) -> models.Model | None:
    """The row as it is, until the transaction ends; None when it was deleted. Rows that refer to it may still
    be added meanwhile."""
    rows = type(obj)._default_manager.select_for_update(no_key=True)
    return rows.filter(pk=obj.pk).order_by("pk").first()
