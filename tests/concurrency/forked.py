"""Real processes that are ready at once, forked from one that has everything imported already.

with forked(work, user=user.pk) as processes:     # def work(pipe, *, user): … in a module of its own
    processes[0].tell("ask", calls=3)
    processes[0].hears()
"""

import multiprocessing
import os
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from tests.concurrency.processes import APPLICATION, PROCESSES, sessions_of_processes
from tests.waiting import PATIENCE_SECONDS, wait_until

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.concurrency.asking_process"])


class Forked:
    """One such process. `tell` and `hears` exchange whatever can be pickled."""

    def __init__(self, work, job):
        self._pipe, theirs = _forks.Pipe()
        # In here the test database and the guards' prefix are settings; over there they are the deployment's.
        surroundings = {
            "database": connection.settings_dict["NAME"],
            "REDIS_URL": settings.REDIS_URL,
            "REDIS_KEY_PREFIX": settings.REDIS_KEY_PREFIX,
        }
        self._process = _forks.Process(target=_live, args=(theirs, work, surroundings, job), daemon=True)
        self._process.start()
        theirs.close()

    def tell(self, what, **details):
        self._pipe.send((what, details))

    def hears(self):
        assert self._pipe.poll(PATIENCE_SECONDS), "the process says nothing"
        return self._pipe.recv()

    def kill(self):
        """kill -9."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


@contextmanager
def forked(work, *, count=PROCESSES, **job):
    """So many processes that have said "ready"; what is left of them is killed at the end."""
    processes = [Forked(work, job) for _ in range(count)]
    try:
        for process in processes:
            assert process.hears() == "ready"
        yield processes
    finally:
        for process in processes:
            process.kill()
        gone()


def gone():
    """Wait until PostgreSQL has noticed who died: it still ends what a dead client had begun."""
    wait_until(lambda: sessions_of_processes() == 0, else_say="PostgreSQL keeps the sessions of the dead")


def everybody(processes, what, **details):
    """Tell all the same thing at the same time; what each of them says to it."""
    for process in processes:
        process.tell(what, **details)
    return [process.hears() for process in processes]


def _live(pipe, work, surroundings, job):
    os.environ["PGAPPNAME"] = APPLICATION
    settings.DATABASES["default"]["NAME"] = surroundings["database"]
    settings.REDIS_URL, settings.REDIS_KEY_PREFIX = (
        surroundings["REDIS_URL"],
        surroundings["REDIS_KEY_PREFIX"],
    )
    work(pipe, **job)
