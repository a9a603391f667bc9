"""Whether the processes that nobody sees are alive: each says so itself, in the database and by its clock."""

from __future__ import annotations

import logging
import socket
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error
from django.db.models.functions import Now

from accounts.concurrency import give_connections_back
from usage.models import Heartbeat

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=20)
# After so long without a word a process counts as dead.
DEAD_AFTER = timedelta(minutes=3)
_FORGOTTEN_AFTER = timedelta(days=7)


def beat(*, role: Heartbeat.Role, name: str = "") -> None:
    """Say that a process lives; `name` is the host's unless given. A database that is away is logged: the
    process has other things to do."""
    name = (name or socket.gethostname())[:200]
    try:
        beats = Heartbeat.objects.filter(role=role)
        if not beats.filter(name=name).update(beat_at=Now()):
            beats.filter(beat_at__lt=Now() - _FORGOTTEN_AFTER).delete()
            Heartbeat.objects.get_or_create(
                role=role, name=name, defaults={"started_at": Now(), "beat_at": Now()}
            )
    except Error:
        logger.warning("The heartbeat of %s %s could not be written", role, name, exc_info=True)
    finally:
        give_connections_back()


def last_beats() -> dict[str, datetime]:
    """Of each role that was ever seen, when any process of it last said that it lives."""
    found: dict[str, datetime] = {}
    for role, at in Heartbeat.objects.values_list("role", "beat_at"):
        found[role] = max(at, found.get(role, at))
    return found


@dataclass(frozen=True, slots=True)
class Seen:
    """`at`: when any process of the role last said that it lives, None for never."""

    role: Heartbeat.Role
    at: datetime | None
    is_late: bool


def processes() -> list[Seen]:
    """Worker and beat, where they are expected (two short queries)."""
    if not settings.WORKERS_EXPECTED:
        return []
    beats = last_beats()
    living = set(Heartbeat.objects.filter(beat_at__gt=Now() - DEAD_AFTER).values_list("role", flat=True))
    return [Seen(role, beats.get(role), is_late=role not in living) for role in Heartbeat.Role]


class Pulse:
    """Beats from a thread of its own until it is stopped."""

    def __init__(self, role: Heartbeat.Role, *, name: str = "", every: timedelta = EVERY) -> None:
        self._role, self._name, self._every = role, name, every
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            beat(role=self._role, name=self._name)
            if self._stopped.wait(self._every.total_seconds()):
                return
