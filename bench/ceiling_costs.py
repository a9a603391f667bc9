"""For `bench.ceiling`, what a call costs here: CPU of this process and of PostgreSQL's, a commit's wait."""

from __future__ import annotations

import os
import statistics
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from django.db import connection

from bench import stage
from bench.growth import asked_by, measured_apart

ROUNDS, COMMITS, PEOPLE = 5, 200, 100
# The door's view, token and envelope, which the orchestrator is not: docs/performance.md, "To the view".
DOOR_MS = 0.5


def measure(calls: int) -> tuple[float, float, float]:
    """(Web, database, commit) in milliseconds; medians."""
    with stage.scratch_database(), stage.upstream() as root:
        call = asked_by(stage.seed(root, people=PEOPLE))
        rounds = [measured_apart(call, calls) for _ in range(ROUNDS)]
        web, database = (statistics.median(part) for part in zip(*rounds, strict=True))
        return web + DOOR_MS, database, _commit()


def _commit() -> float:
    """What a transaction that writes takes longer than one that only reads."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_commits (n int)")
        took: dict[str, list[float]] = {"SELECT 1": [], "INSERT INTO bench_commits VALUES (1)": []}
        for _ in range(COMMITS):
            for statement, found in took.items():
                began = time.perf_counter()
                cursor.execute(statement)
                found.append((time.perf_counter() - began) * 1000)
        cursor.execute("DROP TABLE bench_commits")
    read, written = (statistics.median(found) for found in took.values())
    return max(0.0, written - read)
