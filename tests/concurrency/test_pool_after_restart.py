"""A restart of PostgreSQL ends every idle connection of the pool; the first call after it works."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import OperationalError, connection
from psycopg_pool import ConnectionPool

from tests.pools import ask, fill_pool, give_back, own_pool

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
IDLE = 16


def end_every_connection():
    """What a restart does to those of the pool, with the server staying for other tests and their threads."""
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"], port=settings["PORT"] or 5432, user=settings["USER"],
        password=settings["PASSWORD"] or None, dbname="postgres", autocommit=True,
    ) as another:  # fmt: skip
        ended = another.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM unnest(%s::int[]) AS pid", [pids_in_the_pool()]
        ).fetchall()
    assert len(ended) >= IDLE


def pids_in_the_pool():
    return [one.info.backend_pid for one in connection.pool._pool]


def ask_and_give_back(_):
    try:
        return ask()
    finally:
        give_back()


def test_the_first_call_after_it_works():
    with own_pool(size=IDLE), ThreadPoolExecutor(IDLE) as threads:
        fill_pool(threads, size=IDLE)
        end_every_connection()

        assert ask() == 1


def test_and_so_do_many_at_once():
    with own_pool(size=IDLE), ThreadPoolExecutor(IDLE) as threads:
        fill_pool(threads, size=IDLE)
        end_every_connection()

        assert list(threads.map(ask_and_give_back, range(IDLE))) == [1] * IDLE


def test_without_dropping_the_others_it_does_not(monkeypatch):
    """The negative control: each dead connection costs a wait, each longer than the one before."""
    monkeypatch.setattr(ConnectionPool, "drain", lambda self: None)
    with own_pool(size=IDLE, timeout=3), ThreadPoolExecutor(IDLE) as threads:
        fill_pool(threads, size=IDLE)
        end_every_connection()

        with pytest.raises(OperationalError):
            ask()
