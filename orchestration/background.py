"""Synchronous code's way into the orchestrator: one event loop per process, alive as long as the process."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")

_lock = threading.Lock()
_loop: tuple[int, asyncio.AbstractEventLoop] | None = None


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop  # noqa: PLW0603 - one loop per process is the point
    with _lock:
        # A forked worker inherits the variable but not the thread.
        if _loop is None or _loop[0] != os.getpid():
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="orchestration", daemon=True).start()
            _loop = (os.getpid(), loop)
        return _loop[1]


def run(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run `coroutine` on the background loop and wait for it; its exceptions are raised here.

    One long-lived loop, because connections to vendors belong to a loop and are worth keeping. Interrupting
    the caller (Ctrl-C, a worker's time limit) cancels the coroutine, which settles its reservation.
    """
    future = asyncio.run_coroutine_threadsafe(coroutine, _running_loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise
