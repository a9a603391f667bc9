"""Requests that stay on the event loop from the first byte to the last.

Django takes a request into a thread of its own about fifteen times: for the signals at its beginning and its
end, and twice for most of its middlewares. That is several times what the rest of an API call costs, and a
place in a queue while the machine is busy. A view that `accounts.async_views.stays_on_loop` marks needs none
of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, cast

from asgiref.sync import SyncToAsync, iscoroutinefunction, sync_to_async
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.exception import convert_exception_to_response
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch, get_urlconf, resolve, set_script_prefix
from django.utils.decorators import sync_and_async_middleware

Next = Callable[[HttpRequest], Any]


class LoopHandler(ASGIHandler):
    """Django's, for which a request begins and ends in its thread only when it has one.

    What its signals look after (connections, queries, caches) belongs to the request's thread. That is a new
    one for each request and has nothing old in it, and most requests of the API never have any.
    """

    def __init__(self) -> None:
        super().__init__()
        for receiver in (close_old_connections, reset_queries):
            request_started.disconnect(receiver)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            set_script_prefix(get_script_prefix(scope))
            await request_started.asend(sender=type(self), scope=scope)
            request, refusal = self.create_request(scope, body)
            if request is None and refusal is not None:
                await self.send_response(refusal, send)
                await _finish(refusal.close)
                return
            answering = asyncio.create_task(self._answer(cast(HttpRequest, request), send))
            leaving = asyncio.create_task(self.listen_for_disconnect(receive))
            try:
                await asyncio.wait((leaving, answering), return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                # The server ends, and waits for this task only.
                await _first_of(answering, leaving)
                raise
            response = await _first_of(answering, leaving)
            await _finish(response.close if response else partial(request_finished.send, type(self)))

    async def _answer(self, request: HttpRequest, send: Any) -> HttpResponseBase:
        response: HttpResponseBase = await self.run_get_response(request)
        # Who cancels here has left while the answer was on its way.
        with suppress(asyncio.CancelledError):
            await self.send_response(response, send)
        return response


async def _first_of(
    answering: asyncio.Task[HttpResponseBase], leaving: asyncio.Task[None]
) -> HttpResponseBase | None:
    """The answer; None when the client left before there was one. The other task has ended as well then."""
    for task in (leaving, answering):
        if not task.done():
            task.cancel()
    with suppress(RequestAborted, asyncio.CancelledError):
        await leaving
    try:
        return await answering
    except asyncio.CancelledError:
        return None


async def _finish(end: Callable[[], object]) -> None:
    """In the request's thread, if it has one."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context in SyncToAsync.context_to_thread_executor:
        await sync_to_async(end)()
    else:
        end()


@sync_and_async_middleware
def loop_views_middleware(get_response: Next) -> Next:
    """Call a view that stays on the loop from here, with the headers and the redirect to HTTPS that the
    middlewares behind give every page; let all others pass."""
    if not iscoroutinefunction(get_response):
        return get_response
    security, frames = SecurityMiddleware(get_response), XFrameOptionsMiddleware(get_response)

    @convert_exception_to_response
    async def view(request: HttpRequest) -> Any:
        match = cast(ResolverMatch, request.resolver_match)
        return await match.func(request, *match.args, **match.kwargs)

    @convert_exception_to_response
    async def checked(request: HttpRequest) -> Any:
        if not getattr(cast(ResolverMatch, request.resolver_match).func, "answers_at_any_name", False):
            # Raises for a Host that is not ours.
            request.get_host()
        response = frames.process_response(request, await cast(Any, view)(request))
        if not response.streaming and not response.has_header("Content-Length"):
            response.headers["Content-Length"] = str(len(response.content))
        return response

    async def through(request: HttpRequest) -> Any:
        match = _match(request.path_info, get_urlconf())
        if match is None:
            return await get_response(request)
        request.resolver_match = match
        response = security.process_request(request) or await cast(Any, checked)(request)
        return security.process_response(request, response)

    return through


@lru_cache(maxsize=1024)
def _match(path: str, urlconf: str | None) -> ResolverMatch | None:
    """Where the path leads, if to a view that stays on the loop."""
    try:
        match = resolve(path, urlconf)
    except Http404:
        return None
    return match if getattr(match.func, "stays_on_loop", False) else None
