"""Web processes that share what they have imported.

uvicorn starts each of its processes as a new interpreter, which imports everything for itself: seconds of
work, and most of a process's memory. Here the parent imports once and forks, and the kernel keeps one copy of
each page that nobody writes to.
"""

from __future__ import annotations

import atexit
import gc
import signal
from copy import copy
from multiprocessing.context import ForkContext, ForkProcess
from socket import socket

from uvicorn import Config, _subprocess
from uvicorn.supervisors import multiprocess
from uvicorn.supervisors.multiprocess import SIGNALS, Multiprocess


class WebProcess(ForkProcess):
    """What uvicorn runs in a process of its own, begun as in a new interpreter."""

    def start(self) -> None:
        # The child has the parent's handlers at first, which would lay its signals aside for ever.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def run(self) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        try:
            super().run()
        finally:
            # Telemetry is sent to the last by one of them. A forked process ends without them.
            atexit._run_exitfuncs()


class _Forking(ForkContext):
    Process = WebProcess


class Watched(multiprocess.Process):
    """As the supervisor knows it."""

    def start(self) -> None:
        super().start()
        # While this end is open here too, the answer of a process that dies over a question is waited for as
        # long as of one that hangs, and nobody is replaced meanwhile.
        self.child_conn.close()


class WebProcesses(Multiprocess):
    """uvicorn's supervisor, whose processes are forked."""

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        # uvicorn has no other places that say what its processes are and how they are begun.
        multiprocess.Process = Watched  # type: ignore[misc]
        self._uvicorns, _subprocess.spawn = _subprocess.spawn, _Forking()  # type: ignore[assignment]

    def init_processes(self) -> None:
        _share(self.config)
        super().init_processes()

    def restart_all(self) -> None:
        """SIGHUP asks for what is installed and set now, and the parent has imported what was. So from then
        on processes are new interpreters that share nothing, until the server is started again."""
        _subprocess.spawn = self._uvicorns
        super().restart_all()


def _share(config: Config) -> None:
    """Import and read all that a request may need. Nothing here may start a thread or connect to anything:
    neither survives a fork in one piece."""
    # The application, and what speaks HTTP for it. A copy, because what is loaded goes to no new interpreter.
    copy(config).load()
    from aditus.lifespan import warm_up
    from extraction.values.dates import month_numbers

    warm_up()
    # With it come Babel's data of all languages that postings are read in, 26 MiB that stay.
    month_numbers()
    gc.collect()
    # The collector writes to what it looks through, and each page written to is one that is not shared.
    gc.freeze()
