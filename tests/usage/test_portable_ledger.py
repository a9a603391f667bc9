"""What only the portable ledger has: moments between its statements, and its batches."""

import pytest

from tests.usage.attempts import counters, make_attempt, run
from usage.ledger import portable
from usage.ledger.base import QuotaExceeded
from usage.ledger.portable import PortableLedger
from usage.models import QuotaCounter, QuotaRule
from usage.quotas import RuleBook

pytestmark = pytest.mark.django_db(transaction=True)

DAY = "day:2026-11-21"


@pytest.fixture
def meanwhile(monkeypatch):
    """Runs what another process does between the UPDATE that moved nothing and the look at why. Nothing but
    a pause in exactly this place shows the two moments below, so the look itself is patched."""
    look = portable._counter

    def arrange(event):
        events = [event]

        def look_late(limit):
            if events:
                events.pop()(limit)
            return look(limit)

        monkeypatch.setattr(portable, "_counter", look_late)

    return arrange


def test_a_counter_made_by_another_process_meanwhile_is_moved_and_not_taken_for_full(meanwhile, user):
    meanwhile(lambda limit: QuotaCounter.objects.create(scope=limit.scope, window=limit.window, reserved=7))

    run(PortableLedger().reserve(make_attempt(user=user, daily=10_000)))

    assert counters()[f"user:{user.pk}", DAY] == (0, 107)


def test_tokens_freed_meanwhile_are_room(meanwhile, user):
    counter = QuotaCounter.objects.create(scope=f"user:{user.pk}", window=DAY, reserved=10_000)
    meanwhile(lambda limit: QuotaCounter.objects.filter(pk=counter.pk).update(reserved=0, used=40))

    run(PortableLedger().reserve(make_attempt(user=user, daily=10_000)))

    assert counters()[f"user:{user.pk}", DAY] == (40, 100)


def test_a_full_counter_is_looked_at_once(user, django_assert_max_num_queries):
    QuotaCounter.objects.create(scope=f"user:{user.pk}", window=DAY, used=10_000)
    attempt = make_attempt(user=user, daily=10_000)

    # BEGIN, revision, UPDATE, look, ROLLBACK
    with django_assert_max_num_queries(5), pytest.raises(QuotaExceeded):
        PortableLedger()._reserve(attempt)


def test_a_call_takes_few_statements(user, django_assert_max_num_queries):
    ledger = PortableLedger()
    attempt = make_attempt(user=user, daily=10_000)
    run(ledger.reserve(attempt))

    # BEGIN, revision, a counter for the day and one for the month, the row, COMMIT
    with django_assert_max_num_queries(6):
        ledger._reserve(attempt)


def test_money_and_tasks_cost_one_statement_each(user, django_assert_max_num_queries):
    ledger = PortableLedger()
    QuotaRule.objects.create(user=user, task="extraction", unit="tokens", period="day", limit=10_000)
    attempt = make_attempt(user=user, daily_usd="1", rules=RuleBook.load(), prices={})
    run(ledger.reserve(attempt))

    # as above, with a counter of money and one of the task
    with django_assert_max_num_queries(8):
        ledger._reserve(attempt)
