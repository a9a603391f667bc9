"""Calls of this process that wait for a provider with no room: a queue a gate, in which users take turns."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary


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
