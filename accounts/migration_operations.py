"""Migrations that a full database survives without a long lock."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db.migrations import AddConstraint, AddIndex, AlterField


class AddIndexWithoutLock(AddIndexConcurrently):
    """AddIndex that lets rows be written meanwhile where the database can; for migrations with
    `atomic = False`. SQLite, which has one writer anyway, builds it in the ordinary way."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        operation = AddIndexConcurrently if schema_editor.connection.vendor == "postgresql" else AddIndex
        operation.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        operation = AddIndexConcurrently if schema_editor.connection.vendor == "postgresql" else AddIndex
        operation.database_backwards(self, app_label, schema_editor, from_state, to_state)


class AddCheckWithoutLock(AddConstraintNotValid):
    """A CheckConstraint for a large table; for migrations with `atomic = False`. PostgreSQL holds new rows to
    it at once and looks through the others while rows are being written; SQLite makes the table anew."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            AddConstraint.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        validation = ValidateConstraint(self.model_name, self.constraint.name)
        validation.database_forwards(app_label, schema_editor, from_state, to_state)


class DropFieldIndexWithoutLock(AlterField):
    """AlterField to a field that has lost its `db_index`; for migrations with `atomic = False`. PostgreSQL
    drops the field's own indexes while rows are being written; elsewhere the field is altered as usual."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = from_state.apps.get_model(app_label, self.model_name)
        column = model._meta.get_field(self.name).column
        kept = {index.name for index in model._meta.indexes}
        with schema_editor.connection.cursor() as cursor:
            found = schema_editor.connection.introspection.get_constraints(cursor, model._meta.db_table)
        for name, one in found.items():
            is_own = one["index"] and not one["unique"] and one["columns"] == [column]
            if is_own and name not in kept:
                quoted = schema_editor.quote_name(name)
                schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted}")

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        super().database_forwards(app_label, schema_editor, from_state, to_state)
