"""`python -m bench.growth`: whether a call costs more the more there is.

CPU of a call through the orchestrator, of this process and of PostgreSQL's (where it runs on this machine),
with many configs, many users and many usage rows by the same with few of each, in turns; the many configs
are equals, so that each call has to choose between all of them. The last line is JSON: ratios, about 1 where
nothing grows. Takes PostgreSQL and Redis in DATABASE_URL and REDIS_URL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import time
from itertools import cycle
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from django.db import connection
from django.utils import timezone

from accounts.models import Plan, Subscription, User
from bench import stage
from bench.contenders import MOST_TOKENS, PROMPT, Call
from orchestration.calls.orchestrator import AIOrchestrator
from providers.models import AIProviderConfig
from providers.pool import close_connections
from usage.ledger.connections import fetch_all

AT_ONCE, FEW_USERS = 16, 100
TICKS = os.sysconf("SC_CLK_TCK")
_FILL = """
INSERT INTO ai_provider_usage_logs (user_id, provider_config_id, provider_type, model_name, task_type, plan,
    request_id, attempt, input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    total_tokens, usage_source, unit_prices, is_free, service_tier, status, error_kind, error_message,
    latency_ms, cached, reserved_tokens, reserved_input_tokens, quota_keys, swept, created_at, settled_at)
SELECT (%(users)s::bigint[])[1 + n %% %(people)s], %(config)s, 'openai', 'gpt-4o-mini', 'extraction',
    'bench', md5(n::text), 1, 100, 0, 0, 50, 0, 150, 'vendor', '{}', false, '', 'success', '', '', 900, false,
    150, 100, '[]', false, now() - n * interval '1 second', now() - n * interval '1 second'
FROM generate_series(1, %(rows)s) AS n
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__.partition("\n")[0])
    parser.add_argument("--configs", type=int, default=200)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=400, help="in a round")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with stage.scratch_database(), stage.upstream() as root:
        few = stage.seed(root, people=FEW_USERS)
        told = {
            "configs": configs_ratio(few, given.configs, calls=given.calls, rounds=given.rounds),
            "users": users_ratio(few, given.users, calls=given.calls, rounds=given.rounds),
            "rows": rows_ratio(few, given.rows, calls=given.calls, rounds=given.rounds),
        }
    print(json.dumps(told))


def configs_ratio(users: list[User], many: int, *, calls: int, rounds: int) -> float:
    """With as many equals as configs by with three."""
    first = AIProviderConfig.objects.get(provider_type="openai")
    for number in range(many - AIProviderConfig.objects.count()):
        first.pk, first._state.adding = None, True
        first.display_name, first.is_default = f"Equal {number}", False
        first.save()
    added = AIProviderConfig.objects.filter(display_name__startswith="Equal")
    costs = {False: list[float](), True: list[float]()}
    for _ in range(rounds):
        for with_many, found in costs.items():
            added.update(is_active=with_many)
            # The first call to each config is more: an adapter is made.
            found.append(measured(asked_by(users), calls, warm_up=3 * many))
    added.update(is_active=False)
    return told(f"{many} configs by three", costs[True], costs[False])


def users_ratio(few: list[User], many: int, *, calls: int, rounds: int) -> float:
    """With each call another user's by with those of a few, who share no rows at a time either."""
    User.objects.bulk_create(User(email=f"many-{number}@example.com") for number in range(many - len(few)))
    plan, users = Plan.objects.get(slug="bench"), list(User.objects.all())
    Subscription.objects.bulk_create(
        Subscription(user=one, plan=plan, started_at=timezone.now()) for one in users[len(few) :]
    )
    everybody = asked_by(users)
    # The first call of each is more: counters begin, and a process gets to know who it is.
    measured(everybody, calls, warm_up=many)
    costs = {False: list[float](), True: list[float]()}
    for _ in range(rounds):
        for with_many, found in costs.items():
            found.append(measured(everybody if with_many else asked_by(few), calls))
    return told(f"{many} users by {len(few)}", costs[True], costs[False])


def rows_ratio(users: list[User], many: int, *, calls: int, rounds: int) -> float:
    """With so many usage rows by with those of the rounds before, which cannot be in turns."""
    few = [measured(asked_by(users), calls) for _ in range(rounds)]
    config = AIProviderConfig.objects.get(provider_type="openai", is_default=True).pk
    ids = [user.pk for user in users]
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"users": ids, "people": len(ids), "config": config, "rows": many})
        cursor.execute("VACUUM ANALYZE ai_provider_usage_logs")
    return told(f"{many} rows more", [measured(asked_by(users), calls) for _ in range(rounds)], few)


def asked_by(users: list[User]) -> Call:
    """A call of each of them in turn."""
    turns = cycle(users)
    return lambda: AIOrchestrator().generate(
        user=next(turns), task="extraction", prompt=PROMPT, max_output_tokens=MOST_TOKENS
    )


def measured(call: Call, calls: int, *, warm_up: int = FEW_USERS) -> float:
    """CPU milliseconds a call, those of PostgreSQL's processes for this database included."""
    return sum(measured_apart(call, calls, warm_up=warm_up))


def measured_apart(call: Call, calls: int, *, warm_up: int = FEW_USERS) -> tuple[float, float]:
    """CPU milliseconds a call, of this process and of PostgreSQL's."""

    async def ask() -> tuple[float, float]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with gate:
                await call()

        await asyncio.gather(*(one() for _ in range(warm_up)))
        ours, servers = await _spent()
        await asyncio.gather(*(one() for _ in range(calls)))
        ours_then, servers_then = await _spent()
        await close_connections()
        return (ours_then - ours) * 1000 / calls, (servers_then - servers) * 1000 / calls

    return asyncio.run(ask())


async def _spent() -> tuple[float, float]:
    """CPU seconds of this process and of PostgreSQL's."""
    servers = await fetch_all("SELECT pid FROM pg_stat_activity WHERE datname = current_database()", ())
    return time.process_time(), sum(_cpu_of(pid) for (pid,) in servers)


def _cpu_of(pid: int) -> float:
    """CPU seconds of a process on this machine; 0 for one elsewhere."""
    try:
        # User and system time, after the command's closing bracket: proc(5).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def told(what: str, many: list[float], few: list[float]) -> float:
    ratio = statistics.median(many) / statistics.median(few)
    print(
        f"{what}: {statistics.median(many):.2f} ms a call, {statistics.median(few):.2f} before: {ratio:.2f}"
    )
    return round(ratio, 2)


if __name__ == "__main__":
    main()
