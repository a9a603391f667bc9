"""The beginning and the end of a web process, as ASGI's lifespan protocol tells of them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from importlib import import_module
from multiprocessing import parent_process
from threading import Thread
from typing import Any

from django.conf import settings

from accounts.concurrency import wait_for_unfinished
from aditus import telemetry
from aditus.loop_views import LoopHandler
from aditus.postgresql.base import Connection
from providers.registry import PROVIDER_TYPES, ProviderFactory
from usage.metrics import observers

# For settling what was broken off. Who kills the process has to wait for SHUTDOWN_SECONDS and so long again.
SETTLING_SECONDS = 20.0
PARENT_LOOK_SECONDS = 1.0


class Application(LoopHandler):
    """Takes no request before everything is imported that one may need, and does not end before what was
    begun in the background is done."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await super().__call__(scope, receive, send)
            return
        await receive()
        Connection.patience = settings.DATABASE_PATIENCE_SECONDS or None
        await asyncio.to_thread(observers.prepare)
        await asyncio.to_thread(warm_up)
        end_with_parent()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(wait_for_unfinished, seconds=SETTLING_SECONDS)
        # Here, because the server then ends by its signal, and nothing that waits for Python's end is called.
        await asyncio.to_thread(telemetry.end)
        await send({"type": "lifespan.shutdown.complete"})


def warm_up() -> None:
    """Import every view and every vendor's SDK, seconds of work that the first request would wait for."""
    import_module(settings.ROOT_URLCONF)
    for slug in PROVIDER_TYPES:
        ProviderFactory.adapter_class(slug)


def end_with_parent() -> None:
    """Have this process end as if it were told to, should the one die that started it: nobody would ever stop
    it, and it would keep the port, and answer by the code and the settings of then."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent.pid,), name="parent", daemon=True).start()


def _end_after(parent: int) -> None:
    # Not by the pipe that multiprocessing keeps for this: forked processes hold its other end themselves.
    while os.getppid() == parent:
        time.sleep(PARENT_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
