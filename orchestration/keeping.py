"""Work that finishes although its caller was cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

R = TypeVar("R")

# asyncio itself keeps only weak references to tasks.
_unfinished: set[asyncio.Task[Any]] = set()


def keep(coroutine: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
    """Start `coroutine` as a task of its own; await it through `asyncio.shield`."""
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


def unfinished() -> frozenset[asyncio.Task[Any]]:
    return frozenset(_unfinished)
