"""Two people make the first super-admin at the same time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.db.models import QuerySet

from accounts import audit, recovery
from accounts.models import AuditHead, User

PASSWORD = "mvua inanyesha leo"

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def outcomes_of_two(monkeypatch):
    """What became of two who have each added their person before either asks whether it is the first."""
    both_added, hold = Barrier(2), audit.hold

    def hold_after_both_added():
        both_added.wait()
        return hold()

    monkeypatch.setattr(audit, "hold", hold_after_both_added)
    # `record` holds the head too, and by then there is nobody to wait for.
    monkeypatch.setattr(audit, "record", lambda **_: None)

    def make(email):
        try:
            recovery.create_super_admin(email=email, password=PASSWORD)
        except recovery.NotTheFirst as refusal:
            return refusal.code
        finally:
            connection.close()
        return "made"

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(make, ["one@example.com", "two@example.com"]))


def test_only_one_becomes_the_first(monkeypatch):
    AuditHead.objects.get_or_create(pk=1)

    assert outcomes_of_two(monkeypatch) == ["made", "not_the_first"]
    assert User.objects.filter(role="SUPER_ADMIN").count() == 1


def test_without_the_lock_both_do(monkeypatch):
    """Shows that the test above can fail: neither sees what the other has not committed."""
    both_looked, looks = Barrier(2), QuerySet.exists

    def looks_when_both_have(self):
        found = looks(self)
        both_looked.wait()
        return found

    monkeypatch.setattr(QuerySet, "exists", looks_when_both_have)
    monkeypatch.setattr(audit, "hold", lambda: None)

    assert outcomes_of_two(monkeypatch) == ["made", "made"]
