"""`make test`: the suite in every shape this machine can run, and then what it could not.

With CI=true, whatever is missing is a failure. Further arguments go to pytest.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import services
from tests.failures import FILE_VARIABLE

MOST_FAILURES = 20
# Few at a time, so that those that take long, which are begun first, do not all come to one worker.
ON_SQLITE = ["-n", "2", "--maxschedchunk", "8", "-m"]
# Groups keep together what shares a cluster; over all tests they take a minute of xdist's own.
ON_POSTGRESQL = ["--only-database", "--dist", "loadgroup", "-m", "not embedded"]


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
        Need("Prometheus", "the tests in which it reads our metrics", services.has_prometheus(),
             "apt-get install --no-install-recommends prometheus"),
        Need("PgBouncer", "the tests with a pooler before the database", services.has_pgbouncer(),
             "apt-get install --no-install-recommends pgbouncer"),
        Need("the local model", "the tests with a real model", services.has_local_model(),
             "make local-model"),
    ]  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """How a run of the suite ended: pytest's status, and a line for each thing that went wrong in it."""

    suite: str
    status: int
    failures: list[str]

    def is_fine(self, arguments: list[str]) -> bool:
        """Of the tests that somebody asked for by `arguments`, a run may have none (pytest's status 5)."""
        return self.status == 0 or (self.status == 5 and bool(arguments))

    def told(self, arguments: list[str]) -> str:
        if self.is_fine(arguments):
            return f"{self.suite}: passed."
        shown = self.failures[:MOST_FAILURES]
        more = (
            [f"and {len(self.failures) - MOST_FAILURES} more"] if len(self.failures) > MOST_FAILURES else []
        )
        return "\n  ".join([f"{self.suite}: FAILED (status {self.status}).", *shown, *more])


def run_suite(suite: str, environment: dict[str, str], arguments: list[str]) -> Outcome:
    """pytest in a process of its own, because settings are read once per process."""
    sys.stdout.write(f"\n=== {suite} ===\n")
    sys.stdout.flush()
    with TemporaryDirectory() as folder:
        failures = Path(folder) / "failures"
        failures.touch()
        shape = {"DATABASE_URL": "", "REDIS_URL": "", FILE_VARIABLE: str(failures)} | environment
        command = [sys.executable, "-m", "pytest", *arguments]
        status = subprocess.run(command, env=os.environ | shape, check=False).returncode
        return Outcome(suite, status, failures.read_text(encoding="utf-8").splitlines())


def main(arguments: list[str]) -> int:
    checked = needs()
    missing = [need for need in checked if not need.is_there]
    there = {need.name for need in checked if need.is_there}
    strict = os.environ.get("CI", "").lower() == "true"

    # The browser sees no difference, and PostgreSQL refuses more: both run once, there if it is there.
    once = " and not browser and not stricter_database"
    first = f"not postgres{once if 'PostgreSQL' in there else ''}"
    outcomes = [run_suite("The suite on SQLite", {}, [*ON_SQLITE, first, *arguments])]
    if "PostgreSQL" in there:
        production = {"DATABASE_URL": services.DATABASE_URL}
        if "Redis" in there:
            production["REDIS_URL"] = services.REDIS_URL
        title = f"The suite on {' and '.join(name for name in ('PostgreSQL', 'Redis') if name in there)}"
        workers = ["-n", str(services.workers_on_postgres())]
        outcomes.append(run_suite(title, production, [*workers, *ON_POSTGRESQL, *arguments]))

    sys.stdout.write("\n")
    for outcome in outcomes:
        sys.stdout.write(f"{outcome.told(arguments)}\n")
    for need in missing:
        sys.stdout.write(f"NOT RUN: {need.what_it_runs}. {need.name} is missing here: {need.remedy}\n")
    if not missing:
        sys.stdout.write("Nothing was left out.\n")
    failed = not all(outcome.is_fine(arguments) for outcome in outcomes)
    return 1 if failed or (strict and missing) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
