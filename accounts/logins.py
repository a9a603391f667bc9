"""Who may try to log in, and the end of what a login gave: sessions and tokens."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from threading import Lock
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Max
from django.utils import timezone

from accounts import client_addresses
from accounts.audit import Actor, record
from accounts.errors import DomainError
from accounts.models import User

# Attempts that share one of these wait for each other needlessly, which is rare and short.
_PLACES = [Lock() for _ in range(64)]


class LockedOut(DomainError):
    """The same for addresses that have an account and for those that have none."""

    code = "too_many_attempts"
    status = 429
    message = "Too many wrong attempts for this email from this address. Wait before the next one."


def login_name(request: Any, credentials: dict[str, Any] | None) -> str:
    """The email as attempts are counted by it: one account, however it is typed (AXES_USERNAME_CALLABLE)."""
    name = (credentials or {}).get(settings.AXES_USERNAME_FORM_FIELD) or ""
    return str(name).strip().lower()[:254]


@contextmanager
def one_attempt_at_a_time(*, request: Any, email: str) -> Iterator[None]:
    """Keep every other attempt for this email from this address waiting until this one is counted.

    The lock after wrong passwords reads the count, then the password is hashed, which takes long, then the
    attempt is counted: side by side, any number of attempts would read the same count. On PostgreSQL this
    holds over all processes and the attempt is one transaction, so raise what refuses it afterwards. On
    SQLite it holds within a process; each further process that serves logins lets in as many more attempts
    side by side. The cache has no part in it.
    """
    name = login_name(request, {settings.AXES_USERNAME_FORM_FIELD: email})
    pair = f"login|{name}|{client_addresses.of_request(request)}".encode("utf-8", "replace")
    number = int.from_bytes(blake2b(pair, digest_size=8).digest(), signed=True)
    if connection.vendor != "postgresql":
        with _PLACES[number % len(_PLACES)]:
            yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Given back with the transaction, however that ends.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
        yield


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


def sign_out_everywhere(*, user: User, actor: Actor) -> None:
    """End every session and token of `user`, this one too."""
    with transaction.atomic():
        end_logins(user=user)
        record(action="user.signed_out_everywhere", actor=actor, target=user)
