"""Rules about the house itself: its processes, its audit trail, and the sending of alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q

from accounts import audit_chain
from usage.alerts.conditions import Check, Condition, Kind, Rule
from usage.alerts.delivery import latest_ended
from usage.alerts.notices import number_of
from usage.heartbeats import processes
from usage.models import AlertChannel, AlertDelivery, AlertRun, Heartbeat, RollupState, Severity

VERIFIED_EVERY = timedelta(days=1)
# Less than the hour after which beat asks again, or each second time would be missed; cron asks each minute.
_WHILE_BROKEN = timedelta(minutes=55)
# So many sendings that failed one after the other are trouble, the first few are a hiccup.
_TROUBLE_FROM = 3

_DUTIES = {
    Heartbeat.Role.WORKER: "Nothing is swept, rolled up, probed, judged or sent",
    Heartbeat.Role.BEAT: "Nothing is started by the clock: no sweep, rollup, probe or look at alerts",
}


def _processes(_: Check) -> Iterator[Condition]:
    for process in processes():
        if not process.is_late:
            continue
        at, role = process.at, process.role
        seen = f"has said nothing since {at:%Y-%m-%d %H:%M} UTC" if at else "has never been seen"
        yield Condition(
            f"{role}_dead",
            Severity.CRITICAL,
            f"The {role} {seen}. {_DUTIES[role]} until it is started.",
            figures={"last_beat": at.isoformat()} if at else {},
        )


def _audit_trail(check: Check) -> Iterator[Condition]:
    run = AlertRun.objects.filter(audit_broken_at__isnull=False).first()
    if run is not None and run.audit_broken_at is not None:
        message = f"The audit trail does not hold at entry #{run.audit_broken_at}: {run.audit_reason}"
        yield Condition(
            "audit_broken", Severity.CRITICAL, message, figures={"broken_at": run.audit_broken_at}
        )


def _pruning(check: Check) -> Iterator[Condition]:
    """The log grows on, and what is personal in it is kept longer than it was meant to be."""
    if not settings.USAGE_LOG_KEEP_DAYS:
        return
    state = RollupState.objects.exclude(pruning_held_up_by="").first()
    if state is not None:
        message = f"The usage log is not pruned any further: {state.pruning_held_up_by}"
        yield Condition("pruning_held_up", Severity.WARNING, message)


def _undelivered(check: Check) -> Iterator[Condition]:
    """Channels whose receiver has not taken anything for some attempts, or never took what was sent last."""
    tried = Q(deliveries__state=AlertDelivery.State.DUE, deliveries__attempts__gte=_TROUBLE_FROM)
    channels = AlertChannel.objects.filter(is_active=True).order_by("pk")
    for channel in channels.annotate(waiting=Count("deliveries", tried), latest=latest_ended("state")):
        if channel.waiting:
            do = "does" if channel.waiting == 1 else "do"
            trouble = f"{number_of(channel.waiting, 'notice')} to {channel} {do} not arrive."
        elif channel.latest == AlertDelivery.State.DEAD:
            trouble = f"What was sent to {channel} last never arrived, and was given up."
        else:
            continue
        yield Condition(
            "channel_failing",
            Severity.WARNING,
            f"{trouble} Send it a test; its deliveries tell why.",
            subject=f"channel:{channel.pk}",
            figures={"waiting": channel.waiting},
        )


def verify_audit_trail(*, now: datetime) -> bool:
    """Walk over the audit trail when that is due, daily or, while it is broken, hourly, and keep what was
    found for the rule; True when it was walked."""
    run, _ = AlertRun.objects.get_or_create(id=1)
    every = VERIFIED_EVERY if run.audit_broken_at is None else _WHILE_BROKEN
    if run.audit_verified_at is not None and now - run.audit_verified_at < every:
        return False
    verdict = audit_chain.verify()
    AlertRun.objects.filter(id=1).update(
        audit_verified_at=now, audit_broken_at=verdict.broken_at, audit_reason=verdict.reason[:300]
    )
    return True


RULES = (
    Rule(
        (
            Kind("worker_dead", "operations", "No worker is running"),
            Kind("beat_dead", "operations", "No beat is running"),
        ),
        _processes,
    ),
    Rule((Kind("audit_broken", "operations", "The audit trail was tampered with"),), _audit_trail),
    Rule((Kind("pruning_held_up", "operations", "The usage log is not pruned"),), _pruning),
    Rule((Kind("channel_failing", "operations", "Notices do not arrive"),), _undelivered),
)
