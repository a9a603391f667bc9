"""`ledger_hold` also compares what a call went by: the account's stamp, and the login it is made by. `ledger_lock` is
for several calls that are held or settled by one statement. No table is touched. Calls by the six arguments it had before, as a process of the last release makes them while this one is rolled
out, mean the same as they did. Elsewhere than on PostgreSQL there is nothing to do.
"""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("usage.migrations.0011_ledger_functions")

DROP = "DROP FUNCTION ledger_hold(bigint, text[], text[], bigint[], bigint[], boolean[])"
DROP_VERIFYING = "DROP FUNCTION ledger_hold(bigint, text[], text[], bigint[], bigint[], boolean[], bigint, text, uuid)"
ARGUMENTS = "is_summed boolean[],\n"
VERIFIED = "    <<counters>>\n"

HOLD = BEFORE.HOLD.replace(
    ARGUMENTS,
    "is_summed boolean[],\n"
    "    person bigint DEFAULT NULL, stamp text DEFAULT NULL, login_family uuid DEFAULT NULL,\n",
).replace(
    VERIFIED,
    """    IF stamp IS NOT NULL AND account_stamp(person) IS DISTINCT FROM stamp THEN
        verdict := 'moved';
        RETURN;
    END IF;
    IF login_family IS NOT NULL
       AND NOT EXISTS (SELECT FROM token_families f WHERE f.id = login_family AND f.ended_at IS NULL) THEN
        verdict := 'signed_out';
        RETURN;
    END IF;
"""
    + VERIFIED,
)

# Locks counters, and begins those that are not there, in the order they are given in: that of everybody who moves
# several. One that begins with the sum of its rows is left to the call that needs it. The transaction waits for no lock
# longer than `patience` (milliseconds): of several calls, most are not concerned.
LOCK = """
CREATE OR REPLACE FUNCTION ledger_lock(scopes text[], windows text[], is_summed boolean[], patience integer)
RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('lock_timeout', patience::text, true);
    FOR i IN 1 .. cardinality(scopes) LOOP
        PERFORM FROM quota_counters c WHERE c.scope = scopes[i] AND c."window" = windows[i] FOR UPDATE;
        IF NOT FOUND AND NOT is_summed[i] THEN
            INSERT INTO quota_counters (scope, "window", used, reserved) VALUES (scopes[i], windows[i], 0, 0)
            ON CONFLICT (scope, "window") DO NOTHING;
            PERFORM FROM quota_counters c WHERE c.scope = scopes[i] AND c."window" = windows[i] FOR UPDATE;
        END IF;
    END LOOP;
    RETURN 0;
END
$$
"""
DROP_LOCK = "DROP FUNCTION IF EXISTS ledger_lock(text[], text[], boolean[], integer)"


def replace(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        # Both within one transaction: nobody finds none.
        schema_editor.execute(DROP)
        schema_editor.execute(HOLD)
        schema_editor.execute(LOCK)


def put_back(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP_LOCK)
        schema_editor.execute(DROP_VERIFYING)
        schema_editor.execute(BEFORE.HOLD)


class Migration(migrations.Migration):
    dependencies = [("usage", "0011_ledger_functions"), ("accounts", "0007_account_stamp")]

    operations = [migrations.RunPython(replace, put_back)]
