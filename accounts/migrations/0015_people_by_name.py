"""On PostgreSQL an index by which people are found by the beginning of their name, whatever its case; written
as Django asks for it. Made without holding up whoever writes; elsewhere there is nothing to do.
"""

from django.db import migrations

MAKE = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_full_name_beginning ON users (UPPER(full_name::text) text_pattern_ops)
"""
DROP = "DROP INDEX CONCURRENTLY IF EXISTS users_full_name_beginning"


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        # One that was broken off is there, and of no use.
        schema_editor.execute(DROP)
        schema_editor.execute(MAKE)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0014_sealed_field")]

    operations = [migrations.RunPython(create, drop, elidable=False)]
