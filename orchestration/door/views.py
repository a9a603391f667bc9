"""The door for every client that speaks OpenAI's protocol: authenticate, read, one call, write."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from orjson import dumps

from accounts.async_views import stays_on_loop
from accounts.concurrency import OneAhead, in_database_thread, in_parsing_thread
from accounts.errors import DATABASE_AWAY, DatabaseUnavailable, DomainError
from accounts.idempotency import HEADER
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.calls.question import GenerationResult
from orchestration.calls.streaming import GenerationStream
from orchestration.door.entry import Entry, assumed, enter, names_for, recognise, secret_in
from orchestration.door.errors import BodyTooLarge, MethodNotAllowed, ModelNotFound, shaped
from orchestration.door.idempotency import told_once
from orchestration.door.parameters import Asked
from orchestration.door.protocols import CHAT_COMPLETIONS, RESPONSES, Protocol
from orchestration.routing.names import ModelName
from usage.ledger.base import QuotaExceeded, StaleRouting
from usage.quotas import headers_of, openai_headers_of

# Django's types know no view that is awaited.
View = Callable[..., Any]

# Bytes of a request beyond which reading it takes long enough to be noticed by others.
LARGE = 128 * 1024
# A program that begins with a hundred calls at once is looked up once.
_entering = OneAhead()


def door(method: str) -> Callable[[View], View]:
    """A view for one method, whose refusals are in OpenAI's form."""

    def decorate(view: View) -> View:
        @stays_on_loop
        @csrf_exempt
        @wraps(view)
        async def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            if request.method != method:
                refusal = _refusal(MethodNotAllowed(f"This address takes {method} alone."))
                refusal["Allow"] = method
                return refusal
            answer, _ = await _told(view(request, **kwargs))
            return answer

        return guarded

    return decorate


@door("POST")
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    return await _generated(request, CHAT_COMPLETIONS)


@door("POST")
async def responses(request: HttpRequest) -> HttpResponseBase:
    return await _generated(request, RESPONSES)


async def _generated(request: HttpRequest, protocol: Protocol) -> HttpResponseBase:
    secret, body = secret_in(request.headers.get("Authorization", "")), _body(request)
    if len(body) > LARGE:
        await recognise(secret)
        asked = await in_parsing_thread(protocol.read, body)
    else:
        asked = protocol.read(body)
    if HEADER in request.headers:
        return await told_once(request, secret, asked, body, lambda: _told(_answer(secret, asked, protocol)))
    return await _answer(secret, asked, protocol)


async def _told(answering: Awaitable[HttpResponseBase]) -> tuple[HttpResponseBase, int]:
    """The answer or the refusal, and the status that it has among all of ours."""
    try:
        return await answering, 200
    except DomainError as error:
        return _refusal(error), error.status
    except DATABASE_AWAY:
        return _refusal(DatabaseUnavailable()), DatabaseUnavailable.status


async def _answer(secret: str, asked: Asked, protocol: Protocol) -> HttpResponseBase:
    with suppress(StaleRouting):
        return await _reply(asked, assumed(secret, asked) or await _entry(secret, asked), protocol)
    return await _reply(asked, await in_database_thread(enter, secret, asked.model), protocol)


async def _entry(secret: str, asked: Asked) -> Entry:
    async def find() -> Entry:
        known = assumed(secret, asked)
        return known if known else await in_database_thread(enter, secret, asked.model)

    return await _entering.of(secret, find)


async def _reply(asked: Asked, entry: Entry, protocol: Protocol) -> HttpResponseBase:
    """StaleRouting where the entry was assumed, and is not so any more; nothing was sent then."""
    question = entry.question(asked)
    if asked.is_streamed:
        stream = AIOrchestrator().stream_of(question, entry.begun)
        await stream.__aenter__()
        return EventStream(stream, protocol.events(stream, question.request_id, asked))
    result = await AIOrchestrator().ask(question, entry.begun)
    return _tell(_json(protocol.whole(result, asked)), result)


@door("GET")
async def models(request: HttpRequest) -> HttpResponseBase:
    names = await names_for(secret_in(request.headers.get("Authorization", "")))
    return _json({"object": "list", "data": [_model(name) for name in names]})


@door("GET")
async def model(request: HttpRequest, *, name: str) -> HttpResponseBase:
    """One name; a model may be asked for without its provider."""
    names = await names_for(secret_in(request.headers.get("Authorization", "")))
    for known in names:
        if name in (known.name, known.name.partition("/")[2]):
            return _json(_model(known) | {"id": name})
    raise ModelNotFound(name)


class EventStream(StreamingHttpResponse):
    """Closes the call when the client leaves, whatever Django is doing then."""

    def __init__(self, stream: GenerationStream, events: AsyncGenerator[bytes]) -> None:
        self._content = _closing(stream, events)
        super().__init__(self._content, content_type="text/event-stream")
        self["Cache-Control"] = "no-store"
        # Proxies of nginx's kind would hold the pieces back.
        self["X-Accel-Buffering"] = "no"
        _say(self, *stream.answered_by)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(self._content) as content:
            async for event in content:
                yield event


async def _closing(stream: GenerationStream, events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(stream), aclosing(events) as found:
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
    if isinstance(error, QuotaExceeded):
        _say_quotas(response, [error.details])
    return response


def _say_quotas(response: HttpResponse, quotas: list[Any]) -> None:
    now = timezone.now()
    for header, value in (headers_of(quotas, now=now) | openai_headers_of(quotas, now=now)).items():
        response[header] = value


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
        _say_quotas(response, [one.as_dict() for one in result.quota_warnings])
    return response
