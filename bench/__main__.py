"""`make bench`: what a call through the orchestrator costs beside the same call through the bare SDK.

Both ask the sandbox, in a process of its own, over real HTTP, in turns within one run. Quota, usage row and
price lookup are on. Figures are CPU time of this process per call, so that waiting does not count; quote the
ratio. DATABASE_URL picks the database (a scratch one is created and dropped); without it, SQLite.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

import openai
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from django.utils import timezone

from accounts.models import Plan, Subscription, User
from orchestration.calls.orchestrator import AIOrchestrator
from providers.models import AIProviderConfig

CALLS, WARM_UP, ROUNDS, CONCURRENCY = 200, 40, 5, 16
PROMPT = "Summarise this posting. " + "We look for a backend engineer who knows Django and PostgreSQL. " * 20
KEY = "sk-bench-0123456789"


def main() -> None:
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with sandbox() as base_url:
            user = seed(base_url)
            asyncio.run(compare(base_url, user))
    finally:
        teardown_databases(databases, verbosity=0)


async def compare(base_url: str, user: User) -> None:
    client = openai.AsyncOpenAI(
        api_key=KEY, base_url=base_url, max_retries=0, http_client=openai.DefaultAioHttpClient()
    )

    async def bare() -> None:
        await client.responses.create(model="sandbox-mini", input=PROMPT, max_output_tokens=256, store=False)

    orchestrator = AIOrchestrator()

    async def orchestrated() -> None:
        await orchestrator.generate(user=user, task="extraction", prompt=PROMPT, max_output_tokens=256)

    figures: dict[str, list[tuple[float, float]]] = {"bare SDK": [], "orchestrator": []}
    contenders = {"bare SDK": bare, "orchestrator": orchestrated}
    for call in contenders.values():
        await measure(call, WARM_UP)
    for _ in range(ROUNDS):
        for name, call in contenders.items():
            figures[name].append(await measure(call, CALLS))
    await client.close()
    report(figures)


async def measure(call: Callable[[], Awaitable[None]], calls: int) -> tuple[float, float]:
    """(CPU milliseconds of this process per call, calls per second)."""
    gate = asyncio.Semaphore(CONCURRENCY)

    async def one() -> None:
        async with gate:
            await call()

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one() for _ in range(calls)))
    return (time.process_time() - cpu) * 1000 / calls, calls / (time.perf_counter() - wall)


def report(figures: dict[str, list[tuple[float, float]]]) -> None:
    print(f"{CALLS} calls x {ROUNDS} rounds, {CONCURRENCY} at a time, {connection.vendor}")
    for name, rounds in figures.items():
        cpu = [figure[0] for figure in rounds]
        rate = statistics.median(figure[1] for figure in rounds)
        print(
            f"{name:13} CPU ms/call median {statistics.median(cpu):6.2f} "
            f"(min {min(cpu):.2f}, max {max(cpu):.2f})  {rate:6.0f} calls/s"
        )
    pairs = zip(figures["orchestrator"], figures["bare SDK"], strict=True)
    added = [ours[0] / bare[0] for ours, bare in pairs]
    print(f"orchestrator / bare SDK, CPU per call: median ratio {statistics.median(added):.2f}")


def seed(base_url: str) -> User:
    user = User.objects.create_user("bench@example.com")
    Subscription.objects.create(user=user, plan=Plan.objects.get(slug="paygo"), started_at=timezone.now())
    config = AIProviderConfig(
        provider_type="openai", model_name="sandbox-mini", base_url=base_url, is_default=True
    )
    config.set_api_key(KEY)
    config.save()
    return user


@contextmanager
def sandbox() -> Iterator[str]:
    """The sandbox in a process of its own, so that its CPU time is not ours."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/openai/v1"
    finally:
        process.terminate()
        process.wait(timeout=10)


if __name__ == "__main__":
    main()
