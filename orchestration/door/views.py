"""The door for every client that speaks OpenAI's protocol: authenticate, read, one call, write."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from orjson import dumps
from psycopg_pool import PoolTimeout

from accounts.async_views import stays_on_loop
from accounts.concurrency import in_database_thread
from accounts.errors import DomainError
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.calls.results import GenerationResult
from orchestration.calls.streaming import GenerationStream
from orchestration.door import requests
from orchestration.door.entry import Entry, assumed, enter, names_for, secret_in
from orchestration.door.errors import BodyTooLarge, MethodNotAllowed, ModelNotFound, shaped
from orchestration.door.replies import Frame, completion, events
from orchestration.door.requests import Asked
from orchestration.routing.names import ModelName
from usage.ledger.base import StaleRouting

# Django's types know no view that is awaited.
View = Callable[..., Any]


class DatabaseAway(DomainError):
    code = "database_unavailable"
    status = 503
    message = "The database cannot be reached right now. Try again in a few seconds."


def door(method: str) -> Callable[[View], View]:
    """A view for one method, whose refusals are in OpenAI's form."""

    def decorate(view: View) -> View:
        @stays_on_loop
        @csrf_exempt
        @wraps(view)
        async def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            try:
                if request.method != method:
                    raise MethodNotAllowed(f"This address takes {method} alone.")
                answer: HttpResponseBase = await view(request, **kwargs)
                return answer
            except DomainError as error:
                return _refusal(error)
            except (OperationalError, InterfaceError, PoolTimeout):
                return _refusal(DatabaseAway(retry_after=5))

        return guarded

    return decorate


@door("POST")
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    secret = secret_in(request.headers.get("Authorization", ""))
    asked = requests.read(_body(request))
    if entry := assumed(secret, asked):
        with suppress(StaleRouting):
            return await _reply(asked, entry)
    return await _reply(asked, await in_database_thread(enter, secret, asked.model))


async def _reply(asked: Asked, entry: Entry) -> HttpResponseBase:
    """StaleRouting where the entry was assumed, and is not so any more; nothing was sent then."""
    question = entry.question(asked)
    if asked.is_streamed:
        stream = AIOrchestrator().stream_of(question, entry.begun)
        await stream.__aenter__()
        frame = Frame(question.request_id, stream.answered_by[1], int(time.time()), asked.wants_usage)
        return EventStream(stream, frame)
    result = await AIOrchestrator().ask(question, entry.begun)
    return _tell(_json(completion(result)), result)


@door("GET")
async def models(request: HttpRequest) -> HttpResponseBase:
    names = await in_database_thread(names_for, secret_in(request.headers.get("Authorization", "")))
    return _json({"object": "list", "data": [_model(name) for name in names]})


@door("GET")
async def model(request: HttpRequest, *, name: str) -> HttpResponseBase:
    """One name; a model may be asked for without its provider."""
    names = await in_database_thread(names_for, secret_in(request.headers.get("Authorization", "")))
    for known in names:
        if name in (known.name, known.name.partition("/")[2]):
            return _json(_model(known) | {"id": name})
    raise ModelNotFound(name)


class EventStream(StreamingHttpResponse):
    """Closes the call when the client leaves, whatever Django is doing then."""

    def __init__(self, stream: GenerationStream, frame: Frame) -> None:
        self._content = _events(stream, frame)
        super().__init__(self._content, content_type="text/event-stream")
        self["Cache-Control"] = "no-store"
        # Proxies of nginx's kind would hold the pieces back.
        self["X-Accel-Buffering"] = "no"
        _say(self, *stream.answered_by)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(self._content) as content:
            async for event in content:
                yield event


async def _events(stream: GenerationStream, frame: Frame) -> AsyncGenerator[bytes]:
    async with aclosing(stream), aclosing(events(stream, frame)) as found:
        async for event in found:
            yield event


def _body(request: HttpRequest) -> bytes:
    body = request.read(settings.DOOR_MAX_BODY_BYTES + 1)
    if len(body) > settings.DOOR_MAX_BODY_BYTES:
        raise BodyTooLarge(f"A request has at most {settings.DOOR_MAX_BODY_BYTES} bytes. Send less.")
    return bytes(body)


def _json(body: Any, *, status: int = 200) -> HttpResponse:
    return HttpResponse(dumps(body), status=status, content_type="application/json")


def _refusal(error: DomainError) -> HttpResponse:
    refusal = shaped(error)
    response = _json(refusal.body, status=refusal.status)
    for header, value in refusal.headers.items():
        response[header] = value
    return response


def _model(name: ModelName) -> dict[str, Any]:
    return {"id": name.name, "object": "model", "created": 0, "owned_by": name.owner}


def _say(response: HttpResponseBase, provider_type: str, model_name: str, attempts: int) -> None:
    response["x-aditus-provider"], response["x-aditus-model"] = provider_type, model_name
    response["x-aditus-attempts"] = str(attempts)


def _tell(response: HttpResponse, result: GenerationResult) -> HttpResponse:
    """In headers, what OpenAI's form has no place for."""
    _say(response, result.provider_type, result.model_name, result.attempts)
    if result.cost_usd is not None:
        response["x-aditus-cost-usd"] = f"{result.cost_usd:f}"
    if result.unheard:
        response["x-aditus-unheard"] = ", ".join(result.unheard)
    if result.quota_warnings:
        warnings = (
            f"{one.quota.subject} {one.quota.period} {one.quota.unit} {one.share:.0%}"
            for one in result.quota_warnings
        )
        response["x-aditus-quota-warnings"] = ", ".join(warnings)
    return response
