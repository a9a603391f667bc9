"""What is done each minute, by beat, by cron, or by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models.functions import Now

from usage.alerts.delivery import Sent, forget_old, send_due
from usage.alerts.judging import Judged, check
from usage.alerts.operations import verify_audit_trail
from usage.alerts.watchdog import call_watchdog
from usage.models import AlertRun


@dataclass(frozen=True, slots=True)
class Round:
    """`watchdog`: whether the one outside answered, None without one."""

    judged: Judged
    sent: Sent
    watchdog: bool | None


def make_round(*, now: datetime) -> Round:
    """Judge, send, and tell the watchdog. Safe to run twice or in parallel."""
    judged = check(now=now)
    sent = send_due(now=now)
    AlertRun.objects.filter(id=1).update(round_at=Now())
    return Round(judged, sent, call_watchdog())


def tend(*, now: datetime) -> None:
    """What need not be done each minute: walk over the audit trail when that is due, and forget old
    deliveries."""
    verify_audit_trail(now=now)
    forget_old(now=now)
