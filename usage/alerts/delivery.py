"""From what became of alerts to who hears of it.

A delivery is written in the transaction of its event, once for each channel that wants it (a constraint sees
to that). Whoever sends claims what is due at a channel by one conditional update, so that of two senders one
finds nothing. A claim ends by itself, for senders that die: then the notice is sent again by another, under
the same delivery numbers. So each event arrives once, or, when a sender died between sending and noting it,
twice; never not at all, until it is given up.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from accounts.errors import DomainError
from usage.alerts.errors import ChannelNotFound
from usage.alerts.notices import Line, Notice
from usage.alerts.quiet_hours import quiet_until
from usage.alerts.sending import send
from usage.models import AlertChannel, AlertDelivery, AlertEvent, Severity
from usage.models.alerts import STANDING

logger = logging.getLogger(__name__)

State = AlertDelivery.State
What = AlertEvent.What

# Longer than a sending may take where the clocks of the processes differ by minutes.
CLAIMED_FOR = timedelta(minutes=10)
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
# With these pauses about two days.
MOST_ATTEMPTS = 50
MOST_AT_ONCE = 200
KEPT_FOR = timedelta(days=90)
_TOLD = frozenset({What.OPENED, What.WORSENED, What.UNMUTED})


@dataclass(frozen=True, slots=True)
class Sent:
    """What a round of sending came to, in events and channels."""

    sent: int = 0
    failed: int = 0
    dead: int = 0

    def __add__(self, other: Sent) -> Sent:
        return Sent(self.sent + other.sent, self.failed + other.failed, self.dead + other.dead)


def prepare(events: Sequence[AlertEvent]) -> None:
    """Write what is to be sent because of the events, in the transaction that they are written in."""
    told = [event for event in events if _is_told(event)]
    if not told:
        return
    channels = list(AlertChannel.objects.filter(is_active=True))
    known = _known_episodes(told)
    deliveries = []
    for event in told:
        for channel in channels:
            if _is_wanted(channel, event, known):
                deliveries.append(_delivery_of(channel, event))
                known.add((channel.pk, event.alert_id, event.episode))
    AlertDelivery.objects.bulk_create(deliveries)


def _is_told(event: AlertEvent) -> bool:
    """Of a muted alert its end alone: whoever keeps a list of what is open waits for it."""
    if event.what == What.RESOLVED:
        return True
    return event.what in _TOLD and event.alert.is_standing and not event.alert.is_muted(event.at)


def _is_wanted(channel: AlertChannel, event: AlertEvent, known: set[tuple[int, int, int]]) -> bool:
    if event.what == What.RESOLVED:
        # Who was not told of the trouble is not told of its end, and who was, is whatever it was rated last.
        return channel.sends_resolved and (channel.pk, event.alert_id, event.episode) in known
    return channel.wants(kind=event.alert.kind, severity=event.severity)


def _known_episodes(events: Iterable[AlertEvent]) -> set[tuple[int, int, int]]:
    """(channel, alert, episode) of what channels were, or are about to be, told of the alerts."""
    rows = AlertDelivery.objects.filter(event__alert__in={event.alert_id for event in events})
    return set(rows.values_list("channel_id", "event__alert_id", "event__episode"))


def _delivery_of(channel: AlertChannel, event: AlertEvent) -> AlertDelivery:
    held = None
    goes_through = event.severity == Severity.CRITICAL and channel.critical_in_quiet_hours
    if not goes_through:
        held = quiet_until(
            event.at, start=channel.quiet_from, end=channel.quiet_until, zone=channel.time_zone
        )
    return AlertDelivery(
        channel=channel, event=event, created_at=event.at, due_at=held or event.at, was_held=held is not None
    )


def send_due(*, now: datetime) -> Sent:
    """Send what is due, one message for each channel; what fails is tried again after a pause that doubles.
    Safe to run twice or in parallel."""
    due = _due(now).order_by().values_list("channel_id", flat=True).distinct()
    channels = AlertChannel.objects.filter(pk__in=list(due), is_active=True)
    return sum((_send_to(channel, now) for channel in channels), Sent())


def _due(now: datetime) -> QuerySet[AlertDelivery]:
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return AlertDelivery.objects.filter(free, state=State.DUE, due_at__lte=now)


def _send_to(channel: AlertChannel, now: datetime) -> Sent:
    claim = uuid4().hex
    claimed = _claimed(channel, claim, now)
    if not claimed:
        return Sent()
    try:
        send(channel, _notice(claimed, now), delivery=str(claimed[0].pk))
    except DomainError as error:
        return _note_failure(claimed, claim, error.message, now)
    except Exception:
        logger.exception("The sending to channel %s broke off", channel.pk)
        return _note_failure(claimed, claim, "The sending broke off; the log tells why.", now)
    AlertDelivery.objects.filter(claim=claim, state=State.DUE).update(
        state=State.SENT, ended_at=timezone.now(), attempts=F("attempts") + 1, problem="", claimed_until=None
    )
    return Sent(sent=len(claimed))


def _claimed(channel: AlertChannel, claim: str, now: datetime) -> list[AlertDelivery]:
    """What is due at the channel, from here on ours alone until the claim ends."""
    numbers = list(
        _due(now).filter(channel=channel).order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE]
    )
    # Other channels may have taken long since `now`.
    until = max(now, timezone.now()) + CLAIMED_FOR
    _due(now).filter(pk__in=numbers).update(claim=claim, claimed_until=until)
    ours = AlertDelivery.objects.filter(claim=claim, state=State.DUE).select_related("event__alert")
    return list(ours.order_by("pk"))


def _notice(deliveries: Sequence[AlertDelivery], now: datetime) -> Notice:
    lines = tuple(Line.of(one.pk, one.event) for one in deliveries if one.event is not None)
    return Notice(
        lines=lines,
        sent_at=now,
        is_digest=any(one.was_held for one in deliveries),
        console=console_address(),
    )


def console_address() -> str:
    return f"{settings.CONSOLE_URL.rstrip('/')}/usage/alert/" if settings.CONSOLE_URL else ""


def _note_failure(claimed: Sequence[AlertDelivery], claim: str, problem: str, now: datetime) -> Sent:
    dead = 0
    for one in claimed:
        one.attempts += 1
        one.problem, one.claimed_until = problem[:300], None
        if one.attempts >= MOST_ATTEMPTS:
            one.state, one.ended_at = State.DEAD, now
            dead += 1
        else:
            one.due_at = now + pause_after(one.attempts)
        moved = {name: getattr(one, name) for name in _MOVED}
        AlertDelivery.objects.filter(pk=one.pk, claim=claim, state=State.DUE).update(**moved)
    logger.warning("Channel %s took nothing: %s", claimed[0].channel_id, problem)
    return Sent(failed=len(claimed) - dead, dead=dead)


_MOVED = ("attempts", "problem", "claimed_until", "state", "ended_at", "due_at")


def pause_after(attempts: int) -> timedelta:
    """How long after its nth attempt a delivery is tried again."""
    doubled: int = 2 ** min(attempts - 1, 10)
    return min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE)


def forget_old(*, now: datetime) -> int:
    """Delete deliveries that ended longer ago than KEPT_FOR; returns how many. Those of what still stands are
    kept, since they say who is to be told of its end, and how each channel fared last."""
    still_stands = Q(event__alert__state__in=STANDING, event__episode=F("event__alert__episode"))
    latest = AlertChannel.objects.annotate(latest=latest_ended("pk")).exclude(latest=None).values("latest")
    old = AlertDelivery.objects.filter(ended_at__lt=now - KEPT_FOR)
    return old.exclude(still_stands).exclude(pk__in=latest).delete()[0]


def latest_ended(column: str) -> Subquery:
    """This column of the delivery by which a channel, the row outside, shows whether its receiver takes what
    it is sent: the latest that ended. A test that failed says no more than it said to whoever sent it."""
    ended = AlertDelivery.objects.filter(channel=OuterRef("pk"), ended_at__isnull=False)
    counted = ended.exclude(event=None, state=State.DEAD)
    return Subquery(counted.order_by("-ended_at", "-pk").values(column)[:1])


def send_test(*, actor: Actor, channel_id: int) -> None:
    """Send a test at once, also in quiet hours and to a channel that is off; it is in the delivery log and
    the audit trail. Raises ChannelNotFound, and NotDelivered or ReceiverNotAllowed with the reason."""
    channel = AlertChannel.objects.filter(pk=channel_id).first()
    if channel is None:
        raise ChannelNotFound
    now, refused = timezone.now(), None
    test = AlertDelivery(channel=channel, created_at=now, due_at=now, attempts=1, state=State.SENT)
    try:
        send(channel, Notice(lines=(), sent_at=now, console=console_address()), delivery=uuid4().hex)
    except DomainError as error:
        refused, test.state, test.problem = error, State.DEAD, error.message[:300]
    test.ended_at = timezone.now()
    with transaction.atomic():
        test.save()
        audit.record(
            action="alertchannel.tested",
            actor=actor,
            target=channel,
            changes={"result": [None, test.problem or "It arrived."]},
            outcome="failed" if refused else "done",
        )
    if refused:
        raise refused
