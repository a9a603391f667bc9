"""What a call has been given by the guards, and has to give back; and the calls of this process that wait
for a provider with no room: a queue a gate, in which users take turns.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from orchestration.errors import TooManyCalls
from orchestration.guards.base import Entry, GateAnswer
from orchestration.routing.candidates import Candidate
from providers.errors import ProviderError


class WaitingRoom:
    """One call at a time has the turn and tries the gate. The next turn goes to the user who has waited the
    longest for one: a user with a hundred calls delays another's first by one call, not by a hundred."""

    def __init__(self) -> None:
        self._queues: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()
        self._is_taken = False

    @property
    def has_queue(self) -> bool:
        return self._is_taken

    @asynccontextmanager
    async def turn(self, user_id: int) -> AsyncIterator[None]:
        """Wait for the turn; it passes on at the end of the block, also when the caller is cancelled."""
        if self._is_taken:
            await self._wait(user_id)
        self._is_taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, user_id: int) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(user_id, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()
            else:
                self._leave(user_id, mine)
            raise

    def _leave(self, user_id: int, waiter: asyncio.Future[None]) -> None:
        queue = self._queues.get(user_id)
        if queue and waiter in queue:
            queue.remove(waiter)
            if not queue:
                del self._queues[user_id]

    def _pass_on(self) -> None:
        while self._queues:
            user_id, queue = self._queues.popitem(last=False)
            waiter = queue.popleft()
            if queue:
                self._queues[user_id] = queue
            if not waiter.done():
                waiter.set_result(None)
                return
        self._is_taken = False


_rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, WaitingRoom]] = WeakKeyDictionary()


def waiting_room(gate: str) -> WaitingRoom:
    """The room in front of a gate, on the running event loop."""
    rooms = _rooms.setdefault(asyncio.get_running_loop(), {})
    return rooms.setdefault(gate, WaitingRoom())


@dataclass(slots=True)
class Visit:
    """A call's place at the gate of its user: `is_inside` while it has it, `is_expected` while it is to take
    it with the first pass. It counts for the rate unless `is_counted` says otherwise before the end. `whose`
    limits are the gate's, at the beginning of a sentence."""

    entry: Entry
    is_expected: bool = False
    is_inside: bool = False
    is_counted: bool = True
    whose: str = "Your plan"

    def told(self, answer: GateAnswer) -> None:
        """What the gate said; TooManyCalls when the call may not pass."""
        if not answer.admitted:
            raise TooManyCalls.because(answer.cause, wait=answer.wait, gate=self.entry.gate, whose=self.whose)
        self.is_expected, self.is_inside = False, True


@dataclass(slots=True)
class Pass:
    """One candidate's leave to be asked once. `sent` before the request leaves makes it count for the
    provider's rate; `answered` or `failed` before it ends tells the circuit how the vendor did, neither that
    nobody knows. An answer begins its `ending`, which goes on beside the account of the call. `in_a_row`: so
    many have failed like this at its end, with no answer between them. `visit`: the place at the user's gate
    that ends with it."""

    candidate: Candidate
    entry: Entry
    user_id: int
    was_sent: bool = False
    was_answered: bool = False
    error: ProviderError | None = None
    is_helped: bool = False
    in_a_row: int = 0
    visit: Entry | None = None
    end: Callable[[Pass], asyncio.Task[None]] | None = None
    ending: asyncio.Task[None] | None = None

    def sent(self) -> None:
        self.was_sent = True

    def answered(self) -> None:
        self.was_answered = True
        if self.end is not None:
            self.ending = self.end(self)

    def failed(self, error: ProviderError, *, is_helped: bool = False) -> None:
        """`is_helped`: the next request will be made without what was refused."""
        self.error, self.is_helped = error, is_helped

    @property
    def whose(self) -> str:
        """By whom or what its failure is counted among others like it."""
        flag = self.error.meaning.flag if self.error and not self.is_helped else None
        if flag is None:
            return ""
        return str(self.user_id) if flag.counted == "callers" else self.entry.call


@dataclass(frozen=True, slots=True)
class Unavailable:
    """`wait` in seconds until the candidate may be free, 0 when nobody can tell. `is_busy`: waiting helps."""

    candidate: Candidate
    wait: float
    is_busy: bool
