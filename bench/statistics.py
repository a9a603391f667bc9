"""`make bench-stats`: what pages of figures take over ten million usage rows, and whether they are right.

A scratch database on PostgreSQL is filled with rows of 60 days, 20 providers and 2,000 users, rolled up, and
dropped again. Some calls are then settled late, and the rollups brought up to date. Each page and endpoint
that shows figures is asked for as a browser or a client would, through the whole stack in this process
(`bench.pages`, which says how often). Every breakdown, whole and day by day, is compared with plain SQL over
the log in three time zones. What a call's reserve and settle take is measured in the empty log and in the
full one. The last line is JSON. DATABASE_URL or TEST_DATABASE_URL says where; without them the server on this
machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import statistics
import time
from collections.abc import Callable
from datetime import timedelta

from tests import services

os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or services.DATABASE_URL
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()
# Each CSV that is asked for is in the audit trail, whose entries are logged.
logging.disable(logging.CRITICAL)

from django.db import connection
from django.utils import timezone

from bench import pages, raw_sums, stage, usage_rows
from tests.factories import make_user
from tests.usage.attempts import make_attempt, success
from usage.ledger import get_ledger
from usage.ledger.base import Attempt
from usage.models import UsageRollup
from usage.stats import rollup

ROWS, CALLS, ROUNDS, LATE = 10_000_000, 200, 5, 20


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-stats", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--keep", action="store_true", help="keep the database, and begin with a kept one")
    given = parser.parse_args()
    with stage.scratch_database(keep=given.keep):
        empty = None if UsageRollup.objects.exists() else cost_of_accounting()
        now = timezone.now()
        if empty is not None:
            timed("filled", lambda: usage_rows.fill(given.rows, until=now))
        timed("rolled up", lambda: rollup.refresh(now=now))
        timed("late calls settled and rolled up again", settle_late)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE usage_rollups, usage_work_rollups, usage_person_rollups")
        print(f"{given.rows:,} rows, {UsageRollup.objects.count():,} rollups")
        full = cost_of_accounting()
        worst = pages.measure()
        wrong = raw_sums.unequal(now=timezone.now(), days=usage_rows.DAYS + 2)
    print("Sums that differ from SQL over the log: " + (", ".join(wrong) or "none"))
    told = {
        "rows": given.rows,
        "worst_p95_ms": round(worst),
        "sums_equal": not wrong,
        "accounting_ms_empty": empty and round(empty, 2),
        "accounting_ms_full": round(full, 2),
        "accounting_ratio": empty and round(full / empty, 2),
    }
    print(json.dumps(told))


def timed(name: str, work: Callable[[], object]) -> None:
    started = time.perf_counter()
    work()
    print(f"{name} in {time.perf_counter() - started:.0f} s", flush=True)


def cost_of_accounting() -> float:
    """Milliseconds of one call's reserve and settle: the best of some rounds' medians, for a machine
    that others use too."""
    user = make_user(f"accounting-{time.monotonic_ns()}@example.com")
    attempt = make_attempt(user=user, daily=10**12, monthly=10**13, started_at=timezone.now())
    medians = []
    for _ in range(ROUNDS):
        medians.append(asyncio.run(_calls(attempt)))
    return min(medians)


async def _calls(attempt: Attempt) -> float:
    ledger, times = get_ledger(), []
    for _ in range(CALLS):
        started = time.perf_counter()
        await ledger.settle(await ledger.reserve(attempt), success())
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def settle_late() -> None:
    """Calls of any hour of the log get their outcome now, as from a sweeper; then the worker's next run."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {usage_rows.TABLE} SET status = 'success', error_kind = '', latency_ms = 700, "
            "total_tokens = total_tokens + 7, output_tokens = output_tokens + 7, "
            "estimated_cost_usd = 0.000123456789, "
            "settled_at = now() WHERE id IN (SELECT id FROM "
            f"{usage_rows.TABLE} WHERE attempt = 1 AND id % 99991 = 1 LIMIT {LATE})"
        )
    rollup.refresh(now=timezone.now() + rollup.COMMIT_LAG + timedelta(minutes=1))


if __name__ == "__main__":
    main()
