"""One process among several: who may do a job, for as long as it shows that it is alive.

The lease is a row of the database, and the database's clock alone says when it ends: the clocks of the
machines that compete for it need not agree.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

from django.db import DatabaseError
from django.db.models import Q
from django.db.models.functions import Now

from accounts.concurrency import in_database_thread, keep, kept
from orchestration.models import Lease

logger = logging.getLogger(__name__)

# Seconds after which a leader that has not been heard of is replaced.
LEASE_SECONDS = 60.0
# A lease is renewed so many times before it would end.
RENEWALS = 3


class LeadershipLost(Exception):
    """The lease could not be renewed in time, so the work was broken off: another process may lead by now."""


@asynccontextmanager
async def leading(job: str, *, seconds: float = LEASE_SECONDS) -> AsyncIterator[bool]:
    """Whether this process is the only one to do `job` for the length of the block; False when another does.

    The lease is renewed while the block runs and given back at its end. A block that outlives its lease,
    because the database was away or the process stood still, is cancelled: LeadershipLost.
    """
    holder, ends_at = _name_of_holder(), _now() + seconds
    acquiring = in_database_thread(acquire, job, holder, seconds=seconds)

    async def give_back(_: object) -> None:
        await in_database_thread(release, job, holder)

    if not await kept(acquiring, undo=give_back):
        yield False
        return
    limit = asyncio.timeout_at(ends_at)
    try:
        async with limit:
            renewing = asyncio.create_task(_renew(job, holder, seconds=seconds, limit=limit))
            try:
                yield True
            finally:
                renewing.cancel()
    except TimeoutError:
        if limit.expired():
            raise LeadershipLost(job) from None
        raise
    finally:
        await asyncio.shield(keep(give_back(None)))


def acquire(job: str, holder: str, *, seconds: float) -> bool:
    """Take the lease for so many seconds from now; False while somebody else has it."""
    until = Now() + timedelta(seconds=seconds)
    free = Q(holder=holder) | Q(expires_at__lte=Now())
    if Lease.objects.filter(free, name=job).update(holder=holder, expires_at=until):
        return True
    if Lease.objects.filter(name=job).exists():
        return False
    # Of several that find no row, the database lets one insert it.
    Lease.objects.bulk_create([Lease(name=job, holder=holder, expires_at=until)], ignore_conflicts=True)
    return Lease.objects.filter(name=job, holder=holder).exists()


def renew(job: str, holder: str, *, seconds: float) -> bool:
    """Have the lease for so many seconds from now; False when it is not the holder's. One that was given back
    stays so, however late the renewal comes."""
    until = Now() + timedelta(seconds=seconds)
    return bool(Lease.objects.filter(name=job, holder=holder).update(expires_at=until))


def release(job: str, holder: str) -> None:
    """Give the lease back; nothing happens when somebody else has it by now."""
    Lease.objects.filter(name=job, holder=holder).delete()


async def _renew(job: str, holder: str, *, seconds: float, limit: asyncio.Timeout) -> None:
    """Put the end of the block's time off with every renewal, and bring it forward once the lease is lost."""
    while True:
        await asyncio.sleep(seconds / RENEWALS)
        asked_at = _now()
        try:
            is_held = await in_database_thread(renew, job, holder, seconds=seconds)
        except DatabaseError:
            logger.warning("The lease %s could not be renewed; it is tried again until it ends", job)
            continue
        if limit.expired():
            return
        limit.reschedule(asked_at + seconds if is_held else asked_at)
        if not is_held:
            return


def _name_of_holder() -> str:
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid4().hex[:16]}"


def _now() -> float:
    return asyncio.get_running_loop().time()
