"""Twenty guesses at once are no more guesses than twenty one after the other."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import timedelta
from functools import partial
from threading import Barrier, BoundedSemaphore, Event, Lock

import pytest
from django.db import connection
from django.db.models.functions import Now
from rest_framework.test import APIRequestFactory

from accounts import api, logins
from accounts.celery_tasks import forget_expired_tokens
from accounts.models import LoginTurn, User
from console.security import forms
from tests.accounts.test_lockout import PASSWORD, at_api, at_console
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
GUESSES, LIMIT = 20, 5


@pytest.fixture
def arrivals(monkeypatch):
    """Everybody who has come to the lock."""
    arrived = []
    guard = logins.one_attempt_at_a_time

    def noted(**who):
        arrived.append(who)
        return guard(**who)

    for module in (api, forms):
        monkeypatch.setattr(module, "one_attempt_at_a_time", noted)
    return arrived


@pytest.fixture(params=["one process", "several processes"])
def processes(request, monkeypatch):
    """Threads stand for processes when nothing holds them back but what the database keeps."""
    if request.param == "several processes":
        monkeypatch.setattr(logins, "_place_of", lambda _: BoundedSemaphore())


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
def test_no_more_passwords_are_looked_at_than_may_be_wrong(
    super_admin, monkeypatch, processes, arrivals, door
):
    # The first one takes until another guess has come.
    evaluations = Evaluations(monkeypatch, may_go_on=lambda _: len(arrivals) > 1)

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


def test_the_turn_of_a_process_that_died_passes_on(super_admin):
    request = APIRequestFactory(REMOTE_ADDR="198.51.100.1").post("/")
    dying = logins.one_attempt_at_a_time(request=request, email=super_admin.email)
    dying.__enter__()
    LoginTurn.objects.update(held_until=Now() - timedelta(minutes=5))
    left = LoginTurn.objects.get()
    # Its lock dies with it, its row does not.
    logins._place_of(left.pair).release()

    assert at_api(PASSWORD).status_code == 200
    assert LoginTurn.objects.count() == 0
    LoginTurn.objects.create(pair=left.pair, token=left.token, held_until=left.held_until)
    forget_expired_tokens()
    assert LoginTurn.objects.count() == 0
    with suppress(RuntimeError):  # the lock, released twice
        dying.__exit__(None, None, None)
