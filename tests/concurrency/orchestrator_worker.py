"""One process of many that ask; the job comes as JSON: {"user": 1, "calls": 50, "unguarded": false}."""

import asyncio
import json
import sys
from collections import Counter
from dataclasses import replace

import django

django.setup()

from accounts.concurrency import in_database_thread  # noqa: E402
from accounts.errors import DomainError  # noqa: E402
from accounts.models import User  # noqa: E402
from orchestration.calls.orchestrator import AIOrchestrator  # noqa: E402
from tests.concurrency.ledger_worker import say  # noqa: E402
from usage.ledger.base import QuotaExceeded  # noqa: E402
from usage.ledger.portable import PortableLedger  # noqa: E402
from usage.models import QuotaCounter  # noqa: E402


class UnguardedLedger(PortableLedger):
    """Asks whether there is room, and takes it afterwards. It exists to show that the test can see a race."""

    async def reserve(self, attempt):
        await in_database_thread(self._look_for_room, attempt)
        unlimited = tuple(replace(limit, limit=None) for limit in attempt.limits)
        return await super().reserve(replace(attempt, limits=unlimited))

    def _look_for_room(self, attempt):
        for limit in attempt.limits:
            counter = QuotaCounter.objects.filter(scope=limit.scope, window=limit.window).first()
            taken = counter.used + counter.reserved if counter else 0
            if limit.limit is not None and taken + attempt.reserved_tokens > limit.limit:
                raise QuotaExceeded(details={"scope": "user"})


async def ask(user, job):
    orchestrator = AIOrchestrator(ledger=UnguardedLedger() if job.get("unguarded") else None)
    results = await asyncio.gather(
        *(
            orchestrator.generate(
                user=user, task="extraction", prompt=job.get("prompt", "Say hello."), max_output_tokens=64
            )
            for _ in range(job["calls"])
        ),
        return_exceptions=True,
    )
    broken = [repr(r) for r in results if isinstance(r, BaseException) and not isinstance(r, DomainError)]
    refused = Counter(result.code for result in results if isinstance(result, DomainError))
    answered = sum(not isinstance(result, BaseException) for result in results)
    say({"answered": answered, "refused": refused, "broken": broken})


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    user = User.objects.get(pk=job["user"])
    say("ready")
    sys.stdin.readline()
    asyncio.run(ask(user, job))
