"""A pool of connections as a test wants it; the suite's own is patient with a slow machine."""

from contextlib import contextmanager
from threading import Barrier

from django.db import connection, connections

from tests.waiting import PATIENCE_SECONDS, wait_until


@contextmanager
def own_pool(*, size, timeout=PATIENCE_SECONDS):
    """The default database with another pool; needs PostgreSQL and a transactional test."""
    options = connection.settings_dict["OPTIONS"]
    suites = options["pool"]
    _close()
    options["pool"] = suites | {"max_size": size, "timeout": timeout}
    try:
        yield
    finally:
        _close()
        options["pool"] = suites


def fill_pool(threads, *, size):
    """Make `size` idle connections, with as many threads of the executor."""
    barrier = Barrier(size)

    def borrow(_):
        ask()
        barrier.wait(PATIENCE_SECONDS)
        give_back()

    list(threads.map(borrow, range(size)))
    wait_until(lambda: connection.pool.get_stats()["pool_available"] == size)


def ask():
    """A query on this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone()[0]


def give_back():
    connections["default"].close()


def _close():
    connection.close()
    connection.close_pool()
