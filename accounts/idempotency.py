"""`Idempotency-Key`: a request that is sent again is answered again, and neither done nor billed again.

After https://docs.stripe.com/api/idempotent_requests and draft-ietf-httpapi-idempotency-key-header-07. A key
belongs to its user and is good for a day. What was refused before anything was done (not valid, no quota,
nothing configured) is not kept, so the same key may be tried again. The work goes on when the client is
gone: that its connection broke is the usual reason for sending a request again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, Protocol, TypeVar, cast
from uuid import uuid4

from django.core.files.uploadedfile import UploadedFile
from django.db.models.functions import Now
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from accounts.concurrency import in_database_thread, keep, kept
from accounts.errors import DomainError
from accounts.models import IdempotencyKey, User

logger = logging.getLogger(__name__)
R = TypeVar("R")

HEADER, REPLAYED_HEADER = "Idempotency-Key", "Idempotent-Replayed"
DESCRIPTION = (
    "Names the request. The same one again within 24 hours is answered as the first was and costs nothing; "
    "409 `request_in_progress` while the first is worked on, 422 `idempotency_key_reused` for "
    "another request."
)
GOOD_FOR = timedelta(hours=24)
# A process that died is waited for this long, by the database's clock: those of processes differ. Renewed
# often enough for a database that is away shortly.
HELD_FOR, RENEWED_EVERY_SECONDS = timedelta(seconds=60), 15.0
# The statuses of what was done; the others tell that nothing was.
KEPT = frozenset({200, 201, 202, 204, 422, 500, 502, 504})
_FORM = re.compile(r"[\x21-\x7e]{1,255}")
SCHEMA = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}


class InvalidIdempotencyKey(DomainError):
    code = "invalid_idempotency_key"
    status = 400
    message = "An Idempotency-Key has 1 to 255 visible ASCII characters. A new UUID serves well."


class IdempotencyKeyReused(DomainError):
    code = "idempotency_key_reused"
    status = 422
    message = "This Idempotency-Key came with another request before. Send a new key with a new request."


class RequestInProgress(DomainError):
    code = "request_in_progress"
    status = 409
    message = "The request with this Idempotency-Key is being worked on. Send it again in a moment."


@dataclass(frozen=True, slots=True)
class Answer:
    """As it is kept: `body` is the JSON of what the view returned, before the envelope."""

    status: int
    headers: dict[str, str]
    body: str


class _View(Protocol):
    def handle_exception(self, exc: Exception) -> Response: ...


Handler = Callable[..., Awaitable[Any]]


def idempotent(handler: Handler) -> Handler:
    """Decorates the asynchronous handler of a view that costs something.

    Without the header nothing changes. With it: InvalidIdempotencyKey (400); IdempotencyKeyReused (422) when
    the key came with another request; RequestInProgress (409, Retry-After) while the first is worked on;
    afterwards the first answer with its status and headers, and `Idempotent-Replayed: true`.
    """

    @wraps(handler)
    async def answer(view: _View, request: Request, *args: Any, **kwargs: Any) -> Any:
        key = request.headers.get(HEADER)
        if key is None:
            return await handler(view, request, *args, **kwargs)
        done = await once(
            lambda: _response(view, handler(view, request, *args, **kwargs)),
            user_id=cast(User, request.user).pk,
            key=key,
            fingerprint=fingerprint(request),
            answer_of=_answer_of,
        )
        return _replay(done) if isinstance(done, Answer) else done

    documented = extend_schema(
        parameters=[
            OpenApiParameter(
                HEADER,
                SCHEMA,
                OpenApiParameter.HEADER,
                description=DESCRIPTION,
            )
        ]
    )
    return documented(answer)


async def once(
    work: Callable[[], Awaitable[R]],
    *,
    user_id: int,
    key: str,
    fingerprint: str,
    answer_of: Callable[[R], Answer | None],
) -> R | Answer:
    """What the work returns; when it was done before for this key, the answer that was kept of it. The work
    goes on when the caller is gone; `answer_of` says what of it is kept, None nothing. Raises
    InvalidIdempotencyKey, IdempotencyKeyReused, RequestInProgress."""
    if not _FORM.fullmatch(key):
        raise InvalidIdempotencyKey
    claimed = await kept(in_database_thread(claim, user_id, key, fingerprint), undo=_free)
    if isinstance(claimed, Answer):
        return claimed
    return await asyncio.shield(keep(_work(claimed, work(), answer_of)))


async def _free(claimed: IdempotencyKey | Answer) -> None:
    """For a caller who left before any work began."""
    if isinstance(claimed, IdempotencyKey):
        await _finish(claimed, None)


def fingerprint(request: Request) -> str:
    """A digest of what is asked for; the same for two forms of the same JSON."""
    data: Any = request.data
    if request.FILES:
        data = {name: [_told(value) for value in data.getlist(name)] for name in data}
    asked = [request.method, request.get_full_path(), data]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _told(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return [value.name, digest.hexdigest()]


def claim(user_id: int, key: str, fingerprint: str) -> IdempotencyKey | Answer:
    """The row that whoever called now has to work on, or the answer that is there already. Of several that
    claim a key at once one gets the row. Raises IdempotencyKeyReused, RequestInProgress."""
    held_until = Now() + HELD_FOR
    old = timezone.now() - GOOD_FOR
    IdempotencyKey.objects.filter(user_id=user_id, key=key, created_at__lte=old).delete()
    mine = IdempotencyKey(
        user_id=user_id, key=key, fingerprint=fingerprint, claim=uuid4().hex, held_until=held_until
    )
    IdempotencyKey.objects.bulk_create([mine], ignore_conflicts=True)
    row = IdempotencyKey.objects.filter(user_id=user_id, key=key).first()
    if row is None:  # Its first answer was none to keep, and came just now.
        raise RequestInProgress(retry_after=1)
    if row.claim == mine.claim:
        return row
    if row.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    if row.status is not None:
        return Answer(row.status, row.headers, row.body)
    abandoned = _claimed(row).filter(status=None, held_until__lte=Now())
    if not abandoned.update(claim=mine.claim, held_until=held_until):
        raise RequestInProgress(retry_after=1)
    row.claim = mine.claim
    return row


def renew(row: IdempotencyKey) -> None:
    _claimed(row).update(held_until=Now() + HELD_FOR)


def finish(row: IdempotencyKey, answer: Answer | None) -> None:
    """Keep the answer; without one the key is free again."""
    if answer is None:
        _claimed(row).delete()
    else:
        _claimed(row).update(status=answer.status, headers=answer.headers, body=answer.body)


def forget_expired() -> int:
    """Delete the keys that are no longer good; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lte=timezone.now() - GOOD_FOR).delete()[0]


