"""Many processes append to one chain."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, models

from accounts import audit, audit_chain
from accounts.audit import Actor
from accounts.models import AuditEntry

THREADS, EACH = 8, 12

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def append_from_many_threads():
    """How many appends failed, of THREADS times EACH that start together."""
    barrier = Barrier(THREADS)

    def work(number):
        failed = 0
        try:
            barrier.wait()
            for turn in range(EACH):
                try:
                    audit.record_alone(action=f"thread-{number}.{turn}", actor=Actor.system())
                except IntegrityError:
                    failed += 1
        finally:
            connection.close()
        return failed

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(work, range(THREADS)))


def test_the_chain_holds_under_concurrent_writers():
    failed = append_from_many_threads()

    assert failed == 0
    verdict = audit_chain.verify()
    assert (verdict.entries, verdict.broken_at) == (THREADS * EACH, None)
    assert list(AuditEntry.objects.order_by("number").values_list("number", flat=True)) == list(range(1, 97))


def test_without_the_lock_it_does_not(monkeypatch):
    """Shows that the test above can fail: the lock, and nothing else, puts the writers in a row."""
    audit.record_alone(action="first", actor=Actor.system())
    monkeypatch.setattr(models.QuerySet, "select_for_update", lambda self, **_: self.all())

    failed = append_from_many_threads()

    assert failed > 0
