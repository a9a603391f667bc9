"""The views that ask a model for their user, and work whose texts are shown while they are written:
`Accept: text/event-stream`.

Events (https://html.spec.whatwg.org/multipage/server-sent-events.html), each with JSON as its data:

    meta    {"request_id"}
    delta   {"path", "text", "is_checked": false}   a text that goes on; with "is_replaced" it begins anew
    done    {"status", "data"}                      what the endpoint answers without the header
    error   {"code", "message", "details"}

What a delta shows has not been checked and may not be in the document; `done` has what holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, suppress
from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django_guid import get_guid
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from orjson import dumps
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.async_views import AsyncAPIView
from accounts.errors import DomainError, told
from accounts.idempotency import HEADER, REPLAYED_HEADER
from orchestration.calls.heard import Hear
from usage.ledger.base import QuotaExceeded
from usage.quotas import headers_of


class GeneratingAPIView(AsyncAPIView):
    """Says in headers, too, which quotas of the user are nearly used up, or which one refused the call. An
    answer that is given again, and one that comes as events, says it in its body alone."""

    def handle_exception(self, exc: Exception) -> Response:
        response: Response = super().handle_exception(exc)
        if isinstance(exc, QuotaExceeded):
            _add(response, [exc.details])
        return response

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        data = getattr(final, "data", None)
        if isinstance(data, dict) and REPLAYED_HEADER not in final:
            _add(final, data.get("quota_warnings") or [])
        return final


def _add(response: HttpResponseBase, quotas: list[Any]) -> None:
    for name, value in headers_of(quotas, now=timezone.now()).items():
        response[name] = value


MEDIA_TYPE = "text/event-stream"
# A comment now and then keeps proxies from taking the connection for dead.
ALIVE_EVERY_SECONDS = 15.0

EVENTS = {(200, MEDIA_TYPE): OpenApiResponse(OpenApiTypes.STR, description="meta, delta …, done or error.")}
# Does the work, telling what has come so far; returns the status and the data of the answer.
Work = Callable[[Hear], Awaitable[tuple[int, Any]]]
# Makes a text fit to be seen, such as names that a model was not told.
Show = Callable[[str], str]


class NotWithAStream(DomainError):
    code = "not_with_a_stream"
    status = 400
    message = "An Idempotency-Key does not go with a stream. Leave one out, or send Prefer: respond-async."


class StreamedToo(DefaultContentNegotiation):
    """JSON where events are asked for: it is what refusals are written in."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        if wants_events(request):
            return renderers[0], renderers[0].media_type
        selected: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
        return selected


def wants_events(request: Request) -> bool:
    """Whether events are named, and nothing is liked better than they are."""
    events, whole = request.accepted_type(MEDIA_TYPE), request.accepted_type("application/json")
    if events is None or str(events.sub_type) != "event-stream":
        return False
    return whole is None or bool(events.quality >= whole.quality)


async def streamed(request: Request, work: Work, *, show: Show = str) -> StreamingHttpResponse:
    """The work as events. What goes wrong before there is anything to show is raised, so that it is answered
    with its status; NotWithAStream for a request that also wants to be repeatable."""
    if HEADER in request.headers:
        raise NotWithAStream
    shown = _Shown(work, show)
    await shown.begun()
    return EventStream(shown)


class EventStream(StreamingHttpResponse):
    """Ends the work when the client leaves, whatever Django is doing then."""

    def __init__(self, shown: _Shown) -> None:
        self._content = shown.events()
        super().__init__(self._content, content_type=MEDIA_TYPE)
        self["Cache-Control"] = "no-store"
        # Proxies of nginx's kind would hold the pieces back.
        self["X-Accel-Buffering"] = "no"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(self._content) as content:
            async for event in content:
                yield event


class _Shown:
    """The work under way, and what there is to tell of it."""

    def __init__(self, work: Work, show: Show) -> None:
        self._show = show
        self._told: dict[str, str] = {}
        self._events: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._first = asyncio.Event()
        self._task = asyncio.ensure_future(work(self._hear))
        self._task.add_done_callback(self._ended)

    async def begun(self) -> None:
        try:
            await self._first.wait()
        except asyncio.CancelledError:
            await self._stop()
            raise
        if self._task.done() and not self._told:
            self._task.result()

    async def events(self) -> AsyncGenerator[bytes]:
        try:
            yield _event("meta", {"request_id": get_guid() or ""})
            while (event := await self._next()) is not None:
                yield event
            yield self._last()
            with suppress(DomainError):
                # What nobody foresaw is logged by whoever serves the events.
                self._task.result()
        finally:
            await self._stop()

    async def _next(self) -> bytes | None:
        try:
            return await asyncio.wait_for(self._events.get(), ALIVE_EVERY_SECONDS)
        except TimeoutError:
            return b": still working\n\n"

    def _last(self) -> bytes:
        if error := self._task.exception():
            said = error if isinstance(error, DomainError) else told(error)
            return _event("error", {"code": said.code, "message": said.message, "details": said.details})
        status, data = self._task.result()
        return _event("done", {"status": status, "data": data})

    async def _stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._task

    def _ended(self, _: Any) -> None:
        self._events.put_nowait(None)
        self._first.set()

    def _hear(self, partial: Any) -> None:
        for path, text in _texts(partial, ""):
            seen, before = self._show(text), self._told.get(path, "")
            if seen == before:
                continue
            delta: dict[str, Any] = {"path": path, "text": seen[len(before) :], "is_checked": False}
            if not seen.startswith(before):
                delta |= {"text": seen, "is_replaced": True}
            self._told[path] = seen
            self._events.put_nowait(_event("delta", delta))
            self._first.set()


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and value:
        yield path, value
    members = (
        enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    )
    for name, member in members:
        yield from _texts(member, f"{path}.{name}" if path else str(name))


def _event(name: str, data: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), dumps(data, default=str))
