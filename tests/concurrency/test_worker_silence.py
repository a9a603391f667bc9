"""A pooler that stands still under workers and commands, whose statements may rightly take minutes."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection

from tests.cluster.proxy import proxy
from tests.concurrency.test_pgbouncer import leave_pools, through
from tests.locks import is_waited_for
from tests.pools import ask, give_back
from tests.servers import own_pgbouncer
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.pgbouncer,
    pytest.mark.django_db(transaction=True),
]

SESSIONS = 4
# Longer than its patience, and than an answer may be under way.
LONG = "SELECT pg_sleep(8)"
LOCKED = "SELECT count(*) FROM quota_counters"


@pytest.fixture(autouse=True)
def patience(settings):
    settings.DATABASE_PATIENCE_SECONDS = 1


@pytest.fixture
def pooler():
    with own_pgbouncer(connection.settings_dict, sessions=SESSIONS) as running:
        yield running


def say(statement):
    """Its first value, or the error that it ends with."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]
    except OperationalError as error:
        return error
    finally:
        give_back()


@contextmanager
def under_way():
    """A statement that waits for a lock, in a thread; it goes on when `let_go` is called."""
    found = connection.settings_dict
    with (
        psycopg.connect(
            host=found["HOST"], port=found["PORT"] or 5432, user=found["USER"],
            password=found["PASSWORD"] or None, dbname=found["NAME"],
        ) as other,
        ThreadPoolExecutor(1) as thread,
    ):  # fmt: skip
        other.execute("LOCK TABLE quota_counters")
        yield lambda: thread.submit(say, LOCKED), other


def begun(start, other):
    answer = start()
    wait_until(lambda: answer.done() or is_waited_for("quota_counters", other))
    return answer


def test_a_statement_that_takes_long_is_left_alone(pooler):
    with through(pooler.port):
        assert not isinstance(say(LONG), OperationalError)


def test_one_that_waits_for_a_lock_is_left_alone_and_one_behind_a_pooler_that_stands_still_is_not(pooler):
    with under_way() as (start, other), through(pooler.port):
        answer = begun(start, other)
        assert not answer.done()
        pooler.freeze()
        said = answer.result(PATIENCE_SECONDS)
        pooler.thaw()
        other.rollback()
        wait_until(lambda: say("SELECT 1") == 1)

    assert "not at work on it" in str(said)


def test_without_patience_it_waits_until_the_pooler_goes_on(pooler, settings):
    """The negative control."""
    settings.DATABASE_PATIENCE_SECONDS = 0
    with under_way() as (start, other), through(pooler.port):
        answer = begun(start, other)
        pooler.freeze()
        settings.DATABASE_PATIENCE_SECONDS = 1
        leave_pools()
        with ThreadPoolExecutor(1) as thread:
            refused = thread.submit(say, "SELECT 1").result(PATIENCE_SECONDS)
        still_waits = not answer.done()
        pooler.thaw()
        other.rollback()
        said = answer.result(PATIENCE_SECONDS)

    assert isinstance(refused, OperationalError)
    assert still_waits
    assert said == 0


def test_a_line_that_fell_silent_is_given_up_though_new_ones_are_carried(pooler):
    """What a proxy does whose other side is gone: nobody hangs up, and the statement is long done."""
    with proxy(pooler.port) as line, under_way() as (start, other), through(line.port):
        answer = begun(start, other)
        line.stop_forwarding()
        other.rollback()
        wait_until(line.is_keeping_back)
        line.forward_again()
        said = answer.result(PATIENCE_SECONDS)
        assert ask() == 1

    assert "not at work on it" in str(said)
