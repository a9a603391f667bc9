"""Guards with a check taken out of each. They exist to show that the tests beside them can see a race."""

import asyncio
import time

from django.conf import settings

from orchestration.guards.base import WINDOW, GateAnswer, GuardStore
from orchestration.guards.redis import RedisGuards


class LooksThenWrites(RedisGuards):
    """Changes a circuit, and lets calls through a gate, by reading, deciding, and writing what it decided."""

    async def change_circuit(self, key, transition):
        [circuit] = await self.circuits([key])
        changed = transition(circuit, await self.now())
        await self._meanwhile()
        if changed is not None:
            await super().change_circuit(key, lambda *_: changed)
        return changed

    async def enter(self, gate, call, *, seconds):
        state = await self.gate_state(gate)
        if gate.per_minute is not None and state.recent >= gate.per_minute:
            return GateAnswer(admitted=False, cause="rate", wait=WINDOW)
        if gate.concurrent is not None and state.under_way >= gate.concurrent:
            return GateAnswer(admitted=False, cause="concurrency")
        await self._meanwhile()
        return await super().enter(type(gate)(gate.key), call, seconds=seconds)

    # One operation after the other, each of which may be careless.
    enter_first = GuardStore.enter_first
    leave_all = GuardStore.leave_all

    async def _meanwhile(self):
        """A busy network takes as long."""
        await asyncio.sleep(0.5)


class GivesToEverybody(RedisGuards):
    """Nobody's claim keeps another one out."""

    async def claim(self, name, holder, *, seconds):
        return True


def by_the_clock_of_the_process():
    """For what each process does at its own time, and for what comes of it where those differ."""
    return RedisGuards(settings.REDIS_URL, settings.REDIS_KEY_PREFIX, clock=time.time)


def looking_then_writing():
    return LooksThenWrites(settings.REDIS_URL, settings.REDIS_KEY_PREFIX)


def giving_to_everybody():
    return GivesToEverybody(settings.REDIS_URL, settings.REDIS_KEY_PREFIX)
