"""The connections that the PostgreSQL ledger has on an event loop: few, alive, and gone with the loop."""

import asyncio

import pytest
from django.db import IntegrityError, OperationalError, connection

from tests.cluster.machines import orm_on
from tests.cluster.proxy import proxy
from tests.waiting import wait_until
from usage.ledger import connections
from usage.ledger.connections import close_pool, fetch_one

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ME = "SELECT pg_backend_pid()"


async def sessions(count):
    """The sessions of `count` statements that are sent at once."""
    return {pid for (pid,) in await asyncio.gather(*(fetch_one(ME, []) for _ in range(count)))}


def are_alive(pids):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", [list(pids)])
        return cursor.fetchone()[0]


def end(pids):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid, 10000) FROM unnest(%s::int[]) AS pid", [list(pids)])


def test_there_are_never_more_than_the_setting_says(settings):
    settings.LEDGER_CONNECTIONS = 3

    assert 0 < len(asyncio.run(sessions(50))) <= 3


def test_a_connection_is_used_again():
    async def twice():
        return await fetch_one(ME, []) == await fetch_one(ME, [])

    assert asyncio.run(twice())


async def prepared():
    """How many of a statement that is sent often."""
    for _ in range(connections.PREPARED_AFTER + 1):
        await fetch_one(ME, [])
    [count] = await fetch_one("SELECT count(*) FROM pg_prepared_statements WHERE statement = %s", [ME])
    return count


def test_statements_are_prepared(settings):
    settings.LEDGER_CONNECTIONS = 1

    assert asyncio.run(prepared()) == 1


def test_those_that_a_restart_has_ended_are_not_used_again():
    async def through_a_restart():
        before = await sessions(20)
        await asyncio.to_thread(end, before)
        return before, await sessions(20)

    before, after = asyncio.run(through_a_restart())

    assert after
    assert not before & after


def test_without_a_look_at_them_they_are(monkeypatch):
    """The negative control."""
    monkeypatch.setattr(connections, "_is_alive", lambda borrowed: True)

    async def through_a_restart():
        await asyncio.to_thread(end, await sessions(1))
        await sessions(1)

    with pytest.raises(OperationalError):
        asyncio.run(through_a_restart())


def test_a_caller_that_is_cancelled_leaves_no_connection_in_the_middle_of_a_statement(settings):
    settings.LEDGER_CONNECTIONS = 1

    async def cancelled():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await fetch_one("SELECT pg_sleep(60)", [])
        return await fetch_one("SELECT 7", [])

    assert asyncio.run(cancelled()) == (7,)


def test_a_statement_that_fails_raises_djangos_error_and_costs_no_connection(settings):
    settings.LEDGER_CONNECTIONS = 1

    async def failing():
        for _ in range(3):
            with pytest.raises(IntegrityError):
                await fetch_one("INSERT INTO quota_counters (scope) VALUES (NULL) RETURNING id", [])
        return await fetch_one("SELECT 7", [])

    assert asyncio.run(failing()) == (7,)


def test_they_end_with_the_loop():
    before = asyncio.run(sessions(5))

    wait_until(lambda: not are_alive(before))


def test_closing_ends_them_and_the_next_statement_makes_another():
    async def closed():
        before = await sessions(1)
        await close_pool()
        return before, await sessions(1)

    before, after = asyncio.run(closed())

    assert before != after


@pytest.fixture
def line():
    """The way to the database, through a proxy that can fall silent."""
    with proxy(int(connection.settings_dict["PORT"] or 5432)) as line:
        here = f"postgres://postgres@127.0.0.1:{line.port}/{connection.settings_dict['NAME']}"
        with orm_on(here):
            yield line


def test_a_server_that_has_fallen_silent_is_given_up_and_found_again(line):
    """Nothing ends such a connection: who sits on it waits for as long as it lets itself wait."""

    async def through_silence():
        await sessions(1)
        line.stop_forwarding()
        # The suite's own is a minute, for slow machines.
        (await connections._pool()).patience = 0.5
        with pytest.raises(OperationalError):
            await fetch_one(ME, [])
        line.forward_again()
        return await fetch_one("SELECT 7", [])

    assert asyncio.run(through_silence()) == (7,)
