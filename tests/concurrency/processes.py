"""Real processes on this test's database, driven line by line.

They are forked from one that has everything imported already: importing it takes a process longer than
most tests take.
"""

import json
import multiprocessing
import os
import random
import runpy
import sys
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from tests.waiting import wait_until

PROCESSES = 4
APPLICATION = "aditus-test-process"

forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(
    [
        f"tests.concurrency.{module}"
        for module in (
            "asking_process",
            "economy_process",
            "batch_process",
            "client_process",
            "ledger_worker",
            "orchestrator_worker",
            "leader_worker",
            "prune_process",
        )
    ]
)


def surroundings():
    """In here the test database and the guards' prefix are settings; over there they are the deployment's."""
    return {
        "database": {part: connection.settings_dict[part] for part in ("NAME", "HOST", "PORT")},
        "REDIS_URL": settings.REDIS_URL,
        "REDIS_KEY_PREFIX": settings.REDIS_KEY_PREFIX,
    }


def live_in(surroundings):
    """In the process that was forked."""
    os.environ["PGAPPNAME"] = APPLICATION
    settings.DATABASES["default"] |= surroundings["database"]
    settings.REDIS_URL = surroundings["REDIS_URL"]
    settings.REDIS_KEY_PREFIX = surroundings["REDIS_KEY_PREFIX"]
    random.seed()


class Worker:
    """`python -m tests.concurrency.<module> <job>`, whose standard input and output are here."""

    def __init__(self, module, job):
        ours, theirs = forks.Pipe()
        self._process = forks.Process(
            target=_run, args=(theirs, module, json.dumps(job), surroundings()), daemon=True
        )
        self._process.start()
        theirs.close()
        self.pid = self._process.pid
        self.stdin, self.stdout = os.fdopen(os.dup(ours.fileno()), "w"), os.fdopen(os.dup(ours.fileno()))
        ours.close()

    def kill(self):
        """kill -9."""
        self._process.kill()

    def wait(self):
        self._process.join()

    def close(self):
        self.kill()
        self.wait()
        self.stdin.close()
        self.stdout.close()


def _run(pipe, module, job, around):
    live_in(around)
    os.dup2(pipe.fileno(), 0)
    os.dup2(pipe.fileno(), 1)
    sys.stdin, sys.stdout, sys.argv = os.fdopen(0), os.fdopen(1, "w"), [module, job]
    runpy.run_module(f"tests.concurrency.{module}", run_name="__main__", alter_sys=True)


@contextmanager
def workers(module, **job):
    """Four processes of `tests.concurrency.<module>`, ready to start; what is left is killed at the end."""
    processes = [Worker(module, job) for _ in range(PROCESSES)]
    try:
        for process in processes:
            assert heard_from(process) == "ready"
        yield processes
    finally:
        for process in processes:
            process.close()


def start(processes):
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()


def kill(processes):
    """kill -9, and wait until PostgreSQL has noticed: it still ends what a dead client had begun."""
    for process in processes:
        process.kill()
        process.wait()
    wait_until(lambda: sessions_of_processes() == 0, else_say="PostgreSQL keeps the sessions of the dead")


def sessions_of_processes():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND starts_with(application_name, %s)",
            [APPLICATION],
        )
        return cursor.fetchone()[0]


def heard_from(process):
    return json.loads(process.stdout.readline())


def answers_of(module, **job):
    with workers(module, **job) as processes:
        start(processes)
        return [heard_from(process) for process in processes]
