"""A span for each request, as part of the caller's trace where it has one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django_guid import get_guid

from aditus.metrics.requests import method_of, route_of, watched
from aditus.telemetry import sending
from aditus.telemetry.sending import Telemetry, fail


@sync_and_async_middleware
def request_spans_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    observer = sending()
    if observer is None:
        raise MiddlewareNotUsed

    return watched(get_response, lambda request: _span(observer.telemetry, request))


@contextmanager
def _span(telemetry: Telemetry, request: HttpRequest) -> Iterator[list[HttpResponseBase]]:
    """Takes the response, so that whatever goes wrong in telling of it does so at the end of the block."""
    from opentelemetry.trace import SpanKind

    began, method = time.perf_counter(), method_of(request)
    carrier = {name: request.headers[name] for name in telemetry.propagator.fields if name in request.headers}
    attributes = {
        "http.request.method": method,
        "url.scheme": str(request.scheme),
        "aditus.request_id": get_guid() or "",
    }
    parent = telemetry.propagator.extract(carrier)
    answered: list[HttpResponseBase] = []
    with telemetry.span(method, SpanKind.SERVER, attributes, parent) as span:
        yield answered
        for response in answered:
            route, status = route_of(request), response.status_code
            span.update_name(f"{method} {route}")
            known: dict[str, Any] = {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
            }
            span.set_attributes(known)
            if status >= 500:
                fail(span, str(status))
            telemetry.requests.record(time.perf_counter() - began, known)
