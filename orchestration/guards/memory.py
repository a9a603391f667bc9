"""Guards of one process: for a machine without Redis, and for the time that Redis is away."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock

from orchestration.guards.base import (
    LOWEST_PACE,
    ONE_CONGESTION,
    RECOVERY,
    WINDOW,
    Clock,
    Gate,
    GateAnswer,
    GateState,
    GuardStore,
    Transition,
)
from orchestration.guards.circuit import Circuit

# Values kept at a time; the one that was asked for the longest ago goes first.
MOST_VALUES = 1_000
# Gates kept at least before those where nothing happens are looked for and forgotten.
MANY_GATES = 1_000


@dataclass(slots=True)
class _Pace:
    """`rate` as it was at `since`, growing towards twice `full`; the next call may start at `next_at`."""

    full: float
    rate: float
    since: float
    next_at: float

    def now(self, now: float) -> float:
        return self.rate + self.full * max(0.0, now - self.since) / RECOVERY


@dataclass(slots=True)
class _Seen:
    """`starts` has when each call of the last minute began, the oldest first; `under_way` until when a call
    keeps its place."""

    starts: dict[str, float] = field(default_factory=dict)
    under_way: dict[str, float] = field(default_factory=dict)
    pace: _Pace | None = None

    @property
    def is_idle(self) -> bool:
        return not (self.starts or self.under_way or self.pace)

    def tidy(self, now: float) -> None:
        while self.starts and self.starts[oldest := next(iter(self.starts))] <= now - WINDOW:
            del self.starts[oldest]
        for call in [call for call, until in self.under_way.items() if until <= now]:
            del self.under_way[call]
        if self.pace and self.pace.now(now) >= 2 * self.pace.full:
            self.pace = None

    def take_back(self, call: str) -> None:
        """The call was not sent after all; what it was to wait for is there for the next one."""
        is_latest = next(reversed(self.starts), None) == call
        started = self.starts.pop(call, None)
        if started is not None and is_latest and self.pace and self.pace.since <= started:
            self.pace.next_at = started


class MemoryGuards(GuardStore):
    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        # Several event loops of a process use the same guards; no lock is held across an await.
        self._lock = Lock()
        self._circuits: dict[str, Circuit] = {}
        self._gates: dict[str, _Seen] = {}
        self._many = MANY_GATES
        self._claims: dict[str, tuple[str, float]] = {}
        self._values: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def now(self) -> float:
        return self._clock()

    async def circuits(self, keys: Sequence[str]) -> list[Circuit]:
        return [self._circuits.get(key, Circuit()) for key in keys]

    async def change_circuit(self, key: str, transition: Transition) -> Circuit | None:
        with self._lock:
            changed = transition(self._circuits.get(key, Circuit()), self._clock())
            if changed == Circuit():
                self._circuits.pop(key, None)
            elif changed is not None:
                self._circuits[key] = changed
            return changed

    async def enter(self, gate: Gate, call: str, *, seconds: float) -> GateAnswer:
        with self._lock:
            now = self._clock()
            seen = self._seen(gate, now)
            if gate.per_minute is not None and len(seen.starts) >= gate.per_minute:
                # The one that has to leave the window before there is room.
                leaving = next(islice(seen.starts.values(), len(seen.starts) - gate.per_minute, None))
                return GateAnswer(admitted=False, cause="rate", wait=leaving + WINDOW - now)
            if gate.concurrent is not None and len(seen.under_way) >= gate.concurrent:
                return GateAnswer(admitted=False, cause="concurrency")
            if gate.is_paced and (pace := seen.pace):
                if now < pace.next_at:
                    return GateAnswer(admitted=False, cause="pace", wait=pace.next_at - now)
                pace.next_at = now + 60.0 / pace.now(now)
            seen.starts[call] = now
            seen.under_way[call] = now + seconds
            return GateAnswer(admitted=True)

    async def leave(self, gate: Gate, call: str, *, was_sent: bool = True) -> None:
        with self._lock:
            if seen := self._gates.get(gate.key):
                seen.under_way.pop(call, None)
                if not was_sent:
                    seen.take_back(call)

    async def slow_down(self, gate: Gate, *, retry_after: float | None = None) -> None:
        with self._lock:
            now = self._clock()
            seen = self._seen(gate, now)
            if seen.pace and now - seen.pace.since < ONE_CONGESTION:
                return
            full = seen.pace.full if seen.pace else max(float(len(seen.starts)), 2 * LOWEST_PACE)
            rate = max(LOWEST_PACE, (seen.pace.now(now) if seen.pace else full) / 2)
            wait = 60.0 / rate if retry_after is None else retry_after
            seen.pace = _Pace(full=full, rate=rate, since=now, next_at=now + wait)

    async def gate_state(self, gate: Gate) -> GateState:
        with self._lock:
            now, seen = self._clock(), self._gates.get(gate.key) or _Seen()
            seen.tidy(now)
            pace = seen.pace.now(now) if seen.pace else None
            return GateState(recent=len(seen.starts), under_way=len(seen.under_way), pace=pace)

    def _seen(self, gate: Gate, now: float) -> _Seen:
        if gate.key not in self._gates:
            self._make_room(now)
        seen = self._gates.setdefault(gate.key, _Seen())
        seen.tidy(now)
        return seen

    def _make_room(self, now: float) -> None:
        """Forget the gates where nothing happens, once there are twice as many as the last time."""
        if len(self._gates) < self._many:
            return
        for seen in self._gates.values():
            seen.tidy(now)
        self._gates = {key: seen for key, seen in self._gates.items() if not seen.is_idle}
        self._many = max(MANY_GATES, 2 * len(self._gates))

    async def claim(self, name: str, holder: str, *, seconds: float) -> bool:
        now = time.monotonic()
        with self._lock:
            held = self._claims.get(name)
            if held and held[0] != holder and now < held[1]:
                return False
            self._claims[name] = (holder, now + seconds)
            return True

    async def release(self, name: str, holder: str) -> None:
        with self._lock:
            if name in self._claims and self._claims[name][0] == holder:
                del self._claims[name]

    async def remember(self, name: str, value: str, *, seconds: float) -> None:
        with self._lock:
            self._values[name] = (value, time.monotonic() + seconds)
            self._values.move_to_end(name)
            while len(self._values) > MOST_VALUES:
                self._values.popitem(last=False)

    async def recall(self, names: Sequence[str]) -> list[str | None]:
        with self._lock:
            return [self._value(name) for name in names]

    def _value(self, name: str) -> str | None:
        value, until = self._values.get(name, (None, 0.0))
        if value is None:
            return None
        if until <= time.monotonic():
            del self._values[name]
            return None
        self._values.move_to_end(name)
        return value
