"""The database behind PgBouncer in transaction mode: nothing relies on a session."""

from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from accounts.concurrency import run
from accounts.models import Plan
from tests.concurrency import test_kills
from tests.concurrency.processes import APPLICATION, PROCESSES, answers_of
from tests.servers import own_pgbouncer
from tests.usage.attempts import counters
from usage.ledger.connections import PREPARED_AFTER, close_pool, fetch_one
from usage.models import AIProviderUsageLog

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.pgbouncer,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
]

# Of the server, for four processes of twenty each: a process is lent a session that others had before.
SESSIONS = 2


@pytest.fixture
def bouncer(transactional_db):
    """This process, and those that tests start, use the database through it."""
    with own_pgbouncer(connection.settings_dict, sessions=SESSIONS) as running, through(running.port):
        yield running


@contextmanager
def through(port):
    before = dict(connection.settings_dict)
    leave_pools()
    connection.settings_dict |= {
        "HOST": "127.0.0.1", "PORT": str(port), "DISABLE_SERVER_SIDE_CURSORS": True
    }  # fmt: skip
    try:
        yield
    finally:
        leave_pools()
        connection.settings_dict |= before


def leave_pools():
    connection.close()
    connection.close_pool()
    run(close_pool())


def transactions(bouncer):
    name = connection.settings_dict["NAME"]
    return sum(row["total_xact_count"] for row in bouncer.shows("STATS") if row["database"] == name)


@pytest.mark.parametrize("ledger", ["portable", "postgres"])
def test_exactly_as_many_calls_are_admitted_as_there_is_room_for(bouncer, ledger):
    answered = answers_of(
        "ledger_worker", ledger=ledger, mode="reserve", calls=25, scopes=["user:1", "provider:1"], limit=3_700
    )

    assert [answer["broken"] for answer in answered] == [[]] * PROCESSES
    assert sum(answer["admitted"] for answer in answered) == 37
    assert sum(answer["refused"] for answer in answered) == 63
    assert AIProviderUsageLog.objects.count() == 37
    assert set(counters().values()) == {(0, 3_700)}
    assert transactions(bouncer) >= PROCESSES, "they went that way"
    assert len(bouncer.shows("SERVERS")) <= SESSIONS


@pytest.mark.redis
def test_processes_killed_in_mid_call_lose_no_row_and_no_place(bouncer, user, sandbox, settings, monkeypatch):
    monkeypatch.setattr(test_kills, "KILLS", 4)
    # Sessions of the server are the pooler's and stay. The dead are gone when it has no connection of theirs
    # any more, and no session is at a statement.
    monkeypatch.setattr("tests.concurrency.forked.sessions_of_processes", lambda: under_way(bouncer))

    test_kills.test_processes_killed_at_random_moments_lose_no_row_and_no_place(user, sandbox, settings)

    assert transactions(bouncer) > AIProviderUsageLog.objects.count(), "they went that way"


def under_way(bouncer):
    clients = sum(row["application_name"].startswith(APPLICATION) for row in bouncer.shows("CLIENTS"))
    return clients + sum(row["state"] == "active" for row in bouncer.shows("SERVERS"))


def test_nothing_is_prepared_in_sessions_that_others_use(bouncer):
    async def often():
        for _ in range(PREPARED_AFTER + 1):
            await fetch_one("SELECT 7", [])
        return await fetch_one("SELECT count(*) FROM pg_prepared_statements", [])

    assert run(often()) == (0,)


@pytest.mark.parametrize("are_off", [True, False])
def test_long_results_are_read_while_others_use_the_sessions(bouncer, are_off):
    """The negative control is Django's own way: a cursor that stays in a session and is looked for in
    another's."""
    connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = are_off
    plans = Plan.objects.order_by("pk").iterator(chunk_size=1)
    read = [next(plans)]
    # The session that was used last is the first to be lent.
    other = psycopg.connect(**connection.get_connection_params() | {"context": None, "cursor_factory": None})
    other.execute("SELECT 1")

    def the_rest():
        return read + list(plans)

    if are_off:
        assert the_rest() == list(Plan.objects.order_by("pk"))
    else:
        with pytest.raises(psycopg.errors.InvalidCursorName):
            the_rest()
    other.close()
