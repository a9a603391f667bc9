"""Real processes that are ready at once, forked from one that has everything imported already.

with forked(work, user=user.pk) as processes:     # def work(pipe, *, user): … in a module of its own
    processes[0].tell("ask", calls=3)
    processes[0].hears()
"""

from contextlib import contextmanager

from tests.concurrency.processes import PROCESSES, forks, live_in, sessions_of_processes, surroundings
from tests.waiting import PATIENCE_SECONDS, wait_until


class Forked:
    """One such process. `tell` and `hears` exchange whatever can be pickled."""

    def __init__(self, work, job):
        self._pipe, theirs = forks.Pipe()
        self._process = forks.Process(target=_live, args=(theirs, work, surroundings(), job), daemon=True)
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


def _live(pipe, work, around, job):
    live_in(around)
    work(pipe, **job)
