"""Two functions that the ledger moves quota counters with on PostgreSQL; no table is touched. They read and write
`routing_revision` and `quota_counters` alone, so a new column of the usage rows needs no new function. Elsewhere
there is nothing to do: the ledger there needs none.
"""

from django.db import migrations

# Counters are moved in the order they are given in, which is the same for every call. A counter that has no room
# ends the call: what was moved before it is moved back, behind the locks that this transaction holds anyway. That is
# no error, because PostgreSQL would write each refusal into its log as one.
HOLD = """
CREATE OR REPLACE FUNCTION ledger_hold(
    revision bigint, scopes text[], windows text[], amounts bigint[], limits bigint[], is_summed boolean[],
    OUT verdict text, OUT at_counter integer, OUT used_there bigint, OUT reserved_there bigint, OUT taken bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    moved bigint;
BEGIN
    taken := '{}';
    IF coalesce((SELECT r.number FROM routing_revision r WHERE r.id = 1), 0) <> revision THEN
        verdict := 'stale';
        RETURN;
    END IF;
    <<counters>>
    FOR i IN 1 .. cardinality(scopes) LOOP
        UPDATE quota_counters c SET reserved = c.reserved + amounts[i]
         WHERE c.scope = scopes[i] AND c."window" = windows[i]
           AND (limits[i] IS NULL OR c.used <= limits[i] - amounts[i] - c.reserved)
        RETURNING c.used + c.reserved INTO moved;
        IF NOT FOUND THEN
            LOOP
                SELECT c.used, c.reserved INTO used_there, reserved_there FROM quota_counters c
                 WHERE c.scope = scopes[i] AND c."window" = windows[i] FOR UPDATE;
                EXIT WHEN FOUND;
                IF is_summed[i] THEN
                    verdict := 'unbegun';
                    at_counter := i;
                    EXIT counters;
                END IF;
                INSERT INTO quota_counters (scope, "window", used, reserved) VALUES (scopes[i], windows[i], 0, 0)
                ON CONFLICT (scope, "window") DO NOTHING;
            END LOOP;
            -- Locked now, so this look is the last word.
            IF used_there > limits[i] - amounts[i] - reserved_there THEN
                verdict := 'full';
                at_counter := i;
                EXIT counters;
            END IF;
            UPDATE quota_counters c SET reserved = c.reserved + amounts[i]
             WHERE c.scope = scopes[i] AND c."window" = windows[i]
            RETURNING c.used + c.reserved INTO moved;
        END IF;
        taken := taken || moved;
    END LOOP;
    IF verdict IS NULL THEN
        verdict := 'held';
        RETURN;
    END IF;
    FOR i IN 1 .. at_counter - 1 LOOP
        UPDATE quota_counters c SET reserved = c.reserved - amounts[i]
         WHERE c.scope = scopes[i] AND c."window" = windows[i];
    END LOOP;
END
$$
"""
MOVE = """
CREATE OR REPLACE FUNCTION ledger_move(scopes text[], windows text[], used_by bigint[], reserved_by bigint[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. cardinality(scopes) LOOP
        UPDATE quota_counters c SET used = c.used + used_by[i], reserved = c.reserved + reserved_by[i]
         WHERE c.scope = scopes[i] AND c."window" = windows[i];
    END LOOP;
END
$$
"""
DROP = """
DROP FUNCTION IF EXISTS ledger_hold(bigint, text[], text[], bigint[], bigint[], boolean[]);
DROP FUNCTION IF EXISTS ledger_move(text[], text[], bigint[], bigint[]);
"""


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(HOLD)
        schema_editor.execute(MOVE)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = [("usage", "0010_hour_within_cache_writes"), ("providers", "0002_routing_revision_row")]

    operations = [migrations.RunPython(create, drop)]
