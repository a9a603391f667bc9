"""Whether the person behind a request has shown their second factor, and how long ago. The same for the
console (the moment is in the session) and the API (it is in the access token)."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings

from accounts.errors import DomainError
from accounts.models import User

SESSION_KEY = "mfa_at"
CLAIM = "mfa_at"
# The moment may have been written by another machine.
_CLOCKS_DIFFER_BY_SECONDS = 30


class StepUpRequired(DomainError):
    """The console answers it by asking for a code in place, and then goes on with what was asked."""

    code = "step_up_required"
    status = 403
    message = (
        "This needs a fresh code of your authenticator app. Confirm with POST auth/step-up and try again."
    )


class SecondFactorRequired(DomainError):
    code = "mfa_required"
    status = 403
    message = "This needs your second factor. Log in again with `otp`, or confirm with POST auth/step-up."


class EnrolmentRequired(DomainError):
    code = "mfa_enrolment_required"
    status = 403
    message = "This account needs an authenticator app. Log in to the console once and set it up there."


def verified_at(request: Any) -> int | None:
    """When the second factor was shown in this session or for this token (Unix seconds), or None."""
    token = getattr(request, "auth", None)
    if token is not None:
        moment = token.get(CLAIM)
    else:
        session = getattr(request, "session", None)
        moment = session.get(SESSION_KEY) if session is not None else None
    return int(moment) if moment is not None else None


def mark_verified(request: Any) -> None:
    """Remember in the session that the second factor was shown now; the session gets a new key."""
    request.session.cycle_key()
    request.session[SESSION_KEY] = int(time.time())


def missing_factor(request: Any) -> DomainError | None:
    """What `request.user` has yet to do about the second factor before they may enter, or None. One that was
    shown longer than SECOND_FACTOR_SECONDS ago counts no more."""
    if _is_within(settings.SECOND_FACTOR_SECONDS, verified_at(request)):
        return None
    if _has_second_factor(request.user):
        return SecondFactorRequired()
    return EnrolmentRequired() if settings.MFA_REQUIRED else None


def require_fresh(request: Any) -> None:
    """Let the request through when the second factor was shown within STEP_UP_SECONDS.

    Who has no authenticator passes where none is required (MFA_REQUIRED). Raises StepUpRequired, or what
    `missing_factor` returns. May be raised anywhere in a console view: the form is not lost.
    """
    if missing := missing_factor(request):
        raise missing
    moment = verified_at(request)
    if moment is not None and not _is_within(settings.STEP_UP_SECONDS, moment):
        raise StepUpRequired


def _is_within(seconds: float, moment: int | None) -> bool:
    return moment is not None and -_CLOCKS_DIFFER_BY_SECONDS <= time.time() - moment < seconds


def _has_second_factor(user: Any) -> bool:
    return isinstance(user, User) and user.has_second_factor
