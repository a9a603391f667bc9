"""What all processes have to agree on while calls are under way, the contract of where it is kept, and
which of the places this process uses.

Nothing here is the truth about money: quotas are the ledger's. These guards may be forgotten at any time; the
price is a few calls too many at a vendor that is down or busy.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Literal

from django.conf import settings

from accounts.concurrency import PerProcess
from orchestration.guards.circuit import Circuit

# A rate limit looks at the last minute, in seconds.
WINDOW = 60.0
# After a vendor's 429 the pace is halved, then grows by what it was before within this many seconds.
RECOVERY = 60.0
# Calls a minute: a pace never falls below this, and starts from no less than twice as much.
LOWEST_PACE = 6.0
# One congestion shows in many replies at once; within so many seconds they count as one.
ONE_CONGESTION = 2.0

# Changes a circuit at a moment of the store's clock, or gives None to leave it as it is.
Transition = Callable[[Circuit, float], Circuit | None]
# Seconds since the epoch.
Clock = Callable[[], float]
Cause = Literal["", "rate", "pace", "concurrency"]


@dataclass(frozen=True, slots=True)
class Gate:
    """Limits on the calls of one user or provider. `per_minute` and `concurrent` None do not limit.
    `is_paced` gates also slow down after the vendor's 429s (additive increase, multiplicative decrease)."""

    key: str
    per_minute: int | None = None
    concurrent: int | None = None
    is_paced: bool = False

    @property
    def is_needed(self) -> bool:
        return self.is_paced or self.per_minute is not None or self.concurrent is not None


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """Whether a call may pass, and if not, why and after how many seconds it may (0: nobody can tell)."""

    admitted: bool
    cause: Cause = ""
    wait: float = 0.0


ADMITTED = GateAnswer(admitted=True)


@dataclass(frozen=True, slots=True)
class Entry:
    """A call that wants to pass a gate. Its place is free again after `leave`, or after `seconds` should its
    process have died."""

    gate: Gate
    call: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several ways a call may go: the key of the circuit that has to be closed there, and the gate
    behind it. `is_queued`: others wait for that gate, so only the circuit is looked at."""

    circuit: str
    entry: Entry
    is_queued: bool = False


@dataclass(frozen=True, slots=True)
class Choosing:
    """What became of choices at `now` of the store's clock: what the caller's own gate said, and of each
    choice that was looked at, in order, the circuit and what its gate said (None: it was not asked). The last
    one has been entered where its gate says so."""

    now: float
    caller: GateAnswer | None
    looks: tuple[tuple[Circuit, GateAnswer | None], ...] = ()


@dataclass(frozen=True, slots=True)
class GateState:
    """What a gate has seen: calls begun in the last minute, calls under way, and the pace it is held to in
    calls a minute (None: it is not slowed down)."""

    recent: int
    under_way: int
    pace: float | None


class GuardStore(ABC):
    """Every operation is atomic among all that share the store. Times are seconds since the epoch by the
    store's clock, which is one for all that share it: those of their machines may differ."""

    @abstractmethod
    async def now(self) -> float:
        """What the store's clock says."""

    @abstractmethod
    async def circuits(self, keys: Sequence[str]) -> list[Circuit]:
        """The circuits of these keys, in order; one that nobody has heard of is closed."""

    @abstractmethod
    async def change_circuit(self, key: str, transition: Transition) -> Circuit | None:
        """Apply a pure function to a circuit and keep the result; returns what the function returned."""

    @abstractmethod
    async def enter(self, gate: Gate, call: str, *, seconds: float) -> GateAnswer:
        """Let `call` pass the gate if there is room. Its place is free again after `leave`, or after
        `seconds` should its process have died."""

    @abstractmethod
    async def leave(self, gate: Gate, call: str, *, was_sent: bool = True) -> None:
        """Free the place of a call that has ended; one that was not sent counts for neither rate nor pace."""

    async def enter_first(self, choices: Sequence[Choice], *, caller: Entry | None = None) -> Choosing:
        """Let a call pass its caller's gate, if it is given one, and then the first gate that has room behind
        a closed circuit. It ends at a circuit that is half-open: who is to be its probe is another question.

        Need not be atomic as a whole; a store that can do it in one go does so."""
        answer, now = None, await self.now()
        if caller is not None:
            answer = await self.enter(caller.gate, caller.call, seconds=caller.seconds)
            if not answer.admitted:
                return Choosing(now, answer)
        looks: list[tuple[Circuit, GateAnswer | None]] = []
        circuits = await self.circuits([choice.circuit for choice in choices])
        for choice, circuit in zip(choices, circuits, strict=True):
            entry, said = choice.entry, None
            is_closed = circuit.state(now) == "closed"
            if is_closed and not choice.is_queued:
                said = await self.enter(entry.gate, entry.call, seconds=entry.seconds)
            looks.append((circuit, said))
            if (said and said.admitted) or (not choice.is_queued and circuit.state(now) == "half_open"):
                break
        return Choosing(now, answer, tuple(looks))

    async def leave_all(self, entries: Sequence[Entry], *, circuit: str) -> Circuit:
        """Free the places of calls that were sent; returns the circuit of this key as it stands."""
        for entry in entries:
            await self.leave(entry.gate, entry.call)
        [stands] = await self.circuits([circuit])
        return stands

    @abstractmethod
    async def slow_down(self, gate: Gate, *, retry_after: float | None = None) -> None:
        """The vendor said that this was too fast, and perhaps after how many seconds to come back."""

    @abstractmethod
    async def gate_state(self, gate: Gate) -> GateState: ...

    @abstractmethod
    async def claim(self, name: str, holder: str, *, seconds: float) -> bool:
        """Take a name that nobody else holds, or hold it for longer; True for the one whose it is now, until
        `release` or `seconds` passed."""

    @abstractmethod
    async def release(self, name: str, holder: str) -> None:
        """Give back a claimed name; nothing happens when somebody else holds it by now."""

    @abstractmethod
    async def remember(self, name: str, value: str, *, seconds: float) -> None:
        """Keep a value for so long, or shorter where there is no room."""

    @abstractmethod
    async def recall(self, names: Sequence[str]) -> list[str | None]:
        """The values kept under these names, in order."""


_names = PerProcess(lambda: (uuid.uuid4().hex[:20], count()))


def call_name() -> str:
    """A name that no other call anywhere has, without asking the system for randomness each time."""
    process, numbers = _names.get()
    return f"{process}-{next(numbers):x}"


def get_guards() -> GuardStore:
    """This process's view of the guards: in REDIS_URL, or in memory without one."""
    return _guards(settings.REDIS_URL, settings.REDIS_KEY_PREFIX)


@lru_cache(maxsize=4)
def _guards(url: str, prefix: str) -> GuardStore:
    # Late: the stores are made of this module.
    from orchestration.guards.memory import MemoryGuards

    if not url:
        return MemoryGuards()
    from orchestration.guards.fallback import FallbackGuards
    from orchestration.guards.redis import RedisGuards

    return FallbackGuards(RedisGuards(url, prefix), MemoryGuards())
