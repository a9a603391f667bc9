"""The one way from async code into the ORM: a hop to a small thread pool that gives its connection back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")

_pool: tuple[int, ThreadPoolExecutor] | None = None


def _executor() -> ThreadPoolExecutor:
    """This process's pool; made anew after a fork, because threads do not survive one."""
    global _pool  # noqa: PLW0603 - one pool per process is the point
    if _pool is None or _pool[0] != os.getpid():
        threads = settings.DATABASE_THREADS
        _pool = (os.getpid(), ThreadPoolExecutor(max_workers=threads, thread_name_prefix="database"))
    return _pool[1]


def _call_and_release(function: Callable[[], R]) -> R:
    try:
        return function()
    finally:
        give_connections_back()


def give_connections_back() -> None:
    """Let others have this thread's connections; one in a transaction stays. The next query takes another."""
    for connection in connections.all(initialized_only=True):
        # Closing hands a pooled connection back. SQLite has no server to spare one for, and its last close
        # folds the write-ahead log back into the file, which costs more than the work itself.
        if connection.vendor != "sqlite" and not connection.in_atomic_block:
            connection.close()


async def in_database_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run synchronous database code off the event loop; no connection is held once it returns.

    Works from any event loop. At most DATABASE_THREADS run at once per process, which also bounds
    the connections. A cancelled caller does not stop the function; it completes in its thread.
    """
    call = partial(copy_context().run, partial(function, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_executor(), _call_and_release, call)
