"""Making, showing, using and revoking personal access tokens."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Func, Q, QuerySet, TextField, Value
from django.utils import timezone

from accounts.audit import Actor, record
from accounts.concurrency import Recent, in_database_thread, keep
from accounts.errors import DomainError
from accounts.models import PersonalToken, User

logger = logging.getLogger(__name__)

# By it a scanner of secrets, and our own redaction, know one.
PREFIX = "adt_"
_HINT_LENGTH = len(PREFIX) + 6
_LONGEST_SECRET = 200
MOST_ACTIVE = 50
# The moment of the last use is written at most so often.
LAST_USED_GRAIN = timedelta(minutes=5)
# Tokens that a process knows; the one that was away for the longest goes first.
MOST_KEPT = 12_000

_kept: Recent[str, PersonalToken] = Recent()


class InvalidPersonalToken(DomainError):
    """The same for a token that nobody knows, that has expired, that was revoked, and whose owner is gone."""

    code = "invalid_api_key"
    status = 401
    message = "This access token is not valid. It may have expired or been revoked; make a new one."


class TooManyPersonalTokens(DomainError):
    code = "too_many_tokens"
    status = 409
    message = f"An account has at most {MOST_ACTIVE} active access tokens. Revoke one that is not needed."


@dataclass(frozen=True, kw_only=True)
class TokenLimits:
    """What a token may use of what its owner may; None is no limit of its own."""

    daily_token_limit: int | None = None
    monthly_token_limit: int | None = None
    daily_cost_limit_usd: Decimal | None = None
    monthly_cost_limit_usd: Decimal | None = None
    requests_per_minute: int | None = None
    max_concurrent_calls: int | None = None


def create(
    *,
    user: User,
    name: str,
    actor: Actor,
    tasks: Sequence[str] = (),
    model_names: Sequence[str] = (),
    expires_at: datetime | None = None,
    limits: TokenLimits | None = None,
) -> tuple[PersonalToken, str]:
    """A new token and its secret, which nobody can be told again. Raises TooManyPersonalTokens."""
    limits = limits or TokenLimits()
    # Python's choice, 256 bits or more: nobody guesses them, so a plain hash keeps them.
    secret = PREFIX + secrets.token_urlsafe()
    now = timezone.now()
    token = PersonalToken(
        user=user,
        name=name,
        hint=secret[:_HINT_LENGTH],
        digest=_digest(secret),
        tasks=list(tasks),
        model_names=list(model_names),
        expires_at=expires_at,
        created_at=now,
        **vars(limits),
    )
    with transaction.atomic():
        # Its owner's row is locked, so that two at once do not make one too many.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if active_of(user, now=now).count() >= MOST_ACTIVE:
            raise TooManyPersonalTokens
        token.save(force_insert=True)
        scope = {"tasks": [None, token.tasks], "models": [None, token.model_names]}
        expiry = {"expires_at": [None, expires_at.isoformat() if expires_at else None]}
        _record("created", token, actor, scope | expiry)
    return token, secret


def active_of(user: User, *, now: datetime) -> QuerySet[PersonalToken]:
    """The tokens of the user that can be used."""
    not_expired = Q(expires_at=None) | Q(expires_at__gt=now)
    return PersonalToken.objects.filter(not_expired, user=user, revoked_at=None)


def revoke(*, token: PersonalToken, actor: Actor) -> bool:
    """End it at once, for the very next call; False when it was revoked before."""
    with transaction.atomic():
        ended = PersonalToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
        if ended:
            _record("revoked", token, actor, {"owner": [token.user_id, token.user_id]})
    return bool(ended)


def _record(verb: str, token: PersonalToken, actor: Actor, changes: dict[str, list[Any]]) -> None:
    """By its hint and its owner's number: a name, or an address, would outlive the person in the trail."""
    record(
        action=f"personal_token.{verb}",
        actor=actor,
        target=token,
        target_label=f"{token.hint}…",
        changes=changes,
    )


def find(secret: str) -> PersonalToken:
    """The token with its owner, by what was sent (one query). Raises InvalidPersonalToken."""
    if not secret.startswith(PREFIX) or len(secret) > _LONGEST_SECRET:
        raise InvalidPersonalToken
    digest = _digest(secret)
    # The stamp is read by the same statement as the row: whatever changes later changes it.
    tokens = PersonalToken.objects.select_related("user").annotate(stamp_read=_stamp())
    token = tokens.filter(digest=digest).first()
    if token is None or not token.user.is_active or token.state_at(timezone.now()) != "active":
        raise InvalidPersonalToken
    token.stamp = token.stamp_read
    if token.stamp:
        _kept.keep(digest, token, most=MOST_KEPT)
    return token


def kept_token(secret: str) -> PersonalToken | None:
    """The token as this process found it last, without a query, for who has its stamp checked; to be read,
    not changed. None for one that it does not know, or that has expired since."""
    token = _kept.of(_digest(secret))
    return token if token is not None and token.state_at(timezone.now()) == "active" else None


def token_stamp_of(token_id: int) -> str | None:
    """What of a token calls go by, named (one query); None for one that is gone. Empty where the database has
    no such stamps."""
    return PersonalToken.objects.filter(pk=token_id).values_list(_stamp(), flat=True).first()


def _stamp() -> Func | Value:
    if connection.vendor == "postgresql":
        return Func("pk", function="personal_token_stamp", output_field=TextField())
    return Value("")


def note_use(token: PersonalToken) -> None:
    """Write down that it was used just now, unless that was written a moment ago."""
    if moment := _moment_to_note(token):
        _note(token.pk, moment)


def note_use_aside(token: PersonalToken) -> None:
    """The same from an event loop, whose call does not wait for it."""
    if moment := _moment_to_note(token):
        keep(in_database_thread(_note, token.pk, moment))


def _moment_to_note(token: PersonalToken) -> datetime | None:
    """Now, if nobody in this process has noted it lately."""
    now = timezone.now()
    if token.last_used_at is not None and token.last_used_at > now - LAST_USED_GRAIN:
        return None
    token.last_used_at = now
    return now


def _note(token_id: int, moment: datetime) -> None:
    try:
        PersonalToken.objects.filter(pk=token_id).update(last_used_at=moment)
    except DatabaseError:
        # The call itself is worth more, and meets the same database.
        logger.warning("The last use of access token %s could not be written", token_id, exc_info=True)


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
