"""`python -m bench.flight`: what holds while very many calls wait.

Calls in flight: of what the vendor's pace allows (so many CALLS every SECONDS) the share that came back,
errors, and the database connections of the web processes. Then `/healthz`, asked twenty times a second while
callers wait on a vendor that takes long. Takes wrk, and PostgreSQL and Redis in DATABASE_URL and REDIS_URL.
The last line is JSON. The door is asked, or extraction while there is none, a call of which is more work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

import aiohttp
from django.db import connection

from bench import saturation, stage
from bench.saturation import Target

ASK_EVERY_SECONDS = 0.05
WARM_UP_CALLS = 40


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.flight", description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=1000, help="in flight at once")
    parser.add_argument("--seconds", type=float, default=2.0, help="that the vendor takes for each")
    parser.add_argument("--lasting", type=float, default=12.0, help="seconds of the run")
    parser.add_argument("--waiting", type=int, default=500, help="callers that wait while /healthz is asked")
    parser.add_argument("--vendor", type=float, default=30.0, help="seconds that their vendor takes")
    parser.add_argument("--people", type=int, default=100, help="among whom the calls are shared out")
    given = parser.parse_args()
    with stage.scratch_database():
        people = stage.seed("http://127.0.0.1:9", people=given.people)
        tokens = stage.door_tokens(people) if stage.door_path() else stage.tokens(people)
        told = in_flight(tokens, given.calls, seconds=given.seconds, lasting=given.lasting)
        with asked(tokens, seconds=given.vendor) as (target, vendor):
            told |= asyncio.run(health(target, vendor, given.waiting, seconds=given.vendor))
    print(json.dumps(told))


@contextmanager
def asked(tokens: list[str], *, seconds: float) -> Iterator[tuple[Target, str]]:
    """Who is asked, with the processes warm, over a vendor that takes so long; and the root of the vendor."""
    path = stage.door_path()
    with stage.upstream(seconds=seconds) if path else stage.sandbox(seconds=seconds) as vendor:
        stage.turn_to(vendor) if path else stage.turn_to_sandbox(vendor)
        with stage.web() as root:
            target = saturation.door(root, path, tokens) if path else saturation.extraction(root, tokens)
            # Who asks a slow vendor is as warm, and gets no answer before it ends.
            most = 3 if seconds > saturation.WARM_UP_SECONDS else saturation.MOST_WARM_UPS
            saturation.warm_up(target, calls=WARM_UP_CALLS, most=most)
            yield target, vendor


def in_flight(tokens: list[str], calls: int, *, seconds: float, lasting: float) -> dict[str, Any]:
    """The whole run counts, its beginning and what was still under way at its end included."""
    with asked(tokens, seconds=seconds) as (target, _), counting() as counts:
        load = saturation.load(target, connections=calls, seconds=lasting)
    allowed = calls / seconds * (lasting - seconds)
    share = load.requests / allowed
    print(
        f"{calls} in flight at {seconds:.0f} s ({target.name}): {load.requests} of {allowed:.0f} came back "
        f"({share:.0%}), {load.errors} errors, p50 {load.p50_ms:.0f} ms, p95 {load.p95_ms:.0f} ms, "
        f"{max(counts)} database connections"
    )
    return {
        "in_flight_share": round(share, 2),
        "in_flight_errors": load.errors,
        "in_flight_p95_ms": load.p95_ms,
        "database_connections": max(counts),
    }


@contextmanager
def counting() -> Iterator[list[int]]:
    """The database connections of the web processes, twice a second."""
    counts, is_over = [0], threading.Event()

    def count() -> None:
        while not is_over.wait(0.5):
            counts.append(stage.database_connections())
        connection.close()

    counter = threading.Thread(target=count)
    counter.start()
    try:
        yield counts
    finally:
        is_over.set()
        counter.join()


async def health(target: Target, vendor: str, waiting: int, *, seconds: float) -> dict[str, Any]:
    """Milliseconds that /healthz takes while all callers wait on their vendor."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        callers = [asyncio.create_task(_call(session, target, number)) for number in range(waiting)]
        began = time.monotonic()
        for _ in range(int(seconds / 2 / ASK_EVERY_SECONDS)):
            if await _under_way(session, vendor) >= waiting:
                break
            await asyncio.sleep(ASK_EVERY_SECONDS)
        times = await _health_times(session, target, until=began + seconds * 0.9)
        still_waiting = sum(not caller.done() for caller in callers)
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
    p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
    print(
        f"/healthz while {still_waiting} of {waiting} callers wait ({target.name}): p50 {p50:.1f} ms, "
        f"p99 {p99:.1f} ms, worst {max(times):.1f} ms"
    )
    return {
        "healthz_p50_ms": round(p50, 1),
        "healthz_p99_ms": round(p99, 1),
        "healthz_waiting": still_waiting,
    }


async def _under_way(session: aiohttp.ClientSession, vendor: str) -> int:
    async with session.get(f"{vendor}/_sandbox/hits") as answer:
        return int((await answer.json())["in_flight"])


async def _call(session: aiohttp.ClientSession, target: Target, number: int) -> int:
    headers = {
        "Authorization": f"Bearer {target.tokens[number % len(target.tokens)]}",
        "Content-Type": "application/json",
    }
    body = target.body.replace(b"@NUMBER@", f"{time.monotonic_ns()}-{number}".encode())
    async with session.post(target.url, data=body, headers=headers) as answer:
        return answer.status


async def _health_times(session: aiohttp.ClientSession, target: Target, *, until: float) -> list[float]:
    root = "/".join(target.url.split("/")[:3])
    times = []
    while len(times) < 20 or time.monotonic() < until:
        began = time.perf_counter()
        # A connection of its own each time, as a load balancer's: so both processes are asked.
        async with session.get(f"{root}/healthz", headers={"Connection": "close"}) as answer:
            await answer.read()
        times.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(ASK_EVERY_SECONDS)
    return times


if __name__ == "__main__":
    main()
