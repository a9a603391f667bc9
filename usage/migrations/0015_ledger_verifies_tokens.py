"""`ledger_hold` also compares the personal access token that a call is made with. No table is touched. Calls by the
arguments it had before, as a process of the last release makes them while this one is rolled out, mean the same as they
did. Elsewhere than on PostgreSQL there is nothing to do.
"""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("usage.migrations.0012_ledger_verifies")

DROP_WITH_TOKEN = """
DROP FUNCTION ledger_hold(
    bigint, text[], text[], bigint[], bigint[], boolean[], bigint, text, uuid, bigint, text
)
"""
LAST_ARGUMENT = "login_family uuid DEFAULT NULL,\n"

HOLD = BEFORE.HOLD.replace(
    LAST_ARGUMENT, LAST_ARGUMENT + "    access_token bigint DEFAULT NULL, token_stamp text DEFAULT NULL,\n"
).replace(
    BEFORE.VERIFIED,
    """    IF token_stamp IS NOT NULL AND personal_token_stamp(access_token) IS DISTINCT FROM token_stamp THEN
        verdict := 'moved';
        RETURN;
    END IF;
"""
    + BEFORE.VERIFIED,
)


def replace(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        # Both within one transaction: nobody finds none.
        schema_editor.execute(BEFORE.DROP_VERIFYING)
        schema_editor.execute(HOLD)


def put_back(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP_WITH_TOKEN)
        schema_editor.execute(BEFORE.HOLD)


class Migration(migrations.Migration):
    dependencies = [("usage", "0014_personal_token_index"), ("accounts", "0011_token_stamp")]

    operations = [migrations.RunPython(replace, put_back)]
