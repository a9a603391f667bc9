"""`python -m bench.soak`: very many calls through the door while everything fails, then the books.

Web processes on PostgreSQL and Redis (DATABASE_URL, REDIS_URL), the sandbox behind all three wires, every
tenth reply of it some fault. A third of the calls are streams; some callers leave, some have a posting read
that was read before, some name their request and send it again when they are cut off. Meanwhile processes are
killed at random and replaced, the sweeper closes rows that are under way, whose settling then comes late, and
rollups are made. Afterwards the books have to be right (`bench/soak_books.py`); memory, files and connections
of the processes that were spared are told on the way. The last line is JSON; exit code 1 when the books are
not right.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("LOG_LEVEL", "CRITICAL")
# What an earlier run has left in Redis is none of this one's.
os.environ.setdefault("REDIS_KEY_PREFIX", f"soak-{os.getpid()}")

import django

django.setup()

import aiohttp
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from accounts.concurrency import in_database_thread
from accounts.models import Plan, User
from bench import soak_books, stage
from bench.footprint import Footprint, footprint, web_parent, workers_of
from providers.models import AIProviderConfig
from usage.ledger import get_ledger
from usage.models import AIProviderUsageLog, ModelPrice, Status

PEOPLE, AT_ONCE, SEED = 100, 48, 20261130
FAULTY, LEAVING, STREAMED, NAMED, READING, POSTINGS = 0.1, 0.03, 0.33, 0.1, 0.05, 10
# No 429 among them: each halves the pace at its vendor, so that a soak becomes a wait.
FAULTS = (
    "server", "overloaded", "malformed", "disconnect", "cut_stream", "stream_error",
    "empty", "blocked", "conflict", "no_usage", "slow=0.2",
)  # fmt: skip
# Seconds: after which a caller who does not wait leaves, until the last calls have to be settled, between the
# sweeps that come too early, and between the tries of who was cut off.
IMPATIENCE, SETTLING, SWEEPING, AGAIN = 0.05, 60.0, 10.0, 1.0
LOOKS, SWEEPS_A_ROLLUP = 40, 6
POSTING = "Backend Engineer at Jua Logistics, Nairobi, full-time. You write Python and know PostgreSQL well."
_WIRES = {"openai": "/openai/v1", "claude": "/anthropic", "gemini": "/gemini"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=50_000)
    parser.add_argument("--processes", type=int, default=4, help="that answer; the first half is spared")
    parser.add_argument("--kills", type=int, default=200, help="of processes, spread over the calls")
    parser.add_argument("--minutes", type=float, default=math.inf, help="after which no call begins any more")
    given = parser.parse_args()
    with stage.scratch_database(), stage.sandbox() as vendor:
        people = furnish(vendor)
        with stage.web(workers=given.processes) as root:
            tokens = stage.door_tokens(people)
            run = Soak(root, vendor, list(zip(people, tokens, strict=True)), given.calls, given.kills)
            hits = asyncio.run(run.whole(minutes=given.minutes))
        swept = soak_books.close(users=[user.pk for user in people], timeout=patience())
        told, wrong = soak_books.books(hits)
    told |= {"calls": run.made, "outcomes": dict(run.outcomes.most_common()), "swept_at_the_end": swept}
    print(json.dumps(told | {"kills": run.killed, "footprint": run.flatness(), "wrong": wrong}))
    return int(bool(wrong))


def furnish(vendor: str) -> list[User]:
    """People whose tokens and dollars are counted, and a config on each wire."""
    people = stage.seed(vendor, people=PEOPLE)
    Plan.objects.filter(slug="bench").update(daily_cost_limit_usd=100_000, monthly_cost_limit_usd=1_000_000)
    for config in AIProviderConfig.objects.all():
        config.base_url, config.model_name = vendor + _WIRES[config.provider_type], "sandbox-mini"
        config.save()
        ModelPrice.objects.create(
            provider_type=config.provider_type,
            model_name="sandbox-mini",
            input_mtok="0.15",
            output_mtok="0.6",
        )
    return people


def patience() -> int:
    """Seconds that the most patient config waits for its vendor."""
    return max(AIProviderConfig.objects.values_list("timeout", flat=True))


class Soak:
    """One run: the calls, what is done to the processes meanwhile, and what was seen."""

    def __init__(
        self, root: str, vendor: str, people: Sequence[tuple[User, str]], calls: int, kills: int
    ) -> None:
        self.root, self.vendor, self.people, self.calls = root, vendor, people, calls
        self.parent = web_parent()
        started = workers_of(self.parent)
        # Memory that grows with its process's age is seen in those that grow old.
        self.spared = started[: len(started) // 2] if kills else started
        self.outcomes, self.looks, self.made, self.killed = Counter[str](), list[Footprint](), 0, 0
        self.dice = random.Random(SEED)
        self._kill_at, self._due = set(self.dice.sample(range(calls), kills)), 0

    async def whole(self, *, minutes: float) -> dict[str, Any]:
        """Make the calls, for so long; what has reached the vendor then."""
        self._ends = time.monotonic() + minutes * 60
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            chaos = {"probability": FAULTY, "faults": FAULTS, "seed": SEED}
            await (await session.post(f"{self.vendor}/_sandbox/faults", json=chaos)).read()
            numbers = iter(range(self.calls))
            house = asyncio.ensure_future(self._keep_house())
            try:
                await asyncio.gather(*(self._caller(session, numbers) for _ in range(AT_ONCE)))
            finally:
                house.cancel()
                await asyncio.gather(house, return_exceptions=True)
            await self._look(self.made)
            return await self._settled(session)

    async def _caller(self, session: aiohttp.ClientSession, numbers: Any) -> None:
        for number in numbers:
            if time.monotonic() > self._ends:
                return
            self.made += 1
            if number % max(1, self.calls // LOOKS) == 0:
                await self._look(number)
            self._due += number in self._kill_at
            self._kill_one()
            self.outcomes[await self._called(session, number)] += 1

    async def _look(self, number: int) -> None:
        seen = await in_database_thread(footprint, self.parent, self.spared, calls=number)
        self.looks.append(seen)
        print(seen, flush=True)

    def _kill_one(self) -> None:
        mortal = [pid for pid in workers_of(self.parent) if pid not in self.spared] if self._due else ()
        if mortal:
            os.kill(self.dice.choice(mortal), signal.SIGKILL)
            self._due, self.killed = self._due - 1, self.killed + 1

    async def _keep_house(self) -> None:
        """Sweep rows that are not late at all, and roll up, while calls are under way."""
        for round_ in range(sys.maxsize):
            await asyncio.sleep(SWEEPING)
            await get_ledger().sweep(now=timezone.now() + timedelta(hours=1))
            if round_ % SWEEPS_A_ROLLUP == 0:
                await in_database_thread(soak_books.roll_up)

    async def _called(self, session: aiohttp.ClientSession, number: int) -> str:
        """What came of one call: its status, "broken" for a connection or stream without its end, "left"."""
        leaves, is_named = self.dice.random() < LEAVING, self.dice.random() < NAMED
        path, token, body = self._asked(number)
        headers = {"Authorization": f"Bearer {token}"}
        if is_named and not body.get("stream"):
            headers["Idempotency-Key"] = f"soak-{number}"
        while True:
            outcome = await self._sent(session, path, body, headers, leaves=leaves)
            # Sent again until the process that died is not waited for any more.
            if "Idempotency-Key" not in headers or outcome not in ("broken", "409"):
                return outcome
            self.outcomes[f"sent again after {outcome}"] += 1
            await asyncio.sleep(AGAIN)

    def _asked(self, number: int) -> tuple[str, str, dict[str, Any]]:
        """Where, by whom (a token) and what is asked."""
        user, token = self.people[number % len(self.people)]
        if self.dice.random() < READING:
            text = f"{POSTING} Opening {self.dice.randrange(POSTINGS)}."
            return "/api/v1/job-extractor/extract", str(AccessToken.for_user(user)), {"text": text}
        content = f"Opening {number}: we look for a backend engineer who knows Django."
        return (
            "/v1/chat/completions",
            token,
            {
                "model": "aditus/chat",
                "messages": [{"role": "user", "content": content}],
                "stream": self.dice.random() < STREAMED,
                "max_tokens": 256,
            },
        )

    async def _sent(
        self,
        session: aiohttp.ClientSession,
        path: str,
        body: dict[str, Any],
        headers: dict[str, str],
        *,
        leaves: bool,
    ) -> str:
        timeout = aiohttp.ClientTimeout(total=IMPATIENCE if leaves else None)
        try:
            async with session.post(self.root + path, json=body, headers=headers, timeout=timeout) as answer:
                content = await answer.read()
        except TimeoutError:
            return "left"
        except aiohttp.ClientError:
            return "broken"
        is_whole = not body.get("stream") or answer.status != 200 or content.endswith(b"data: [DONE]\n\n")
        return str(answer.status) if is_whole else "broken"

    async def _settled(self, session: aiohttp.ClientSession) -> dict[str, Any]:
        """What reached the vendor, once nothing is under way but what the dead have left open."""
        ends, before = time.monotonic() + SETTLING, -1
        while True:
            async with session.get(f"{self.vendor}/_sandbox/hits") as answer:
                hits: dict[str, Any] = await answer.json()
            is_open = AIProviderUsageLog.objects.filter(status=Status.STARTED)
            still_open = await in_database_thread(is_open.count)
            if not hits["in_flight"] and (still_open in (0, before) or time.monotonic() > ends):
                return hits
            before = still_open
            await asyncio.sleep(5)

    def flatness(self) -> dict[str, Any]:
        """Of what the spared processes took: at the beginning, and the means of the first quarter and the
        last."""
        quarter = max(1, len(self.looks) // 4)
        begin, first, last = self.looks[0], self.looks[1 : quarter + 1], self.looks[-quarter:]
        names = [name for name in asdict(begin) if name != "calls"]
        return {"processes": len(self.spared)} | {
            name: {
                "begin": round(getattr(begin, name)),
                "first_quarter": round(sum(getattr(look, name) for look in first) / len(first), 1),
                "last_quarter": round(sum(getattr(look, name) for look in last) / len(last), 1),
                "end": round(getattr(self.looks[-1], name)),
            }
            for name in names
        }


if __name__ == "__main__":
    sys.exit(main())
