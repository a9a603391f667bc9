"""A call whose answer is handed on as it comes.

The vendor is asked by a task of its own, so that whatever becomes of the reader, the attempt is ended and
settled in one place: a reader that leaves cancels the task, and one that stops reading is given up on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings

from accounts.concurrency import keep
from orchestration.errors import StreamNotRead
from providers.adapters.base import AIProvider, GenerationRequest, ProviderReply, TokenUsage
from providers.adapters.reading import reported_so_far
from providers.errors import ErrorKind, ProviderError
from usage.ledger.base import Attempt
from usage.quotas import BYTES_PER_TOKEN

if TYPE_CHECKING:
    from orchestration.calls.call import Call
    from orchestration.calls.question import GenerationResult

# What ends an answer that has come to its end: there, what the vendor reports is all.
_AT_THE_END = frozenset({ErrorKind.UNPARSABLE, ErrorKind.BLOCKED})
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


class GenerationStream:
    """`async with AIOrchestrator().stream(…) as stream: async for text in stream: …`, then `stream.result`.

    Entering waits for the first piece and raises whatever `generate` would: until then nothing was handed on,
    and another provider may have been asked. Iterating raises StreamInterrupted or a refusal when the vendor
    ends badly later. Leaving early, or being cancelled, closes the vendor's stream and settles what was used.
    """

    def __init__(self, answer: Callable[[Pieces], Coroutine[Any, Any, GenerationResult]]) -> None:
        self._answer = answer
        self._task: asyncio.Task[GenerationResult] | None = None

    @property
    def result(self) -> GenerationResult:
        """Of a stream that was read to its end; RuntimeError before."""
        if self._task is None or not self._task.done():
            raise RuntimeError("The stream has not come to its end.")
        return self._task.result()

    @property
    def answered_by(self) -> tuple[str, str, int]:
        """Provider type, model and number of attempts, of a stream that was entered."""
        return self._pieces.answered_by

    async def __aenter__(self) -> Self:
        self._pieces = Pieces()
        self._task = keep(self._run(self._pieces))
        self._task.add_done_callback(_looked_at)
        try:
            await self._pieces.begun()
            if self._task.done() and not self._pieces.has_begun:
                self._raise_failure()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the call if it is under way; returns when it is settled."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    async def __aiter__(self) -> AsyncIterator[str]:
        while text := await self._pieces.take():
            yield text
        self._raise_failure()

    async def _run(self, pieces: Pieces) -> GenerationResult:
        try:
            return await self._answer(pieces)
        finally:
            # The task is done when the reader hears of it.
            asyncio.get_running_loop().call_soon(pieces.end)

    def _raise_failure(self) -> None:
        """Raise what the call ended by, if it failed."""
        if self._task is None:
            return
        if self._task.cancelled():
            raise StreamNotRead
        self._task.result()


def _looked_at(task: asyncio.Task[Any]) -> None:
    # Whoever left does not ask what became of it, and asyncio would complain.
    with suppress(asyncio.CancelledError):
        task.exception()


async def reply_in_pieces(adapter: AIProvider, request: GenerationRequest, pieces: Pieces) -> ProviderReply:
    """Ask once and hand on the text as it comes; the whole reply at the end. Raises ProviderError like
    `AIProvider.stream_content`, and for a vendor that has begun and says nothing for
    settings.STREAM_IDLE_SECONDS.

    A form that was asked for by prompt may stand among other words, so it is handed on at the end.
    """
    is_held_back = request.structured_by_prompt
    async with aclosing(adapter.stream_content(request)) as stream:
        while True:
            item = await _next(stream, adapter, has_begun=pieces.has_begun)
            if isinstance(item, ProviderReply):
                break
            if item and not is_held_back:
                await pieces.give(item)
    if is_held_back and item.text:
        await pieces.give(item.text)
    return item


async def _next(
    stream: AsyncIterator[str | ProviderReply], adapter: AIProvider, *, has_begun: bool
) -> str | ProviderReply:
    idle = asyncio.timeout(settings.STREAM_IDLE_SECONDS if has_begun else None)
    try:
        async with idle:
            return await anext(stream)
    except TimeoutError:
        if not idle.expired():
            raise
        message = "The provider stopped in the middle of its answer."
        raise ProviderError(ErrorKind.TIMEOUT, message, vendor=adapter.vendor, may_have_cost=True) from None


def estimate_after(
    error: ProviderError, call: Call, attempt: Attempt, adapter: AIProvider
) -> TokenUsage | None:
    """`estimate_of`, unless the answer had come to its end and the vendor has reported what it used."""
    if error.usage is not None and error.kind in _AT_THE_END:
        return None
    return estimate_of(call, attempt, adapter)


def estimate_of(call: Call, attempt: Attempt, adapter: AIProvider) -> TokenUsage | None:
    """What a stream used that was left in the middle: what the vendor has reported up to there, and at least
    what the text took that came. None where nothing came, or where the model may have thought unseen: what
    was reserved is the estimate then."""
    if not call.has_begun_to_answer or call.pieces is None:
        return None
    told = reported_so_far()
    if adapter.thinks_unseen and not (told and told.reasoning_tokens):
        return None
    written = -(-call.pieces.written // BYTES_PER_TOKEN)
    if told is None:
        return TokenUsage(input_tokens=attempt.reserved_input_tokens, output_tokens=written)
    return TokenUsage(
        input_tokens=told.input_tokens,
        output_tokens=max(told.output_tokens, written),
        cached_tokens=told.cached_tokens,
        cache_write_tokens=told.cache_write_tokens,
        cache_write_1h_tokens=told.cache_write_1h_tokens,
        reasoning_tokens=told.reasoning_tokens,
        extras=told.extras,
    )
