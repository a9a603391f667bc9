"""PostgreSQL, or the pooler before it, stands still under a running server: nobody ends a connection, and
nothing comes. A proxy on loopback keeps connections and carries nothing; its kernel acknowledges all."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from tests.cluster.proxy import proxy
from tests.concurrency.test_database_outage import server
from tests.locks import is_waited_for
from tests.sandbox import running_sandbox
from tests.servers import own_postgres, postgres_programs
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.skipif(postgres_programs() is None, reason="needs initdb"),
]

# What the ORM reads, what the event loop asks; and a call has to reserve.
ASKED = ("profiles", "me")
AWAY = (503, "database_unavailable")


@contextmanager
def installation(patience):
    """A server that has served, the line to its database, and its vendor."""
    with own_postgres() as database, proxy(database.port) as line, running_sandbox() as vendor:
        there = f"postgres://postgres@127.0.0.1:{line.port}/postgres"
        settings = {"DATABASE_PATIENCE_SECONDS": patience, "DATABASE_POOL_SIZE": "4"}
        with server(there, vendor, **settings) as client:
            assert client.extract()[0] == 201
            yield client, line, database, vendor


@contextmanager
def somebody_under_way(client, line, database):
    """A request in the middle of a statement of the ORM's when the line falls silent; its answer, later."""
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database.url) as other:
        other.execute("LOCK TABLE master_profiles")
        answer = pool.submit(client.send, "profiles")
        wait_until(lambda: answer.done() or is_waited_for("master_profiles", other))
        line.stop_forwarding()
        other.rollback()
        yield answer


def code_of(answered):
    status, _, envelope = answered
    return status, envelope["error"]["code"] if status >= 400 else ""


def is_served_again(client, number):
    return [client.send(path)[0] for path in ASKED] + [client.extract(number)[0]] == [200, 200, 201]


def test_everybody_is_answered_and_served_again_when_it_goes_on():
    with installation("5") as (client, line, database, vendor):
        with somebody_under_way(client, line, database) as answer:
            with ThreadPoolExecutor(len(ASKED) + 1) as askers:
                asking = [askers.submit(client.send, path) for path in ASKED]
                asking.append(askers.submit(client.extract, 1))
            silent = [one.result() for one in asking]
            held = answer.result(PATIENCE_SECONDS)
        asked = vendor.hits()["total"]
        # Those that were open stay mute, as behind a pooler that was replaced.
        line.forward_again()
        wait_until(lambda: is_served_again(client, 2))

    assert [code_of(one) for one in (*silent, held)] == [AWAY] * 4
    assert asked == 1, "nothing is spent that nobody can count"


def test_without_patience_who_is_under_way_waits_until_somebody_hangs_up():
    """The negative control."""
    with (
        installation("0") as (client, line, database, _),
        somebody_under_way(client, line, database) as answer,
    ):
        wait_until(line.is_keeping_back)
        line.forward_again()
        wait_until(lambda: is_served_again(client, 2))
        waits = not answer.done()
        line.hang_up()
        held = answer.result(PATIENCE_SECONDS)

    assert waits
    assert code_of(held) == AWAY
