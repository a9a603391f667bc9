"""Many logins at once: their hashes are made few at a time, and the database stays everybody's."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest
from django.contrib.auth import hashers
from django.db import OperationalError

from accounts import hashing
from accounts.models import User
from tests.accounts.test_lockout import PASSWORD, at_api
from tests.factories import make_user
from tests.pools import ask, give_back, own_pool
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
LOGINS, POOL = 50, 3


class SlowHasher:
    """Holds every hash until it is let go, and counts how many were being made at once."""

    def __init__(self, monkeypatch):
        self.now, self.most, self._lock, self._may_go_on = 0, 0, Lock(), Event()
        self._verify = hashers.verify_password
        monkeypatch.setattr("accounts.models.people.verify_password", self._slowly)

    def _slowly(self, password, encoded):
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        assert self._may_go_on.wait(PATIENCE_SECONDS)
        with self._lock:
            self.now -= 1
        return self._verify(password, encoded)

    def let_go(self):
        self._may_go_on.set()


def log_in(number):
    try:
        return at_api(PASSWORD, email=f"person{number}@example.com").status_code
    finally:
        give_back()


@pytest.fixture
def arrived(monkeypatch):
    """How many have come to the door of hashing."""
    count = []
    get = hashing._room.get
    monkeypatch.setattr(hashing._room, "get", lambda: (count.append(1), get())[1])
    return count


def make_people():
    for number in range(LOGINS):
        make_user(f"person{number}@example.com", password=PASSWORD)


@pytest.mark.postgres
def test_fifty_logins_at_once_do_not_take_the_database_from_anybody(monkeypatch, settings, arrived):
    make_people()
    arrived.clear()
    hasher = SlowHasher(monkeypatch)
    with own_pool(size=POOL), ThreadPoolExecutor(LOGINS) as threads, ThreadPoolExecutor(POOL) as others:
        logins = [threads.submit(log_in, number) for number in range(LOGINS)]
        wait_until(lambda: len(arrived) == LOGINS)

        asked = list(others.map(lambda _: (ask(), give_back())[0], range(POOL)))
        hasher.let_go()
        statuses = [login.result(PATIENCE_SECONDS) for login in logins]

    assert asked == [1] * POOL
    assert statuses == [200] * LOGINS
    assert hasher.most == settings.PASSWORD_HASHES_AT_ONCE


@pytest.mark.postgres
def test_where_the_connection_is_kept_meanwhile_they_do(monkeypatch, arrived):
    """The negative control."""
    make_people()
    arrived.clear()
    monkeypatch.setattr(hashing, "give_connections_back", lambda: None)
    hasher = SlowHasher(monkeypatch)
    with own_pool(size=POOL, timeout=2), ThreadPoolExecutor(LOGINS) as threads:
        logins = [threads.submit(log_in, number) for number in range(LOGINS)]
        wait_until(lambda: len(arrived) >= POOL)

        with pytest.raises(OperationalError):
            ask()
        hasher.let_go()
        [login.result(PATIENCE_SECONDS) for login in logins]


def test_who_would_wait_too_long_is_told_when_to_come_back(user, monkeypatch):
    monkeypatch.setattr(hashing, "LONGEST_WAIT_SECONDS", 0)
    room = hashing._room.get()
    held = [room.acquire() for _ in range(2)]
    try:
        response = at_api(PASSWORD, email=user.email)
    finally:
        for _ in held:
            room.release()

    assert (response.status_code, response.json()["error"]["code"]) == (503, "too_many_logins")
    assert response["Retry-After"] == "5"
    assert at_api(PASSWORD, email=user.email).status_code == 200


def test_a_hash_of_older_settings_is_made_anew_and_one_of_these_is_not(user, settings):
    older = user.password
    newest = "django.contrib.auth.hashers.ScryptPasswordHasher"
    settings.PASSWORD_HASHERS = [newest, *settings.PASSWORD_HASHERS]

    assert User.objects.get(pk=user.pk).check_password(PASSWORD)
    newer = User.objects.get(pk=user.pk).password
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)

    assert newer != older
    assert newer.startswith("scrypt")
    assert User.objects.get(pk=user.pk).password == newer
