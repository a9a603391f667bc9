"""What of this app's own a rule can be about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from django.db.models import Q, QuerySet

from accounts import audit_chain
from accounts.audit import Actor, hold, record
from accounts.models import PersonalToken
from accounts.retention.kinds import Kind


def _attempts(before: datetime) -> QuerySet[Any]:
    return AccessAttempt.objects.filter(attempt_time__lt=before)


def _ended_tokens(before: datetime) -> QuerySet[Any]:
    return PersonalToken.objects.filter(Q(revoked_at__lt=before) | Q(expires_at__lt=before))


def _entries(before: datetime) -> QuerySet[Any]:
    return audit_chain.entries_about_people().filter(created_at__lt=before)


def _empty(entries: QuerySet[Any]) -> None:
    """The chain goes on to hold: an entry tells which parts were emptied."""
    hold()
    parts = audit_chain.parts_of(entries)
    record(action=audit_chain.ERASED, actor=Actor.system(), changes=audit_chain.told(parts))
    audit_chain.empty(parts)


KINDS = (
    Kind("login_attempts", "Wrong attempts to log in", _attempts),
    Kind("access_tokens", "Access tokens, once they have ended", _ended_tokens),
    Kind(
        "audit_people", "Audit trail: who, from where, and what about people", _entries, _empty,
        least_days=30, lockable=False,
    ),
)  # fmt: skip
