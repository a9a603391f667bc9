"""Runs a few programs as one: all of them up, or none."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import IO

STOP_SECONDS = 15
POLL_SECONDS = 0.5


class Supervisor:
    """Child processes that live and die together. Use as a context manager: leaving it stops them all."""

    def __init__(self) -> None:
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._asked_to_stop = threading.Event()

    def __enter__(self) -> "Supervisor":
        self._previous = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        output: IO[bytes] | None = None,
    ) -> None:
        """Start a child in a session of its own, so that Ctrl-C reaches it only through `stop`.

        What it prints goes to `output`, or where ours goes.
        """
        self._children[name] = subprocess.Popen(  # noqa: S603
            command, env=env, stdout=output, stderr=output, start_new_session=True
        )

    def wait(self) -> str | None:
        """Block until a signal asks to stop (None) or a child ends (its name)."""
        while not self._asked_to_stop.wait(POLL_SECONDS):
            for name, child in self._children.items():
                if child.poll() is not None:
                    return name
        return None

    def exit_status(self, name: str) -> int | None:
        """The child's exit status; negative is the signal that ended it, None that it still runs."""
        return self._children[name].poll()

    def stop(self) -> None:
        """SIGTERM to every child, last started first; SIGKILL to those still there after 15 seconds."""
        for child in reversed(self._children.values()):
            if child.poll() is None:
                child.terminate()
        for child in self._children.values():
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            # What the child started itself (the worker's clock) outlives a child that was killed.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop.set()
