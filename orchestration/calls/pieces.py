"""What a streamed answer hands from the task that asks the vendor to the one that reads."""

from __future__ import annotations

import asyncio
from collections import deque

from django.conf import settings

# Pieces that may wait for the reader; then the vendor waits too.
MOST_WAITING = 64
# Seconds of waiting for the reader after which it is no fault of the vendor's that time ran out.
_WAIT_THAT_EXCUSES = 1.0


class Pieces:
    """Text between one writer and one reader on the same event loop. `written` counts the UTF-8 bytes that
    were handed on; `answered_by` is the provider type, the model and the number of the attempt they come
    of."""

    def __init__(self) -> None:
        self.written = 0
        self.answered_by = ("", "", 0)
        self._waiting: deque[str] = deque()
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._waited = 0.0
        self._is_over = False

    @property
    def has_begun(self) -> bool:
        return self.written > 0

    @property
    def was_kept_waiting(self) -> bool:
        """Whether the writer waited for the reader for so long that the vendor cannot be blamed for it."""
        return self._waited > _WAIT_THAT_EXCUSES

    async def give(self, text: str) -> None:
        """Hand on text that is not empty; waits where the reader is behind. CancelledError when it reads
        nothing for settings.STREAM_IDLE_SECONDS: nobody is there any more."""
        loop = asyncio.get_running_loop()
        while len(self._waiting) >= MOST_WAITING:
            since = loop.time()
            self._room.clear()
            try:
                async with asyncio.timeout(settings.STREAM_IDLE_SECONDS):
                    await self._room.wait()
            except TimeoutError:
                raise asyncio.CancelledError("nobody reads the stream") from None
            finally:
                self._waited += loop.time() - since
        self._waiting.append(text)
        self.written += len(text.encode(errors="replace"))
        self._news.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._is_over = True
        self._news.set()

    async def begun(self) -> None:
        """Returns once there is something to take, or nothing will come."""
        while not self._waiting and not self._is_over:
            self._news.clear()
            await self._news.wait()

    async def take(self) -> str:
        """What has come since the last time, as soon as there is something; empty at the end."""
        await self.begun()
        text = "".join(self._waiting)
        self._waiting.clear()
        self._room.set()
        return text
