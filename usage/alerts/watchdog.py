"""Telling somebody outside that alerts are being judged, because who is dead cannot say so."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import ClientError, ClientSession, ClientTimeout
from django.conf import settings
from django.db.models.functions import Now

from accounts.concurrency import run
from usage.heartbeats import processes
from usage.models import AlertRun

logger = logging.getLogger(__name__)

LATE_AFTER = timedelta(minutes=5)
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What an outside watchdog may know: "ok" or "late" for each part; a part that is not expected is left
    out."""

    parts: dict[str, str]

    @property
    def is_well(self) -> bool:
        return all(state == "ok" for state in self.parts.values())


def watch() -> Watch:
    """Whether alerts are judged and sent, and whether worker and beat live (three short queries)."""
    is_made = AlertRun.objects.filter(id=1, round_at__gt=Now() - LATE_AFTER).exists()
    return Watch({"alerts": _state(is_late=not is_made), **states()})


def states() -> dict[str, str]:
    """ "ok" or "late" for worker and beat, where they are expected (two short queries)."""
    return {process.role.value: _state(is_late=process.is_late) for process in processes()}


def _state(*, is_late: bool) -> str:
    return "late" if is_late else "ok"


def call_watchdog() -> bool | None:
    """GET the address that the deployment names, after alerts were judged and sent; None where it names none.
    Whoever does not answer is logged: the watchdog itself will say that nobody came."""
    if not settings.ALERT_HEARTBEAT_URL:
        return None
    try:
        return run(_get(settings.ALERT_HEARTBEAT_URL))
    except (ClientError, OSError, ValueError) as error:
        logger.warning("The watchdog could not be called (%s)", type(error).__name__)
        return False


async def _get(url: str) -> bool:
    async with (
        asyncio.timeout(_SECONDS),
        ClientSession(trust_env=False, timeout=ClientTimeout(total=None)) as session,
        session.get(url, allow_redirects=False) as response,
    ):
        if response.status >= 400:
            logger.warning("The watchdog answered %s", response.status)
        return response.status < 400
