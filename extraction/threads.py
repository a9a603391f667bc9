"""Where parsing and decoding happen: off the event loop, and few at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# Two, because this work holds the interpreter lock and a decoded 40-megapixel picture takes 160 MB. Not the
# loop's default pool, because name resolution lives there and must not wait behind a heavy page.
WORKERS = 2
_pool: tuple[int, ThreadPoolExecutor] | None = None


def _executor() -> ThreadPoolExecutor:
    """This process's pool; made anew after a fork, because threads do not survive one."""
    global _pool  # noqa: PLW0603 - one pool per process is the point
    if _pool is None or _pool[0] != os.getpid():
        _pool = (os.getpid(), ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="parsing"))
    return _pool[1]


async def in_parsing_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run pure CPU work off the event loop. The function must not touch the ORM."""
    return await asyncio.get_running_loop().run_in_executor(_executor(), partial(function, *args, **kwargs))