def _claimed(row: IdempotencyKey) -> Any:
    return IdempotencyKey.objects.filter(pk=row.pk, claim=row.claim)


async def _work(row: IdempotencyKey, work: Awaitable[R], answer_of: Callable[[R], Answer | None]) -> R:
    renewing = asyncio.ensure_future(_keep_renewing(row))
    try:
        done = await work
        answer = answer_of(done)
    except asyncio.CancelledError:
        await _finish(row, None)
        raise
    except Exception:
        await _finish(row, Answer(DomainError.status, {}, "null"))
        raise
    finally:
        renewing.cancel()
    await _finish(row, answer)
    return done


async def _response(view: _View, work: Awaitable[Response]) -> Response:
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - raised again by the view where it is a bug
        return view.handle_exception(error)


def _answer_of(response: Response) -> Answer | None:
    if response.status_code not in KEPT:
        return None
    body = json.dumps(response.data, cls=JSONEncoder, ensure_ascii=False)
    return Answer(response.status_code, dict(response.headers), body)


def _replay(answer: Answer) -> Response:
    if answer.status == DomainError.status:
        raise DomainError
    headers = answer.headers | {REPLAYED_HEADER: "true"}
    response = Response(json.loads(answer.body), status=answer.status, headers=headers)
    # Makes the renderer take the body as it is, as it did the first time.
    response.exception = answer.status >= 400
    return response


async def _finish(row: IdempotencyKey, answer: Answer | None) -> None:
    """The answer is worth more than that it can be given again."""
    try:
        await in_database_thread(finish, row, answer)
    except Exception:
        logger.exception("The answer to an Idempotency-Key could not be kept")


async def _keep_renewing(row: IdempotencyKey) -> None:
    while True:
        await asyncio.sleep(RENEWED_EVERY_SECONDS)
        try:
            await in_database_thread(renew, row)
        except Exception:
            logger.exception("An Idempotency-Key could not be held on to")
