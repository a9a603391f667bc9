"""`Idempotency-Key` at the door: a completion that is asked for again is the one that was given, and not
billed again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from accounts.concurrency import in_database_thread
from accounts.errors import DomainError
from accounts.idempotency import HEADER, KEPT, REPLAYED_HEADER, Answer, once
from accounts.personal_tokens import find
from orchestration.door.errors import NotWithAStream
from orchestration.door.parameters import Asked

Told = tuple[HttpResponseBase, int]


async def told_once(
    request: HttpRequest, secret: str, asked: Asked, body: bytes, tell: Callable[[], Awaitable[Told]]
) -> HttpResponseBase:
    """What `tell` answers, refusals included, with the status that a refusal has among all of ours; the first
    answer when the key of the request has one. Raises what `accounts.idempotency.once` does, NotWithAStream,
    and InvalidPersonalToken: nothing is given again to a token that has ended, or to another."""
    if asked.is_streamed:
        raise NotWithAStream
    token = await in_database_thread(find, secret)
    done = await once(
        tell,
        user_id=token.user_id,
        key=request.headers[HEADER],
        fingerprint=_fingerprint(request.path, token.pk, body),
        answer_of=_answer_of,
    )
    return _replayed(done) if isinstance(done, Answer) else done[0]


def _fingerprint(path: str, token_id: int, body: bytes) -> str:
    asked = json.dumps([path, token_id, orjson.loads(body)], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def _answer_of(told: Told) -> Answer | None:
    response, status = told
    if status not in KEPT or not isinstance(response, HttpResponse):
        return None
    return Answer(response.status_code, dict(response.headers), response.content.decode())


def _replayed(answer: Answer) -> HttpResponse:
    if answer.status == DomainError.status:
        raise DomainError
    headers = answer.headers | {REPLAYED_HEADER: "true"}
    return HttpResponse(answer.body, status=answer.status, headers=headers)
