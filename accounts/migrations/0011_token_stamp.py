"""A function for PostgreSQL that names what of a personal access token calls go by: see
`accounts.personal_tokens`. No table is touched, and elsewhere there is nothing to do.
"""

from django.db import migrations

# By content, not by the version of the row, which changes with every note of the last use. Whether its owner is active
# is part of it. Moments as numbers: as text they would depend on the time zone of the connection.
STAMP = """
CREATE OR REPLACE FUNCTION personal_token_stamp(token bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT md5(ROW(
        t.user_id, u.is_active, t.digest, t.revoked_at IS NOT NULL, extract(epoch FROM t.expires_at),
        t.tasks, t.model_names, t.requests_per_minute, t.max_concurrent_calls,
        t.daily_token_limit, t.monthly_token_limit, t.daily_cost_limit_usd, t.monthly_cost_limit_usd
    )::text)
    FROM personal_tokens t JOIN users u ON u.id = t.user_id WHERE t.id = token
$$
"""
DROP = "DROP FUNCTION IF EXISTS personal_token_stamp(bigint)"


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(STAMP)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_personal_tokens")]

    operations = [migrations.RunPython(create, drop)]
