"""Shared guards while they can be reached, the process's own while they cannot."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from redis.exceptions import RedisError

from orchestration.guards.base import (
    Choice,
    Choosing,
    Entry,
    Gate,
    GateAnswer,
    GateState,
    GuardStore,
    Transition,
)
from orchestration.guards.circuit import Circuit

logger = logging.getLogger(__name__)
R = TypeVar("R")

# Seconds until a store that was away is asked again: an outage costs one call in so many its patience.
AWAY = 5.0
# Places and probes to be given back when it returns; those beyond lapse by themselves.
MOST_OWED = 1_000


class _Away(Exception):
    """The shared store gave no answer. `was_asked`: it may act on the question yet, being merely frozen."""

    def __init__(self, *, was_asked: bool) -> None:
        super().__init__()
        self.was_asked = was_asked


class FallbackGuards(GuardStore):
    """Calls go on without the shared store: each process then guards its own, so that limits hold per
    process and a vendor that is down is found out once per process. Quotas stay exact: the ledger's.

    Places that were, or may have been, taken in the shared store are given back there when it returns, and
    probes of its circuits that ended meanwhile are ended there."""

    def __init__(self, shared: GuardStore, own: GuardStore) -> None:
        self._shared, self._own = shared, own
        self._away_until = 0.0
        self._inside: set[str] = set()
        self._probing: dict[str, Circuit] = {}
        self._owed: deque[Callable[[GuardStore], Awaitable[object]]] = deque(maxlen=MOST_OWED)

    async def now(self) -> float:
        return await self._ask(lambda store: store.now())

    async def circuits(self, keys: Sequence[str]) -> list[Circuit]:
        return await self._ask(lambda store: store.circuits(keys))

    async def change_circuit(self, key: str, transition: Transition) -> Circuit | None:
        def change(store: GuardStore) -> Awaitable[Circuit | None]:
            return store.change_circuit(key, transition)

        try:
            changed = await self._ask_shared(change)
        except _Away:
            if self._ends_probe(key, transition):
                self._owed.append(change)
            return await change(self._own)
        if changed is not None and changed.probe:
            self._probing[key] = changed
        else:
            self._probing.pop(key, None)
        return changed

    def _ends_probe(self, key: str, transition: Transition) -> bool:
        """Whether the shared circuit, as it was seen last, is left by its probe through this change."""
        seen = self._probing.get(key)
        if seen is None or (changed := transition(seen, time.time())) is None or changed.probe == seen.probe:
            return False
        del self._probing[key]
        return True

    async def enter(self, gate: Gate, call: str, *, seconds: float) -> GateAnswer:
        try:
            entry = await self._ask_shared(lambda store: store.enter(gate, call, seconds=seconds))
        except _Away as away:
            if away.was_asked:
                self._owed.append(lambda store: store.leave(gate, call, was_sent=False))
            return await self._own.enter(gate, call, seconds=seconds)
        if entry.admitted:
            self._inside.add(call)
        return entry

    async def enter_first(self, choices: Sequence[Choice], *, caller: Entry | None = None) -> Choosing:
        entries = [choice.entry for choice in choices]
        try:
            chosen = await self._ask_shared(lambda store: store.enter_first(choices, caller=caller))
        except _Away as away:
            if away.was_asked:
                self._owe([*entries, caller] if caller else entries, was_sent=False)
            return await self._own.enter_first(choices, caller=caller)
        if caller and chosen.caller and chosen.caller.admitted:
            self._inside.add(caller.call)
        if chosen.looks and (said := chosen.looks[-1][1]) and said.admitted:
            self._inside.add(entries[len(chosen.looks) - 1].call)
        return chosen

    async def leave_all(self, entries: Sequence[Entry], *, circuit: str) -> Circuit:
        own = await self._own.leave_all(entries, circuit=circuit)
        try:
            stands = await self._ask_shared(lambda store: store.leave_all(entries, circuit=circuit))
        except _Away:
            self._owe([entry for entry in entries if entry.call in self._inside], was_sent=True)
            return own
        finally:
            self._inside.difference_update(entry.call for entry in entries)
        if not stands.probe:
            self._probing.pop(circuit, None)
        return stands

    def _owe(self, entries: Sequence[Entry], *, was_sent: bool) -> None:
        for entry in entries:
            leave = partial(_leave, entry=entry, was_sent=was_sent)
            self._owed.append(leave)

    async def leave(self, gate: Gate, call: str, *, was_sent: bool = True) -> None:
        def leave(store: GuardStore) -> Awaitable[None]:
            return store.leave(gate, call, was_sent=was_sent)

        # It may have entered by the other store; a place nobody has is nothing to leave.
        await leave(self._own)
        try:
            await self._ask_shared(leave)
        except _Away:
            if call in self._inside:
                self._owed.append(leave)
        self._inside.discard(call)

    async def slow_down(self, gate: Gate, *, retry_after: float | None = None) -> None:
        await self._ask(lambda store: store.slow_down(gate, retry_after=retry_after))

    async def gate_state(self, gate: Gate) -> GateState:
        return await self._ask(lambda store: store.gate_state(gate))

    async def claim(self, name: str, holder: str, *, seconds: float) -> bool:
        return await self._ask(lambda store: store.claim(name, holder, seconds=seconds))

    async def release(self, name: str, holder: str) -> None:
        await self._own.release(name, holder)
        await self._ask(lambda store: store.release(name, holder))

    async def remember(self, name: str, value: str, *, seconds: float) -> None:
        await self._ask(lambda store: store.remember(name, value, seconds=seconds))

    async def recall(self, names: Sequence[str]) -> list[str | None]:
        return await self._ask(lambda store: store.recall(names))

    async def _ask(self, question: Callable[[GuardStore], Awaitable[R]]) -> R:
        try:
            return await self._ask_shared(question)
        except _Away:
            return await question(self._own)

    async def _ask_shared(self, question: Callable[[GuardStore], Awaitable[R]]) -> R:
        """Raises _Away, and says so in the log."""
        now = time.monotonic()
        if now < self._away_until:
            raise _Away(was_asked=False)
        if self._away_until:
            # One call finds out whether it is back; the others need not be patient meanwhile.
            self._away_until = now + AWAY
        try:
            answer = await question(self._shared)
            await self._pay()
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + AWAY
            logger.warning(
                "The shared guards are away (%s); this process guards its own", type(error).__name__
            )
            raise _Away(was_asked=True) from None
        self._away_until = 0.0
        return answer

    async def _pay(self) -> None:
        """Give back what could not be given back while the store was away."""
        while self._owed:
            try:
                debt = self._owed.popleft()
            except IndexError:
                return  # another event loop of this process was faster
            try:
                await debt(self._shared)
            except BaseException:
                self._owed.append(debt)
                raise


async def _leave(store: GuardStore, *, entry: Entry, was_sent: bool) -> None:
    await store.leave(entry.gate, entry.call, was_sent=was_sent)
