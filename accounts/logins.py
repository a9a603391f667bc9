"""Who may try to log in, and the end of what a login gave: sessions and tokens."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import blake2b
from threading import Lock
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Now
from django.utils import timezone

from accounts import client_addresses
from accounts.audit import Actor, record
from accounts.concurrency import give_connections_back
from accounts.errors import DomainError
from accounts.hashing import LONGEST_WAIT_SECONDS
from accounts.models import LoginTurn, TokenFamily, User

# One for each pair that somebody tries right now.
_places: WeakValueDictionary[str, Lock] = WeakValueDictionary()
_registering = Lock()
# Longer than an attempt takes, its wait for a place to hash included.
LONGEST_TURN_SECONDS = 2 * LONGEST_WAIT_SECONDS
_ASK_EVERY_SECONDS = 0.05


class LockedOut(DomainError):
    """The same for addresses that have an account and for those that have none."""

    code = "too_many_attempts"
    status = 429
    message = "Too many wrong attempts for this email from this address. Wait before the next one."


class TooManyAttempts(DomainError):
    """Others for the same email from the same address are being looked at."""

    code = "too_many_attempts"
    status = 429
    message = "Too many attempts for this email from this address at once. Wait a little before the next one."

    def __init__(self) -> None:
        super().__init__(retry_after=5)


def login_name(request: Any, credentials: dict[str, Any] | None) -> str:
    """The email as attempts are counted by it: one account, however it is typed (AXES_USERNAME_CALLABLE)."""
    name = (credentials or {}).get(settings.AXES_USERNAME_FORM_FIELD) or ""
    return str(name).strip().lower()[:254]


@contextmanager
def one_attempt_at_a_time(*, request: Any, email: str) -> Iterator[None]:
    """Keep every other attempt for this email from this address waiting until this one is counted, over all
    processes.

    The lock after wrong passwords reads the count, then the password is hashed, which takes long, then the
    attempt is counted: side by side, any number of attempts would read the same count. Neither who waits nor
    who hashes holds a database connection, and the cache has no part in it. Raises TooManyAttempts when the
    others take too long.
    """
    name = login_name(request, {settings.AXES_USERNAME_FORM_FIELD: email})
    pair = f"login|{name}|{client_addresses.of_request(request)}".encode("utf-8", "replace")
    digest, token = blake2b(pair, digest_size=32).hexdigest(), uuid4().hex
    place = _place_of(digest)
    # Within a process they wait here, so that few ask the database whose turn it is.
    if not place.acquire(timeout=LONGEST_TURN_SECONDS):
        raise TooManyAttempts
    try:
        _take_turn(digest, token)
        try:
            yield
        finally:
            LoginTurn.objects.filter(pair=digest, token=token).delete()
    finally:
        place.release()


def _place_of(pair: str) -> Lock:
    with _registering:
        return _places.setdefault(pair, Lock())


def _take_turn(pair: str, token: str) -> None:
    for _ in range(int(LONGEST_TURN_SECONDS / _ASK_EVERY_SECONDS)):
        # By the database's clock: those of processes differ.
        held_until = Now() + timedelta(seconds=LONGEST_TURN_SECONDS)
        turn = LoginTurn(pair=pair, token=token, held_until=held_until)
        LoginTurn.objects.bulk_create([turn], ignore_conflicts=True)
        if LoginTurn.objects.filter(pair=pair, token=token).exists():
            return
        # Left by a process that has died.
        abandoned = LoginTurn.objects.filter(pair=pair, held_until__lt=Now())
        if abandoned.update(token=token, held_until=held_until):
            return
        give_connections_back()
        time.sleep(_ASK_EVERY_SECONDS)
    raise TooManyAttempts


def forget_abandoned_turns() -> None:
    """Delete what processes that died have left."""
    LoginTurn.objects.filter(held_until__lt=Now()).delete()


def refuse_locked_out(*, request: Any, email: str) -> None:
    """Raise LockedOut when the attempt that `request` just made was refused, or was the last one allowed.

    `request` is Django's own, after `authenticate` ran with it; `retry_after` is in seconds.
    """
    if not getattr(request, "axes_locked_out", False):
        return
    attempts = AccessAttempt.objects.filter(
        username=login_name(request, {settings.AXES_USERNAME_FORM_FIELD: email}),
        ip_address=client_addresses.of_request(request),
    )
    last = attempts.aggregate(last=Max("attempt_time"))["last"] or timezone.now()
    seconds = max(1, math.ceil((last + settings.AXES_COOLOFF_TIME - timezone.now()).total_seconds()))
    minutes = math.ceil(seconds / 60)
    raise LockedOut(
        f"Too many wrong attempts. Wait {minutes} minute{'s' if minutes > 1 else ''} before the next one.",
        retry_after=seconds,
    )


def locked_out_emails(*, now: datetime) -> list[str]:
    """Whom wrong attempts keep from logging in at `now`, from one address at least; a thousand at most."""
    attempts = AccessAttempt.objects.filter(
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT,
        attempt_time__gt=now - settings.AXES_COOLOFF_TIME,
    )
    latest = attempts.order_by("-attempt_time").values_list("username", flat=True)[:1000]
    return [email for email in latest if email]


def unlock(*, email: str, actor: Actor) -> int:
    """Forget the wrong attempts for `email` from any address; returns how many rows there were."""
    with transaction.atomic():
        count, _ = AccessAttempt.objects.filter(username=email.strip().lower()).delete()
        record(action="login.unlocked", actor=actor, target_label=email)
    return count


def end_logins(*, user: User) -> None:
    """Make every session and token given to `user` so far invalid. The caller writes the audit entry."""
    User.objects.filter(pk=user.pk).update(token_version=F("token_version") + 1)
    user.refresh_from_db(fields=["token_version"])
    # The version alone ends them; lists of logins go by this.
    TokenFamily.objects.filter(user=user, ended_at=None).update(ended_at=timezone.now())


def sign_out_everywhere(*, user: User, actor: Actor) -> None:
    """End every session and token of `user`, this one too."""
    with transaction.atomic():
        end_logins(user=user)
        record(action="user.signed_out_everywhere", actor=actor, target=user)
