"""A change that is committed in one process is what the next call of every other process goes by."""

import pytest
from django.db import connection

from accounts.models import Plan
from tests.books import assert_books_balance
from tests.concurrency.asking_process import work
from tests.concurrency.forked import PROCESSES, everybody, forked
from tests.factories import make_config
from tests.waiting import wait_until
from usage.models import AIProviderUsageLog

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def unlimited(user):
    Plan.objects.update(daily_token_limit=None)


def test_the_next_call_of_each_process_uses_it(user, sandbox):
    config = make_config(model_name="sandbox-mini", base_url=sandbox.openai)
    with forked(work, user=user.pk) as processes:
        for model in ("sandbox-mini", "sandbox-large", "sandbox-text", "sandbox-mini"):
            config.model_name = model
            config.save()

            assert everybody(processes, "ask") == [[model]] * PROCESSES

        config.delete()
        assert everybody(processes, "ask") == [["!no_active_provider"]] * PROCESSES

    assert_books_balance(sandbox)


def test_a_provider_that_was_switched_off_is_asked_no_more_under_load(user, sandbox):
    off = make_config(model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)
    make_config(model_name="sandbox-large", base_url=sandbox.openai)
    rows = AIProviderUsageLog.objects.filter(provider_config_id=off.pk)
    with forked(work, user=user.pk) as processes:
        everybody(processes, "start", lanes=3)
        wait_until(lambda: sandbox.hits()["total"] >= 40)
        off.is_active = False
        off.save()
        changed_by = now_in_database()

        # Reservations that had begun by then did not see the change; their calls were under way.
        wait_until(lambda: not is_any_left_that_began_before(changed_by))
        reserved_by_then = rows.count()
        by_then = sandbox.hits()["total"]
        wait_until(lambda: sandbox.hits()["total"] >= by_then + 60)
        counts = everybody(processes, "stop")

    assert rows.count() == reserved_by_then
    assert sandbox.hits()["by_model"]["sandbox-mini"] == reserved_by_then
    assert [count["broken"] for count in counts] == [[]] * PROCESSES
    assert sum(count["refused"] for count in counts) == 0
    assert_books_balance(sandbox)


def now_in_database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def is_any_left_that_began_before(moment):
    """Whether a transaction may still be under way that does not see what was committed by then. Asked of
    the sessions: a transaction that has only read so far has no id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND xact_start <= %s)",
            [moment],
        )
        return cursor.fetchone()[0]
