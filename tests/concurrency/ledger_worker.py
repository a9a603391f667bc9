"""One process of the quota race: `python -m tests.concurrency.ledger_worker '{"mode": "reserve", …}'`.

Says "ready", waits for a line on stdin so that all processes start together, and answers in JSON lines.
"""

import asyncio
import json
import random
import sys
import time

import django

django.setup()

from tests.usage.attempts import NOON, make_attempt, success  # noqa: E402
from usage.ledger.base import Attempt, QuotaExceeded, QuotaLimit  # noqa: E402
from usage.ledger.limits import IN_FLIGHT_RETRY_SECONDS, CounterKey, unit_of  # noqa: E402
from usage.ledger.portable import PortableLedger  # noqa: E402
from usage.ledger.postgres import PostgresLedger  # noqa: E402
from usage.models import QuotaCounter  # noqa: E402


class UnguardedLedger(PortableLedger):
    """What most systems do: read, compare, add. It exists to show that the race test can see a race."""

    def _hold(self, limit: QuotaLimit, amount: int, attempt: Attempt) -> None:
        counter, _ = QuotaCounter.objects.get_or_create(scope=limit.scope, window=limit.window)
        if limit.limit is not None and counter.used + counter.reserved + amount > limit.limit:
            raise QuotaExceeded
        time.sleep(0.005)  # a busy database takes as long
        counter.reserved += amount
        counter.save()

    def _locked_counters(self, attempt: Attempt) -> dict[CounterKey, tuple[int, int]]:
        taken = {limit.key: (0, 0) for limit in attempt.limits}
        for counter in QuotaCounter.objects.filter(scope__in=[scope for scope, _ in taken]):
            taken[counter.scope, counter.window] = counter.used, counter.reserved
        return taken


def attempt_by(job, limits=None):
    """`limit` in tokens, `usd_limit` in pico-dollars for scopes of money; `least` is for how few tokens the
    call is still made. With a `user` (id) the counters
    begin with what the user's rows of the day say."""
    attempt = make_attempt(number=1)
    if limits is None:
        most = {"tokens": job.get("limit"), "usd": job.get("usd_limit")}
        limits = [(scope, most[unit_of(scope)]) for scope in job["scopes"]]
    resets_at, user_id = attempt.expires_at, job.get("user")
    starts_at = NOON.replace(hour=0) if user_id else None
    return make_attempt(
        user_id=user_id,
        least_tokens=job.get("least"),
        limits=tuple(
            QuotaLimit(scope, "day:2026-11-21", limit, resets_at, starts_at) for scope, limit in limits
        ),
    )


async def reserve(ledger, job):
    """`calls` reservations at once; how many were admitted and refused."""
    attempt = await asyncio.to_thread(attempt_by, job)
    results = await asyncio.gather(
        *(ledger.reserve(attempt) for _ in range(job["calls"])), return_exceptions=True
    )
    refused = sum(isinstance(result, QuotaExceeded) for result in results)
    broken = [repr(r) for r in results if isinstance(r, Exception) and not isinstance(r, QuotaExceeded)]
    say({"admitted": len(results) - refused - len(broken), "refused": refused, "broken": broken})


async def use_up(ledger, job):
    """Calls in `calls` lanes, each settled below what it held, until a lane is told that nothing in flight is
    in its way; how many there were, and the shortest replies that any was held to."""
    attempt = await asyncio.to_thread(attempt_by, job)
    shortest = []

    async def lane():
        while True:
            try:
                reservation = await ledger.reserve(attempt)
            except QuotaExceeded as refusal:
                if refusal.retry_after != IN_FLIGHT_RETRY_SECONDS:
                    return
                await asyncio.sleep(random.uniform(0, 0.005))
                continue
            most = reservation.attempt.max_output_tokens
            shortest.append(most)
            await ledger.settle(reservation, success(random.randint(50, 60), random.randint(10, most)))

    results = await asyncio.gather(*(lane() for _ in range(job["calls"])), return_exceptions=True)
    broken = [repr(result) for result in results if result is not None]
    say({"calls": len(shortest), "shortest": min(shortest, default=None), "broken": broken})


async def churn(ledger, job):
    """Calls that settle, one after the other in `calls` lanes, and one that never does, until killed."""
    attempt = await asyncio.to_thread(attempt_by, job)
    await ledger.reserve(attempt)

    async def lane():
        while True:
            reservation = await ledger.reserve(attempt)
            await asyncio.sleep(random.uniform(0, 0.02))
            await ledger.settle(reservation, success(random.randint(0, 150), random.randint(0, 50)))
            say("settled")

    await asyncio.gather(*(lane() for _ in range(job["calls"])))


async def overlap(ledger, job):
    """Calls over random pairs of the scopes, named in random order, each settled at once."""

    async def call():
        pair = random.sample(job["scopes"], 2)
        attempt = await asyncio.to_thread(attempt_by, job, [(scope, None) for scope in pair])
        await ledger.settle(await ledger.reserve(attempt), success(30, 20))

    results = await asyncio.gather(*(call() for _ in range(job["calls"])), return_exceptions=True)
    say({"broken": [repr(result) for result in results if result is not None]})


async def settle_and_sweep(ledger, job):
    """Calls that are overdue from the start, settled while this process and its siblings sweep them."""
    attempt = await asyncio.to_thread(attempt_by, job)
    overdue = attempt.expires_at.replace(year=2099)

    async def call():
        reservation = await ledger.reserve(attempt)
        await ledger.sweep(now=overdue)
        await ledger.settle(reservation, success(30, 20))

    results = await asyncio.gather(*(call() for _ in range(job["calls"])), return_exceptions=True)
    say({"broken": [repr(result) for result in results if result is not None]})


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


LEDGERS = {"portable": PortableLedger, "postgres": PostgresLedger}
MODES = {mode.__name__: mode for mode in (reserve, use_up, churn, overlap, settle_and_sweep)}

if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    ledger = UnguardedLedger() if job.get("unguarded") else LEDGERS[job["ledger"]]()
    say("ready")
    sys.stdin.readline()
    asyncio.run(MODES[job["mode"]](ledger, job))
