"""Twenty guesses at once are no more guesses than twenty one after the other."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from threading import Barrier, Event, Lock

import pytest
from django.db import connection

from accounts import api
from accounts.console import forms
from accounts.models import User
from tests.accounts.test_lockout import PASSWORD, at_api, at_console
from tests.locks import somebody_waits
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
GUESSES, LIMIT = 20, 5


def others_wait(evaluations):
    """The first check takes until another guess stands at the lock, where the database can tell."""
    return evaluations.count > 1 or connection.vendor != "postgresql" or somebody_waits()


class Evaluations:
    """Counts the passwords that are checked; each check goes on once `may_go_on` is true."""

    def __init__(self, monkeypatch, *, may_go_on):
        self.count, self._lock, self._may_go_on = 0, Lock(), may_go_on
        self.enough = Event()
        check = User.check_password

        def counted(person, raw_password):
            with self._lock:
                self.count += 1
            wait_until(partial(may_go_on, self))
            if self.count >= LIMIT:
                self.enough.set()
            return check(person, raw_password)

        monkeypatch.setattr(User, "check_password", counted)


def guess_at_once(door, evaluations):
    """The statuses of nineteen wrong guesses that start together, and of the right one that comes as soon as
    as many as are allowed have been looked at."""
    barrier = Barrier(GUESSES - 1)

    def guess(number):
        try:
            if number == 0:
                assert evaluations.enough.wait(PATIENCE_SECONDS)
                return door(PASSWORD).status_code
            barrier.wait(PATIENCE_SECONDS)
            return door(f"wrong {number}").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(GUESSES) as pool:
        right, *wrong = pool.map(guess, range(GUESSES))
    return right, wrong


@pytest.mark.parametrize("door", [at_api, at_console])
def test_no_more_passwords_are_looked_at_than_may_be_wrong(super_admin, monkeypatch, door):
    evaluations = Evaluations(monkeypatch, may_go_on=others_wait)

    right, wrong = guess_at_once(door, evaluations)

    assert evaluations.count == LIMIT
    assert right == 429
    assert wrong.count(429) == GUESSES - LIMIT


@pytest.mark.parametrize("door", [at_api, at_console])
def test_without_the_guard_any_number_is(super_admin, monkeypatch, door):
    """The negative control: who has read the count before the first one is counted is let through."""
    for module in (api, forms):
        monkeypatch.setattr(module, "one_attempt_at_a_time", lambda **_: nullcontext())
    evaluations = Evaluations(monkeypatch, may_go_on=lambda seen: seen.count > LIMIT)

    guess_at_once(door, evaluations)

    assert evaluations.count > LIMIT


@pytest.mark.postgres
def test_who_logs_in_meanwhile_under_another_name_or_from_elsewhere_does_not_wait(
    super_admin, user, monkeypatch
):
    """Two attempts are looked at only once both are there, so neither can have waited for the other."""
    evaluations = Evaluations(monkeypatch, may_go_on=lambda seen: seen.count >= 3)

    def log_in(who):
        try:
            return at_api(PASSWORD, **who).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        people = [{}, {"email": "alice@example.com"}, {"address": "198.51.100.2"}]
        statuses = list(pool.map(log_in, people))

    assert statuses == [200, 200, 200]
    assert evaluations.count == 3
