"""`python -m bench.ceiling`: how many calls a second one database carries, and with how many web processes.

A queueing simulation on measured service times. Web processes share out the calls; each has one core's worth
of time, and everything of a call is on it but the database's part. A call has two statements (reserve,
settle), which share the database's cores; a commit waits for the log besides, in groups; of one user's
calls, which share counters, the statements wait for each other. Arrivals are Poisson; the vendor takes no
time of ours. The ceiling is the highest rate at which 95 of 100 calls spend no longer than `--bound` with us.

Without figures given, they are measured here: DATABASE_URL (PostgreSQL on this machine) and REDIS_URL say
where. The last line is JSON: milliseconds, calls a second.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import random
import statistics
from collections import deque
from dataclasses import asdict, dataclass, replace
from itertools import count

_RELEASE, _DONE = -1, 5
WEB_COUNTS = (1, 2, 4, 8, 16, 32, 64)
CALLS, TENANT_USERS = 20_000, 1_000


@dataclass(frozen=True, slots=True)
class Costs:
    """Milliseconds. `web` is CPU of a web process for one call through the door, `database` CPU of
    PostgreSQL for both of its statements, `commit` the wait for the log after each."""

    web: float
    database: float
    commit: float


@dataclass(frozen=True, slots=True)
class Shape:
    webs: int
    cores: int = 2
    users: int = TENANT_USERS


@dataclass(frozen=True, slots=True)
class Seen:
    p50_ms: float
    p95_ms: float
    web_busy: float
    database_busy: float


class Servers:
    """Some that take one piece of work each, in the order of arrival."""

    def __init__(self, number: int) -> None:
        self._free = [0.0] * number
        self.number, self.busy = number, 0.0

    def work(self, at: float, lasts: float) -> float:
        """When work that arrives `at` is done. Arrivals have to be told in their order."""
        begins = max(at, heapq.heappop(self._free))
        heapq.heappush(self._free, begins + lasts)
        self.busy += lasts
        return begins + lasts


def simulate(rate: float, costs: Costs, shape: Shape, *, calls: int = CALLS, seed: int = 1) -> Seen:
    """Calls at `rate` a second, each in five steps: web, reserve, web, settle, web. Service times are
    exponential about their means: the spread of a busy machine."""
    draw = random.Random(seed)
    webs, database = [Servers(1) for _ in range(shape.webs)], Servers(shape.cores)
    waiting: dict[int, deque[tuple[int, int, float]]] = {}
    order, events = count(), list[tuple[float, int, int, int, float, int]]()

    def come(at: float, step: int, web: int, began: float, user: int) -> None:
        heapq.heappush(events, (at, next(order), step, web, began, user))

    def serve(now: float, step: int, web: int, began: float, user: int) -> None:
        done = database.work(now, draw.expovariate(2 / costs.database))
        done += draw.expovariate(1 / costs.commit) if costs.commit else 0.0
        come(done, _RELEASE, web, began, user)
        come(done, step + 1, web, began, user)

    at = 0.0
    for number in range(calls):
        at += draw.expovariate(rate / 1000)
        come(at, 0, number % shape.webs, at, draw.randrange(shape.users))
    spent, last = list[float](), 0.0
    while events:
        now, _, step, web, began, user = heapq.heappop(events)
        if step == _RELEASE:
            if waiting[user]:
                serve(now, *waiting[user].popleft(), user)
            else:
                del waiting[user]
        elif step in (1, 3) and user in waiting:
            # A lock is waited for without taking anybody's time.
            waiting[user].append((step, web, began))
        elif step in (1, 3):
            waiting[user] = deque()
            serve(now, step, web, began, user)
        elif step < _DONE:
            come(webs[web].work(now, draw.expovariate(3 / costs.web)), step + 1, web, began, user)
        else:
            spent.append(now - began)
            last = now
    web_busy = sum(one.busy for one in webs) / (last * shape.webs)
    return _seen(spent, web_busy, database.busy / (last * shape.cores))


def _seen(spent: list[float], web_busy: float, database_busy: float) -> Seen:
    spent.sort()
    p95 = spent[math.ceil(0.95 * len(spent)) - 1]
    return Seen(
        round(statistics.median(spent), 2), round(p95, 2), round(web_busy, 3), round(database_busy, 3)
    )


def ceiling(costs: Costs, shape: Shape, *, bound: float, calls: int = CALLS) -> tuple[float, Seen]:
    """The highest rate, within 2 %, at which p95 is not above `bound` ms, and what is seen there."""
    low, high = 0.0, 1000 * min(shape.webs / costs.web, shape.cores / costs.database)
    found = simulate(max(high / 100, 0.1), costs, shape, calls=calls)
    while high - low > 0.02 * high:
        rate = (low + high) / 2
        seen = simulate(rate, costs, shape, calls=calls)
        if seen.p95_ms <= bound:
            low, found = rate, seen
        else:
            high = rate
    return low, found


def measured(calls: int) -> Costs:
    """Of the door's calls here: CPU of this process, of PostgreSQL's, and the wait for a commit."""
    from bench import ceiling_costs

    return Costs(*ceiling_costs.measure(calls))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ceiling", description=__doc__.partition("\n")[0])
    parser.add_argument("--web", type=float, help="ms of CPU of a web process a call")
    parser.add_argument("--database", type=float, help="ms of CPU of PostgreSQL a call")
    parser.add_argument("--commit", type=float, help="ms that a commit waits for the log")
    parser.add_argument("--cores", type=int, default=4, help="of the database")
    parser.add_argument("--users", type=int, default=TENANT_USERS, help="who call at the same time")
    parser.add_argument("--bound", type=float, default=250.0, help="ms that 95 of 100 calls may spend here")
    parser.add_argument("--calls", type=int, default=CALLS, help="in each simulated run")
    given = parser.parse_args()
    asked = {"web": given.web, "database": given.database, "commit": given.commit}
    known = {name: value for name, value in asked.items() if value is not None}
    costs = Costs(**known) if len(known) == len(asked) else replace(measured(calls=400), **known)
    print(f"a call: {costs.web:.2f} ms web, {costs.database:.2f} ms database, {costs.commit:.2f} ms a commit")
    print(f"{'web':>4} {'calls/s':>8} {'p50 ms':>7} {'p95 ms':>7} {'web busy':>9} {'database busy':>14}")
    rows = []
    for webs in WEB_COUNTS:
        rate, found = ceiling(
            costs, Shape(webs, given.cores, given.users), bound=given.bound, calls=given.calls
        )
        rows.append({"webs": webs, "calls_per_second": round(rate), **asdict(found)})
        print(
            f"{webs:4} {rate:8.0f} {found.p50_ms:7.1f} {found.p95_ms:7.1f} {found.web_busy:9.0%}"
            f" {found.database_busy:14.0%}"
        )
    top = rows[-1]["calls_per_second"]
    enough = next(row["webs"] for row in rows if row["calls_per_second"] >= 0.95 * float(str(top)))
    print(f"One database of {given.cores} cores carries {top} calls a second, with {enough} web processes.")
    told = {"costs_ms": asdict(costs), "database_cores": given.cores, "ceiling": top, "webs": enough}
    print(json.dumps(told | {"rows": rows}))


if __name__ == "__main__":
    main()
