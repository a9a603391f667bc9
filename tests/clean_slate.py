"""Between two transactional tests: the database as the migrations left it, without the work of migrating.

Django's own way empties every table and then makes content types and permissions anew, which costs more than
most tests do.
"""

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection

# Known from the code alone, and no test changes them.
KEPT = {"django_content_type", "auth_permission", "django_migrations"}


class CleanSlate:
    """Remembers the rows that are there when it is made, which is after the migrations."""

    def __init__(self):
        self._tables = sorted({*connection.introspection.django_table_names(only_existing=True)} - KEPT)
        used = self._used()
        models = apps.get_models(include_auto_created=True)
        self._rows = [list(model._base_manager.all()) for model in models if model._meta.db_table in used]

    def restore(self):
        style = no_style()
        connection.ops.execute_sql_flush(connection.ops.sql_flush(style, self._used(), allow_cascade=True))
        for rows in self._rows:
            type(rows[0])._base_manager.bulk_create(rows)

    def _used(self):
        """The tables with a row in them, in one question."""
        quote = connection.ops.quote_name
        asked = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})" for table in self._tables)
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(asked))
            return [table for (table,) in cursor.fetchall()]
