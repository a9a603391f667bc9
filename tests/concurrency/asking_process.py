"""What the processes of `forked` do here: ask the orchestrator as they are told, or all the time."""

import asyncio
import os
import threading

if __name__ != "__mp_main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

import time_machine  # noqa: E402

from accounts import concurrency  # noqa: E402
from accounts.errors import DomainError  # noqa: E402
from accounts.models import User  # noqa: E402
from orchestration.calls import reply_cache  # noqa: E402
from orchestration.calls.orchestrator import AIOrchestrator  # noqa: E402
from orchestration.guards import redis as redis_guards  # noqa: E402
from providers.adapters import claude, gemini, openai  # noqa: E402, F401 - slow to import, so once for all
from tests.waiting import PATIENCE_SECONDS  # noqa: E402


def work(pipe, *, user, starts_at=None, guards=None, patience=PATIENCE_SECONDS, lease=reply_cache.LEASE):
    """Obey until the pipe breaks. `starts_at`: a clock of its own, in seconds since the epoch; `guards`: a
    function that makes this process's guards, for tests of what bad ones do; `patience` with Redis and the
    `lease` of who asks an identical question are in seconds."""
    redis_guards.PATIENCE = patience
    reply_cache.LEASE = lease
    clock = time_machine.travel(starts_at, tick=True) if starts_at else None
    traveller = clock.start() if clock else None
    asker = Asker(User.objects.get(pk=user), traveller, guards)
    pipe.send("ready")
    while True:
        try:
            what, details = pipe.recv()
        except EOFError:
            return
        pipe.send(getattr(asker, what)(**details))


class Asker:
    def __init__(self, user, traveller, make_guards):
        self.user, self.traveller = user, traveller
        self.guards = make_guards() if make_guards else None
        self.going_on = threading.Event()
        self.counted = {"answered": 0, "refused": 0}
        self.broken = []

    def ask(self, *, calls=1, prompt="Say hello.", **arguments):
        """The outcomes of so many calls at once: the model that answered, or the code of the refusal."""

        async def all_of_them():
            return await asyncio.gather(*(self._one(prompt=prompt, **arguments) for _ in range(calls)))

        return concurrency.run(all_of_them())

    def shift(self, *, seconds):
        self.traveller.shift(seconds)

    def start(self, *, lanes):
        """Ask all the time, in so many lanes, until `stop`."""
        self.going_on.set()
        self.lanes = [
            asyncio.run_coroutine_threadsafe(self._lane(), concurrency.background_loop.get())
            for _ in range(lanes)
        ]

    def stop(self):
        self.going_on.clear()
        for lane in self.lanes:
            lane.result(PATIENCE_SECONDS)
        return self.count()

    def count(self):
        return {**self.counted, "broken": self.broken}

    async def _lane(self):
        while self.going_on.is_set():
            try:
                outcome = await self._one(prompt="Say hello.")
            except Exception as bug:  # noqa: BLE001 - the test wants to hear of it
                self.broken.append(repr(bug))
                return
            self.counted["refused" if outcome.startswith("!") else "answered"] += 1

    async def _one(self, *, task="extraction", max_output_tokens=64, **arguments):
        try:
            result = await AIOrchestrator(guards=self.guards).generate(
                user=self.user, task=task, max_output_tokens=max_output_tokens, **arguments
            )
        except DomainError as refusal:
            return f"!{refusal.code}"
        return f"{result.model_name}{' (cached)' if result.cached else ''}"
