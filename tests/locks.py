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
