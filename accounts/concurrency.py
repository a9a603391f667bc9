"""The ways between synchronous code, the event loops and the database, and what a process holds one of."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

from django.conf import settings
from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")
K = TypeVar("K")
V = TypeVar("V")

# Two, because this work holds the interpreter lock and a decoded 40-megapixel picture takes 160 MB.
PARSING_THREADS = 2


class PerProcess(Generic[R]):
    """One thing per process, made when it is first asked for. Made anew after a fork, which threads do not
    survive and during which a lock or a place may have been taken. Keep it in a module: it is never freed."""

    def __init__(self, make: Callable[[], R]) -> None:
        self._make = make
        self._lock = threading.Lock()
        # What was inherited is left alone rather than torn down: it may belong to the parent's threads.
        self._made: tuple[int, R] | None = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew_lock)

    def get(self) -> R:
        made = self._made
        if made is None or made[0] != os.getpid():
            with self._lock:
                made = self._made
                if made is None or made[0] != os.getpid():
                    made = self._made = os.getpid(), self._make()
        return made[1]

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()


def _new_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="background", daemon=True).start()
    return loop


background_loop = PerProcess(_new_loop)
_database_pool = PerProcess(
    lambda: ThreadPoolExecutor(settings.DATABASE_THREADS, thread_name_prefix="database")
)
# Not a loop's default pool, because name resolution lives there and must not wait behind a heavy page.
_parsing_pool = PerProcess(lambda: ThreadPoolExecutor(PARSING_THREADS, thread_name_prefix="parsing"))


def run(coroutine: Coroutine[Any, Any, R]) -> R:
    """Synchronous code's way into async code: run `coroutine` on this process's background loop and wait for
    it; its exceptions are raised here.

    One long-lived loop, because connections to vendors belong to a loop and are worth keeping. Interrupting
    the caller (Ctrl-C, a worker's time limit) cancels the coroutine, which settles its reservation. What is
    waited for is mostly a vendor, so this thread's database connections are given back first; one in a
    transaction stays.
    """
    give_connections_back()
    future = asyncio.run_coroutine_threadsafe(coroutine, background_loop.get())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def in_database_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run synchronous database code off the event loop; no connection is held once it returns.

    Works from any event loop. At most DATABASE_THREADS run at once per process, which also bounds
    the connections. A cancelled caller does not stop the function; it completes in its thread.
    """
    call = partial(copy_context().run, partial(function, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_database_pool.get(), _call_and_release, call)


async def in_parsing_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run pure CPU work off the event loop, at most PARSING_THREADS of it at once. The function must not
    touch the ORM."""
    call = partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_parsing_pool.get(), call)


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


# asyncio itself keeps only weak references to tasks.
_unfinished: set[asyncio.Task[Any]] = set()


def keep(coroutine: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
    """Start `coroutine` as a task of its own, which finishes although its caller was cancelled; await it
    through `asyncio.shield`."""
    task = asyncio.ensure_future(coroutine)
    _unfinished.add(task)
    task.add_done_callback(_unfinished.discard)
    return task


async def kept(coroutine: Coroutine[Any, Any, R], *, undo: Callable[[R], Awaitable[None]]) -> R:
    """What `coroutine` returns. A caller that is cancelled meanwhile leaves at once; what comes of it then,
    nobody having heard of it, goes to `undo`."""
    task = keep(coroutine)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        keep(_undo(task, undo))
        raise


async def _undo(task: asyncio.Task[R], undo: Callable[[R], Awaitable[None]]) -> None:
    await undo(await task)


class Recent(Generic[K, V]):
    """Things by their keys; what was away for the longest goes first. For all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._things: OrderedDict[K, V] = OrderedDict()

    def of(self, key: K) -> V | None:
        with self._lock:
            thing = self._things.get(key)
            if thing is not None:
                self._things.move_to_end(key)
            return thing

    def keep(self, key: K, thing: V, *, most: int) -> None:
        with self._lock:
            self._things[key] = thing
            self._things.move_to_end(key)
            while len(self._things) > most:
                self._things.popitem(last=False)

    def forget(self, key: K) -> None:
        with self._lock:
            self._things.pop(key, None)


class OneAhead:
    """For what a process keeps once somebody has read it: of many who find it missing at the same time, one
    goes ahead, and the others need not read it as well."""

    def __init__(self) -> None:
        self._ahead: dict[tuple[asyncio.AbstractEventLoop, Hashable], asyncio.Event] = {}

    async def of(self, key: Hashable, find: Callable[[], Awaitable[R]]) -> R:
        """What `find` gives, which the first calls at once and all others when the first is done."""
        here = asyncio.get_running_loop(), key
        if is_done := self._ahead.get(here):
            await is_done.wait()
            return await find()
        is_done = self._ahead[here] = asyncio.Event()
        try:
            return await find()
        finally:
            del self._ahead[here]
            is_done.set()


def unfinished() -> frozenset[asyncio.Task[Any]]:
    """What `keep` started and has not ended; tests wait for it."""
    return frozenset(_unfinished)


def wait_for_unfinished(*, seconds: float) -> bool:
    """Wait, in a thread of a process that is about to end, for what `keep` started on whatever loop; whether
    all of it is done within so many seconds."""
    until = time.monotonic() + seconds
    while _unfinished and time.monotonic() < until:
        time.sleep(0.02)
    return not _unfinished
