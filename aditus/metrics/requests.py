"""Counting requests by route and status."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from aditus.metrics import counting
from usage.metrics.observers import Guarded
from usage.metrics.prometheus import OTHER, Instruments

# As OpenTelemetry has it: what anybody may invent is not a label.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@sync_and_async_middleware
def request_counts_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    observer = counting()
    if observer is None:
        raise MiddlewareNotUsed

    return watched(get_response, lambda request: _under_way(observer.instruments, request))


def watched(
    get_response: Callable[[HttpRequest], Any],
    watching: Callable[[HttpRequest], AbstractContextManager[list[HttpResponseBase]]],
) -> Callable[[HttpRequest], Any]:
    """A middleware that answers within what `watching` opens for each request, and hands it the response.
    Nothing that goes wrong there reaches the client."""
    if iscoroutinefunction(get_response):

        async def through(request: HttpRequest) -> Any:
            with Guarded(lambda: watching(request)) as answered:
                response = await get_response(request)
                if answered is not None:
                    answered.append(response)
            return response

        return through

    def through_sync(request: HttpRequest) -> Any:
        with Guarded(lambda: watching(request)) as answered:
            response = get_response(request)
            if answered is not None:
                answered.append(response)
        return response

    return through_sync


@contextmanager
def _under_way(counts: Instruments, request: HttpRequest) -> Iterator[list[HttpResponseBase]]:
    """Takes the response, so that whatever goes wrong in counting it does so at the end of the block."""
    began, answered = time.perf_counter(), list[HttpResponseBase]()
    counts.requests_in_flight.inc()
    try:
        yield answered
    finally:
        counts.requests_in_flight.dec()
        for response in answered:
            route = route_of(request)
            counts.requests.labels(method_of(request), route, response.status_code).inc()
            counts.request_seconds.labels(route).observe(time.perf_counter() - began)


def method_of(request: HttpRequest) -> str:
    return request.method if request.method in _METHODS else OTHER


def route_of(request: HttpRequest) -> str:
    """The pattern that the address was recognised by; nothing that the caller made up."""
    match = request.resolver_match
    return f"/{match.route}" if match else OTHER
