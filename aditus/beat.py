"""The clock of the workers. Any number of them may run: one of them sends, and the others stand by."""

from __future__ import annotations

import logging
import os
import socket
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from celery.beat import PersistentScheduler
from django.conf import settings
from django.db import Error

from accounts.concurrency import give_connections_back
from orchestration.calls.leader import LEASE_SECONDS, RENEWALS, acquire, release
from usage.heartbeats import EVERY, beat
from usage.models import Heartbeat

logger = logging.getLogger(__name__)

JOB = "beat"


class WatchedScheduler(PersistentScheduler):
    """Celery's own scheduler, with a heartbeat in its loop: a loop that hangs is silent. It sends only while
    it has the lease: a second beat sends nothing, and takes over within 80 s after the first has died."""

    _beat_at = float("-inf")
    _leads_until = float("-inf")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._holder = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid4().hex[:16]}"
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() - self._beat_at >= EVERY.total_seconds():
            beat(role=Heartbeat.Role.BEAT)
            # Containers are restarted by its age (compose.yml): neither a beat that stands by nor one without
            # a database is dead.
            Path(f"{settings.CELERY_BEAT_SCHEDULE_FILENAME}.alive").touch()
            self._beat_at = time.monotonic()
        if not self._leads():
            return LEASE_SECONDS / RENEWALS
        return super().tick(*args, **kwargs)

    def close(self) -> None:
        try:
            release(JOB, self._holder)
        except Error:
            logger.warning("The lease of the beat could not be given back; it ends by itself")
        finally:
            give_connections_back()
            super().close()

    def _leads(self) -> bool:
        """Renews the lease long before it ends, and does not wait for its end where the database is away: no
        task could do anything then."""
        asked_at = time.monotonic()
        if asked_at < self._leads_until:
            return True
        try:
            leads = acquire(JOB, self._holder, seconds=LEASE_SECONDS)
        except Error:
            logger.warning("The lease of the beat could not be asked for", exc_info=True)
            leads = False
        finally:
            give_connections_back()
        self._leads_until = asked_at + LEASE_SECONDS / RENEWALS if leads else float("-inf")
        return leads
