"""A sandbox for tests: the real server in a thread of its own, on a free loopback port.

def test_it_fails_over(sandbox):        # the fixture is in tests/conftest.py
    config = make_config(model_name="sandbox-mini@server", base_url=sandbox.openai)
    ...
    assert sandbox.hits()["by_status"] == {"500": 1, "200": 1}
"""

import asyncio
import json
import threading
from contextlib import contextmanager
from urllib.request import Request, urlopen

from aiohttp import web

from sandbox.server import Sandbox, start
from tests.waiting import PATIENCE_SECONDS


class RunningSandbox:
    """Base URLs as each vendor's adapter wants them, and the controls that `/_sandbox` offers."""

    def __init__(self, port):
        self.root = f"http://127.0.0.1:{port}"
        self.openai = f"{self.root}/openai/v1"
        self.anthropic = f"{self.root}/anthropic"
        self.gemini = f"{self.root}/gemini"

    def base_url(self, provider_type):
        """For a provider type of the registry; whoever has no wire of its own speaks OpenAI's."""
        return {"gemini": self.gemini, "claude": self.anthropic}.get(provider_type, self.openai)

    def hits(self):
        return self._call("hits")

    def fault(self, fault, *, times=1, model="", vendor="", on="generation"):
        """Make the next `times` matching calls meet this fault; vendor: openai, anthropic, gemini."""
        self._call("faults", {"fault": fault, "times": times, "model": model, "vendor": vendor, "on": on})

    def chaos(self, *faults, probability, seed=1):
        """Make this share of the calls meet one of the faults, in an order that the seed decides."""
        self._call("faults", {"probability": probability, "faults": list(faults), "seed": seed})

    def reset(self):
        self._call("reset", {})

    def _call(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.root}/_sandbox/{path}", data=data)) as response:
            return json.load(response)


class Holding(Sandbox):
    """Holds whatever it is asked until it is told to `let_go`."""

    def __init__(self):
        super().__init__()
        self._holds, self._let_go, self._loop = True, asyncio.Event(), None

    async def _misbehave(self, request, faults):
        self._loop = asyncio.get_running_loop()
        if self._holds:
            await self._let_go.wait()
        await super()._misbehave(request, faults)

    def let_go(self):
        self._holds = False
        if self._loop:
            self._loop.call_soon_threadsafe(self._let_go.set)


class Halfway(Sandbox):
    """Streams half of every answer, and then nothing until its caller leaves."""

    async def _stream(self, wire, request, asked, events, faults):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in events[: len(events) // 2]:
            await response.write(event)
        await asyncio.Event().wait()


@contextmanager
def running_sandbox(sandbox=None, *, latency=0.0):
    """A sandbox for the time of the block."""
    loop = asyncio.new_event_loop()
    served = sandbox or Sandbox(latency=latency)
    thread = threading.Thread(target=loop.run_forever, name="sandbox", daemon=True)
    thread.start()
    # Not in this thread, where a browser's loop may be running.
    starting = asyncio.run_coroutine_threadsafe(start(served, host="127.0.0.1", port=0), loop)
    runner, port = starting.result(timeout=PATIENCE_SECONDS)
    try:
        yield RunningSandbox(port)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(timeout=PATIENCE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=PATIENCE_SECONDS)
        loop.close()
