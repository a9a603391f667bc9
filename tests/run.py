"""`make test`: the suite in every shape this machine can run, and then what it could not.

With CI=true, whatever is missing is a failure. Further arguments go to pytest.
"""

import os
import subprocess
import sys
from dataclasses import dataclass

from tests import services


@dataclass(frozen=True)
class Need:
    """Something beside Python that part of the suite needs; `remedy` is the one line that brings it."""

    name: str
    what_it_runs: str
    is_there: bool
    remedy: str


def needs() -> list[Need]:
    return [
        Need("PostgreSQL", "the suite on PostgreSQL, with its races", services.has_postgres(),
             "apt-get install postgresql; TEST_DATABASE_URL=postgres://user:password@host/name make test"),
        Need("Redis", "the tests of the shared cache and broker", services.has_redis(),
             "apt-get install redis-server && redis-server --daemonize yes"),
        Need("Chromium", "the tests in a browser", services.chromium() is not None,
             "apt-get install chromium"),
        Need("the local model", "the tests with a real model", services.has_local_model(),
             "make local-model"),
    ]  # fmt: skip


def run_suite(title: str, environment: dict[str, str], arguments: list[str]) -> int:
    """pytest in a process of its own, because settings are read once per process; returns its status."""
    shape = {"DATABASE_URL": "", "REDIS_URL": ""} | environment
    sys.stdout.write(f"\n=== {title} ===\n")
    sys.stdout.flush()
    command = [sys.executable, "-m", "pytest", "-n", "2", *arguments]
    return subprocess.run(command, env=os.environ | shape, check=False).returncode


def is_fine(status: int, arguments: list[str]) -> bool:
    """Of the tests that somebody asked for by `arguments`, a run may have none (pytest's status 5)."""
    return status == 0 or (status == 5 and bool(arguments))


def main(arguments: list[str]) -> int:
    checked = needs()
    missing = [need for need in checked if not need.is_there]
    there = {need.name for need in checked if need.is_there}
    strict = os.environ.get("CI", "").lower() == "true"

    # The browser sees no difference, so it runs once, on what production runs on where that is there.
    first = "not postgres and not browser" if "PostgreSQL" in there else "not postgres"
    statuses = {"on SQLite": run_suite("The suite on SQLite", {}, ["-m", first, *arguments])}
    if "PostgreSQL" in there:
        production = {"DATABASE_URL": services.DATABASE_URL}
        if "Redis" in there:
            production["REDIS_URL"] = services.REDIS_URL
        title = f"The suite on {' and '.join(name for name in ('PostgreSQL', 'Redis') if name in there)}"
        second = ["-m", "not embedded", "--only-database"]
        statuses["on PostgreSQL"] = run_suite(title, production, [*second, *arguments])

    sys.stdout.write("\n")
    for name, status in statuses.items():
        outcome = "passed" if is_fine(status, arguments) else f"FAILED (status {status})"
        sys.stdout.write(f"The suite {name}: {outcome}.\n")
    for need in missing:
        sys.stdout.write(f"NOT RUN: {need.what_it_runs}. {need.name} is missing here: {need.remedy}\n")
    if not missing:
        sys.stdout.write("Nothing was left out.\n")
    failed = not all(is_fine(status, arguments) for status in statuses.values())
    return 1 if failed or (strict and missing) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
