"""`python -m bench.cluster`: the long form of the tests of many machines on one.

Three web processes, two workers, two beats, a proxy, PostgreSQL with a standby behind PgBouncer, and Redis:
restarts under load, kills, and batches whose workers and clocks die. Brings its own servers (initdb,
redis-server, and pgbouncer where it is installed).
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests import services

# Eight minutes on two cores that had other things to do.
LONG = {"CLUSTER_CALLS": "90", "CLUSTER_KILLS": "9", "CLUSTER_ITEMS": "200"}
TESTS = ["tests/cluster/test_many_machines.py", "tests/cluster/long_form.py"]


def main() -> int:
    command = [sys.executable, "-m", "pytest", *TESTS, "-q", "-s", "-o", "timeout=7200", *sys.argv[1:]]
    environment = {"DATABASE_URL": services.DATABASE_URL, **LONG, **os.environ}
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
