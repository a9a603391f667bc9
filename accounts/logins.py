"""Who may try to log in, and the end of what a login gave: sessions and tokens."""

from __future__ import annotations

import math
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from accounts.audit import Actor, record
from accounts.errors import DomainError
from accounts.models import User


class LockedOut(DomainError):
    """The same for addresses that have an account and for those that have none."""

    code = "too_many_attempts"
    status = 429
    message = "Too many wrong attempts for this email from this address. Wait before the next one."


def login_name(request: Any, credentials: dict[str, Any] | None) -> str:
    """The email as attempts are counted by it: one account, however it is typed (AXES_USERNAME_CALLABLE)."""
    name = (credentials or {}).get(settings.AXES_USERNAME_FORM_FIELD) or ""
    return str(name).strip().lower()[:254]


def refuse_locked_out(*, request: Any, email: str) -> None:
    """Raise LockedOut when the attempt that `request` just made was refused, or was the last one allowed.

    `request` is Django's own, after `authenticate` ran with it; `retry_after` is in seconds.
    """
    if not getattr(request, "axes_locked_out", False):
        return
    attempts = AccessAttempt.objects.filter(
        username=login_name(request, {settings.AXES_USERNAME_FORM_FIELD: email}),
        ip_address=request.META.get("REMOTE_ADDR"),
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
