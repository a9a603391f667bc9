"""What the database tells about who waits for whom."""

from django.db import connection


def somebody_waits():
    """Whether a session on this PostgreSQL database waits for a lock; False on another one."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        # Within a transaction the view would show again what it showed first.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone() is not None


def is_waited_for(table, other):
    """Whether somebody waits for a lock on this table of ours; `other` is a connection of psycopg's. The
    server tells of the locks of all its databases, and other tests have theirs."""
    found = other.execute(
        "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database"
        " WHERE datname = current_database() AND relation = %s::regclass AND NOT granted)",
        [table],
    ).fetchone()
    return found[0]
