"""Group commit: what calls ask of the database while others are under way leaves as one statement.

A batch is one transaction, in which each call is decided for itself. When the database refuses it as a whole,
because of one member or of somebody else's locks, every member is sent again alone, so that nobody fails
or waits because of another.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import psycopg
from django.db import DatabaseError

from accounts.concurrency import keep

M = TypeVar("M")
R = TypeVar("R")

# Of one kind and event loop: statements under way, calls in one of them, and of calls that have to go alone.
MOST_UNDER_WAY = 2
MOST_TOGETHER = 32
MOST_ALONE = 1
# Seconds until a lock is tried again: no connection is held for as long as it takes.
_TRY_AGAIN = 0.05

# Sends members and gives what each got, in order. Raises where a lock is held for long, as the database does.
Send = Callable[[Sequence[M]], Awaitable[Sequence[R]]]


class Batches(Generic[M, R]):
    """Safe on any event loop: the members of a batch are of one."""

    def __init__(self, send: Send[M, R]) -> None:
        self._send = send
        self._lines: dict[tuple[int, asyncio.AbstractEventLoop], _Line[M, R]] = {}

    async def ask(self, member: M) -> R:
        """What `send` has for the member; raises what it raises for the member alone."""
        # A forked process may inherit a loop.
        key = os.getpid(), asyncio.get_running_loop()
        line = self._lines.get(key)
        if line is None:
            self._lines = {known: line for known, line in self._lines.items() if not known[1].is_closed()}
            line = self._lines[key] = _Line(self._send)
        return await line.ask(member)


class _Line(Generic[M, R]):
    def __init__(self, send: Send[M, R]) -> None:
        self._send = send
        self._waiting: deque[tuple[M, asyncio.Future[R]]] = deque()
        self._under_way = 0
        self._alone = asyncio.Semaphore(MOST_ALONE)

    async def ask(self, member: M) -> R:
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((member, future))
        self._start()
        return await future

    def _start(self) -> None:
        if self._under_way < MOST_UNDER_WAY:
            self._under_way += 1
            # It begins with the next turn of the loop, by which others may have come.
            keep(self._work()).add_done_callback(self._has_ended)

    def _has_ended(self, task: asyncio.Task[None]) -> None:
        # Here, so that one that was cancelled before its first step has ended as well.
        self._under_way -= 1
        if not task.cancelled() and self._waiting:
            # They came when it had looked for the last time.
            self._start()
        elif task.cancelled() and not self._under_way:
            while self._waiting:
                self._waiting.popleft()[1].cancel()

    async def _work(self) -> None:
        while batch := self._next():
            try:
                await self._send_together(batch)
            except BaseException as error:
                for _, future in batch:
                    _fail(future, error)
                if not isinstance(error, Exception):
                    raise

    def _next(self) -> list[tuple[M, asyncio.Future[R]]]:
        batch: list[tuple[M, asyncio.Future[R]]] = []
        while self._waiting and len(batch) < MOST_TOGETHER:
            member, future = self._waiting.popleft()
            # Who is cancelled before it was sent has asked for nothing.
            if not future.done():
                batch.append((member, future))
        return batch

    async def _send_together(self, batch: Sequence[tuple[M, asyncio.Future[R]]]) -> None:
        try:
            results = await self._send([member for member, _ in batch])
        except DatabaseError as error:
            if len(batch) == 1 and not _is_locked(error):
                raise
            # Not waited for: who comes after them need not wait for a lock that some of them meet.
            for member, future in batch:
                keep(self._send_alone(member, future))
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)

    async def _send_alone(self, member: M, future: asyncio.Future[R]) -> None:
        while not future.done():
            try:
                async with self._alone:
                    [result] = await self._send([member])
            except DatabaseError as error:
                if not _is_locked(error):
                    _fail(future, error)
            except BaseException as error:
                _fail(future, error)
                raise
            else:
                if not future.done():
                    future.set_result(result)
            if not future.done():
                await asyncio.sleep(_TRY_AGAIN)


def _is_locked(error: DatabaseError) -> bool:
    """Whether all that was wrong is that somebody else kept a lock."""
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)


def _fail(future: asyncio.Future[R], error: BaseException) -> None:
    if future.done():
        return
    if isinstance(error, Exception):
        future.set_exception(error)
    else:
        future.cancel()
