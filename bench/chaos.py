"""`make chaos`: the long versions of the tests that break things at random.

Thousands of calls against vendors that fail in every way, and fifty thousand of four processes, two hundred
of which are killed under load; a hundred streams cut, workers killed under three batches of a hundred, fifty
clients with one Idempotency-Key. With the assertions of the suite; prints what was counted. DATABASE_URL or
TEST_DATABASE_URL (PostgreSQL) and TEST_REDIS_URL say where.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests import services

LONG = {
    "CHAOS_CALLS": "3000",
    "CHAOS_KILLS": "200",
    "CHAOS_CALLS_OF_PROCESSES": "50000",
    "CHAOS_STREAMS": "100",
    "CHAOS_BATCH_ITEMS": "100",
    "CHAOS_BATCH_KILLS": "12",
    "CHAOS_CLIENTS": "50",
}
TESTS = [
    "tests/orchestration/resilience/test_chaos.py",
    "tests/concurrency/test_kills.py",
    "tests/concurrency/test_streams_cut.py",
    "tests/concurrency/test_batches_killed.py",
    "tests/concurrency/test_economy_killed.py",
    "tests/concurrency/test_one_key.py",
]


def main() -> int:
    command = [sys.executable, "-m", "pytest", *TESTS, "-q", "-s", "-o", "timeout=7200", *sys.argv[1:]]
    environment = {"LOG_LEVEL": "CRITICAL", "DATABASE_URL": services.DATABASE_URL, **LONG, **os.environ}
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
