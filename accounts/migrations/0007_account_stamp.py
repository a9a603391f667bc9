"""A function for PostgreSQL that names the state of an account: see `accounts.standing`. No table is touched, and
elsewhere there is nothing to do.
"""

from django.db import migrations

# Where a row is and which transaction wrote it name its version; no two versions of a row have both in common.
# A subscription whose period has ended counts as well: when it ended, its reader knows.
STAMP = """
CREATE OR REPLACE FUNCTION account_stamp(person bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws(
        ' ', u.xmin::text, u.ctid::text,
        (SELECT concat(s.xmin::text, s.ctid::text, p.xmin::text, p.ctid::text)
           FROM subscriptions s JOIN plans p ON p.slug = s.plan_id
          WHERE s.user_id = u.id AND s.status = 'active'),
        (SELECT concat('default ', p.xmin::text, p.ctid::text) FROM plans p WHERE p.is_default)
    )
    FROM users u WHERE u.id = person
$$
"""
DROP = "DROP FUNCTION IF EXISTS account_stamp(bigint)"


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(STAMP)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_logins")]

    operations = [migrations.RunPython(create, drop)]
