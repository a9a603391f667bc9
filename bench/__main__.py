"""`make bench`: what a call costs here beside the same call through the vendor's SDK, and how many a second
the door takes.

Inside one process, for each vendor: the bare SDK, our adapter, the orchestrator (quota, usage row, prices and
guards included) and the door, in turns. Figures are CPU milliseconds of this process per call, so that
waiting does not count. Over HTTP, where wrk is installed and the database is PostgreSQL: requests a second
with two web processes and 100 people, beside the gateways that `bench.saturation` finds; and what the door
adds to a vendor's own time while few callers ask. Quote the ratios: both sides of each were measured in turns
in one run. The last line is JSON; null is what was not measured.

DATABASE_URL and REDIS_URL say where (a scratch database is created and dropped); without them, SQLite and
memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from django.conf import settings
from django.db import connection

from accounts.models import User
from bench import saturation, stage
from bench.contenders import contenders, cpu_per_call

CALLS, WARM_UP, ROUNDS, AT_ONCE = 200, 60, 5, 16
PEOPLE = 100
# At low load: callers, and the seconds that their vendor takes.
CALLERS, VENDOR_SECONDS = 2, 0.1

Figures = dict[str, dict[str, list[float]]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each contender, in turns")
    parser.add_argument("--calls", type=int, default=CALLS, help="in a round")
    parser.add_argument("--in-process", action="store_true", help="leave out what goes over HTTP")
    given = parser.parse_args()
    with stage.scratch_database(), stage.upstream() as root:
        people = stage.seed(root, people=PEOPLE)
        tokens, at_the_door = stage.tokens(people), stage.door_tokens(people)
        measured = asyncio.run(
            in_process(root, people[0], at_the_door[0], calls=given.calls, rounds=given.rounds)
        )
        print(table(measured, calls=given.calls))
        told = ratios(measured)
        if not given.in_process:
            told |= over_http(root, tokens, at_the_door)
    print(json.dumps(told))


async def in_process(root: str, user: User, token: str, *, calls: int, rounds: int) -> Figures:
    """Rounds of CPU milliseconds per call, by vendor and contender."""
    async with contenders(root, user, token) as found:
        figures: Figures = {vendor: {name: [] for name in those} for vendor, those in found.items()}
        for those in found.values():
            for call in those.values():
                await cpu_per_call(call, WARM_UP, at_once=AT_ONCE)
        for _ in range(rounds):
            for vendor, those in found.items():
                for name, call in those.items():
                    figures[vendor][name].append(await cpu_per_call(call, calls, at_once=AT_ONCE))
    return figures


def over_bare(rounds: dict[str, list[float]], name: str) -> float | None:
    """The median over the rounds of each one's ratio; None for a contender that was not there."""
    if name not in rounds:
        return None
    pairs = zip(rounds[name], rounds["bare SDK"], strict=True)
    return round(statistics.median(ours / bare for ours, bare in pairs), 2)


def table(figures: Figures, *, calls: int) -> str:
    rows = [f"{calls} calls a round, {AT_ONCE} at a time, {connection.vendor}; CPU ms a call"]
    rows.append(f"{'':22} {'median':>8} {'least':>8} {'most':>8} {'÷ SDK':>7}")
    for vendor, those in figures.items():
        for name, rounds in those.items():
            ratio = over_bare(those, name)
            middle = statistics.median(rounds)
            rows.append(
                f"{vendor:8} {name:13} {middle:8.2f} {min(rounds):8.2f} {max(rounds):8.2f} {ratio:7.2f}"
            )
    return "\n".join(rows)


def ratios(figures: Figures) -> dict[str, Any]:
    """`orchestrator_over_sdk` is OpenAI's; all vendors' are in `vendors`."""
    vendors = {
        vendor: {
            "adapter_over_sdk": over_bare(figures[vendor], "adapter"),
            "orchestrator_over_sdk": over_bare(figures[vendor], "orchestrator"),
        }
        for vendor in stage.VENDORS
    }
    return {
        "orchestrator_over_sdk": vendors["openai"]["orchestrator_over_sdk"],
        "door_over_sdk": over_bare(figures.get("door", {}), "door"),
        "door_rps": None,
        "vendors": vendors,
    }


def over_http(upstream: str, tokens: list[str], at_the_door: list[str]) -> dict[str, Any]:
    """Requests a second of the door and its peers, on one upstream, and of extraction, on the sandbox."""
    if not saturation.is_possible() or connection.vendor != "postgresql" or not settings.REDIS_URL:
        print("Over HTTP nothing was measured: that takes wrk, and PostgreSQL and Redis in the environment.")
        return {}
    path = stage.door_path()
    told = at_low_load(path, at_the_door) if path else {}
    stage.turn_to(upstream)
    with stage.web() as root, saturation.peers(upstream) as targets:
        if path:
            targets.insert(0, saturation.door(root, path, at_the_door))
        loads = saturation.compare(targets)
    with stage.sandbox() as vendor:
        stage.turn_to_sandbox(vendor)
        with stage.web() as root:
            loads |= saturation.compare([saturation.extraction(root, tokens)])
    print(saturation.table(loads))
    return told | {
        f"{name}_rps": round(statistics.median(one.rate for one in rounds)) for name, rounds in loads.items()
    }


def at_low_load(path: str, tokens: list[str]) -> dict[str, float]:
    """By how many milliseconds the door's median and 95th percentile are above the vendor's own: the median
    over the rounds of each one's difference."""
    with stage.upstream(seconds=VENDOR_SECONDS) as vendor:
        stage.turn_to(vendor)
        with stage.web() as root:
            targets = [saturation.vendor_alone(vendor), saturation.door(root, path, tokens)]
            loads = saturation.compare(targets, connections=CALLERS)
    print(f"{CALLERS} callers, a vendor that takes {VENDOR_SECONDS * 1000:.0f} ms")
    print(saturation.table(loads))
    alone, ours = (loads[target.name] for target in targets)
    return {
        f"low_load_{name}_over_vendor": round(
            statistics.median(
                getattr(one, name) - getattr(other, name) for one, other in zip(ours, alone, strict=True)
            ),
            1,
        )
        for name in ("p50_ms", "p95_ms")
    }


if __name__ == "__main__":
    main()
