"""One process of several that want to lead; the job comes as JSON: {"mode": "race", …}."""

import asyncio
import json
import os
import sys
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import django

django.setup()

from django.utils import timezone  # noqa: E402

from orchestration.calls.leader import acquire, leading  # noqa: E402
from orchestration.models import Lease  # noqa: E402
from orchestration.probes import probe_due, runs  # noqa: E402
from tests.concurrency.ledger_worker import say  # noqa: E402


def unguarded_acquire(job, holder, *, seconds):
    """Looks, and takes it afterwards. It exists to show that the race test can see a race."""
    lease = Lease.objects.filter(name=job).first()
    if lease and lease.expires_at > timezone.now():
        return False
    time.sleep(0.005)  # a busy database takes as long
    until = timezone.now() + timedelta(seconds=seconds)
    Lease.objects.update_or_create(name=job, defaults={"holder": holder, "expires_at": until})
    return True


@asynccontextmanager
async def everybody_leads(_job):
    yield True


def race(job):
    """Try for every lease of the list, in its order; the names of those that were taken."""
    take = unguarded_acquire if job.get("unguarded") else acquire
    say([name for name in job["names"] if take(name, str(os.getpid()), seconds=600)])


def lead(job):
    """Try until this process leads, say so, and lead until it is killed."""

    async def try_on():
        refused = False
        while True:
            async with leading(job["name"], seconds=job["seconds"]) as leads:
                if leads:
                    say("leading")
                    await asyncio.Event().wait()
            if not refused:
                say("refused")
            refused = True
            await asyncio.sleep(0.05)

    asyncio.run(try_on())


def probe(job):
    if job.get("unguarded"):
        runs.leading = everybody_leads
    probed = asyncio.run(probe_due())
    say(None if probed is None else len(probed))


MODES = {mode.__name__: mode for mode in (race, lead, probe)}

if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    say("ready")
    sys.stdin.readline()
    MODES[job["mode"]](job)
