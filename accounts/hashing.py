"""Password hashes are slow on purpose: few are made at once, and no database connection waits for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.conf import settings
from django.db import connection

from accounts.concurrency import PerProcess, give_connections_back
from accounts.errors import DomainError

# Longer than a queue of hundreds takes; whoever would wait longer is better told so.
LONGEST_WAIT_SECONDS = 20

_room = PerProcess(lambda: BoundedSemaphore(settings.PASSWORD_HASHES_AT_ONCE))


class TooManyLogins(DomainError):
    code = "too_many_logins"
    status = 503
    message = "Too many people are logging in right now. Try again in a few seconds."

    def __init__(self) -> None:
        super().__init__(retry_after=5)


@contextmanager
def room_for_a_hash() -> Iterator[None]:
    """Do the hashing inside. The connection of this thread is given back first, so load what you need before,
    and write after it.

    Inside a transaction, which cannot let go of its connection, nothing is waited for: a super-admin who sets
    somebody's password stands in one. Raises TooManyLogins.
    """
    if connection.in_atomic_block:
        yield
        return
    give_connections_back()
    room = _room.get()
    if not room.acquire(timeout=LONGEST_WAIT_SECONDS):
        raise TooManyLogins
    try:
        yield
    finally:
        room.release()
