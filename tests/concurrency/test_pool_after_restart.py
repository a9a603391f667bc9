"""A restart of PostgreSQL ends every idle connection of the pool; the first call after it works."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
from django.db import OperationalError, connection, connections
from psycopg_pool import ConnectionPool

from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
IDLE = 16


def fill_the_pool():
    """As many idle connections as a process may hold."""
    barrier = Barrier(IDLE)

    def borrow(_):
        ask()
        barrier.wait(PATIENCE_SECONDS)
        connections["default"].close()

    with ThreadPoolExecutor(IDLE) as threads:
        list(threads.map(borrow, range(IDLE)))
    wait_until(lambda: pool().get_stats()["pool_available"] == IDLE)


def pool():
    return connection.pool


def ask():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone()[0]


def end_every_connection():
    """What a restart does to them, with the server staying for the other tests."""
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"], port=settings["PORT"] or 5432, user=settings["USER"],
        password=settings["PASSWORD"] or None, dbname="postgres", autocommit=True,
    ) as another:  # fmt: skip
        ended = another.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s",
            [settings["NAME"]],
        ).fetchall()
    return len(ended)


@pytest.fixture
def own_pool(monkeypatch, request):
    """A pool as large as production's, which waits as long as the test says."""
    connection.close()
    connection.close_pool()
    options = connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "pool", options["pool"] | {"max_size": IDLE, "timeout": request.param})
    yield
    connection.close()
    connection.close_pool()


@pytest.mark.parametrize("own_pool", [PATIENCE_SECONDS], indirect=True)
def test_the_first_call_after_it_works_and_so_do_many_at_once(own_pool):
    fill_the_pool()
    assert end_every_connection() >= IDLE

    assert ask() == 1
    connection.close()

    fill_the_pool()
    end_every_connection()
    with ThreadPoolExecutor(IDLE) as threads:
        assert (
            list(threads.map(lambda _: (ask(), connections["default"].close())[0], range(IDLE))) == [1] * IDLE
        )


@pytest.mark.parametrize("own_pool", [3], indirect=True)
def test_without_dropping_the_others_it_does_not(own_pool, monkeypatch):
    """The negative control: each dead connection costs a wait, each longer than the one before."""
    monkeypatch.setattr(ConnectionPool, "drain", lambda self: None)
    fill_the_pool()
    end_every_connection()

    with pytest.raises(OperationalError):
        ask()
