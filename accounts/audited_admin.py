"""A base for pages of the console whose every change goes to the audit trail."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction
from django.http import HttpRequest

from accounts import audit
from accounts.audit import Actor
from accounts.audit_history import AuditHistory


class AuditedAdmin(AuditHistory):
    """Mix in before ModelAdmin. Adding, changing and deleting, in bulk too, are written with before and
    after, in the transaction of the change. Actions are `<model>.created`, `.changed` and `.deleted`."""

    # Values that mean nothing to a reader, or that nobody may read.
    audit_leaves_out: tuple[str, ...] = ()

    def save_model(self, request: Any, obj: models.Model, form: Any, change: bool) -> None:  # noqa: FBT001
        request.audit_before = self._facts_in_database(obj) if change else {}
        super().save_model(request, obj, form, change)  # type: ignore[misc]

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)  # type: ignore[misc]
        obj = form.instance
        changes = audit.changes_between(request.audit_before, self._facts_in_database(obj))
        if changes or not change:
            self._write(request, obj, "changed" if change else "created", changes)

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        with transaction.atomic():
            self._write_deletion(request, obj)
            super().delete_model(request, obj)  # type: ignore[misc]

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        with transaction.atomic():
            for obj in queryset:
                self._write_deletion(request, obj)
            super().delete_queryset(request, queryset)  # type: ignore[misc]

    def _write_deletion(self, request: HttpRequest, obj: models.Model) -> None:
        self._write(request, obj, "deleted", audit.changes_between(self._facts_in_database(obj), {}))

    def _write(self, request: HttpRequest, obj: models.Model, verb: str, changes: dict[str, Any]) -> None:
        audit.record(
            action=f"{obj._meta.model_name}.{verb}",
            actor=Actor.of_request(request),
            target=obj,
            changes=changes,
        )

    def _facts_in_database(self, obj: models.Model) -> dict[str, Any]:
        row = type(obj)._default_manager.get(pk=obj.pk)
        left_out = (*self.audit_leaves_out, row._meta.pk.attname)
        fields = row._meta.concrete_fields
        facts = {
            field.attname: getattr(row, field.attname) for field in fields if field.attname not in left_out
        }
        for field in row._meta.many_to_many:
            facts[field.name] = sorted(str(other) for other in getattr(row, field.name).all())
        return facts
