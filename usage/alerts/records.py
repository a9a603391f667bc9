"""What people do with alerts, and the lists that they look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from usage.alerts import judging
from usage.alerts.conditions import GROUPS, kind_of
from usage.alerts.errors import AlertNotFound, AlertNotStanding, AlertStillHolds
from usage.models import Alert, AlertEvent, AlertState, Severity
from usage.models.alerts import STANDING

LONGEST_MUTE = timedelta(days=90)
What = AlertEvent.What

_BY_SEVERITY = Case(
    *(When(severity=severity.value, then=Value(severity.rank)) for severity in Severity),
    default=Value(len(Severity)),
    output_field=IntegerField(),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether all is well. `worst` is None then; `groups` are (title, its alerts), the worst first. Muted
    alerts are left out and counted."""

    worst: Severity | None
    groups: tuple[tuple[str, tuple[Alert, ...]], ...]
    muted: int = 0

    @property
    def is_well(self) -> bool:
        return not self.groups

    @property
    def sentence(self) -> str:
        if self.is_well:
            return "All is well."
        number = sum(len(alerts) for _, alerts in self.groups)
        where = ", ".join(title.lower() for title, _ in self.groups)
        return f"{number} {'thing needs' if number == 1 else 'things need'} attention: {where}."


def standing(*, now: datetime) -> list[Alert]:
    """What is open or acknowledged, the worst and then the newest first, judged by what holds at `now`."""
    judging.bring_up_to_date(now=now)
    return list(ever().filter(state__in=STANDING).order_by("by_severity", "-opened_at", "-pk"))


def verdict(*, now: datetime) -> Verdict:
    """All well, or what is wrong, by group; judged by what holds at `now`."""
    found = standing(now=now)
    heard = [alert for alert in found if not alert.is_muted(now)]
    groups = [(title, tuple(a for a in heard if a.group == group)) for group, title in GROUPS.items()]
    return Verdict(
        worst=Severity(heard[0].severity) if heard else None,
        groups=tuple((title, alerts) for title, alerts in groups if alerts),
        muted=len(found) - len(heard),
    )


def ever() -> QuerySet[Any]:
    """All alerts that were ever open, with `by_severity` to order them by."""
    return Alert.objects.filter(episode__gt=0).annotate(by_severity=_BY_SEVERITY)


def acknowledge(*, actor: Actor, alert_id: int, note: str = "") -> Alert:
    """Somebody is at it. Raises AlertNotFound or AlertNotStanding; acknowledged twice it stays so."""

    def change(alert: Alert, now: datetime) -> What | None:
        _refuse_unless_standing(alert)
        if alert.state == AlertState.ACKNOWLEDGED:
            return None
        alert.state = AlertState.ACKNOWLEDGED
        return What.ACKNOWLEDGED

    return _change(actor, alert_id, note, change)


def mute(*, actor: Actor, alert_id: int, until: datetime, note: str = "") -> Alert:
    """Nobody is told of it until then, at most 90 days, whatever becomes of it. Raises AlertNotFound."""

    def change(alert: Alert, now: datetime) -> What:
        alert.muted_until = min(until, now + LONGEST_MUTE)
        return What.MUTED

    return _change(actor, alert_id, note, change)


def unmute(*, actor: Actor, alert_id: int, note: str = "") -> Alert:
    """It is heard again, and told of when it stands. Raises AlertNotFound."""

    def change(alert: Alert, now: datetime) -> What | None:
        if not alert.is_muted(now):
            return None
        alert.muted_until = None
        return What.UNMUTED

    return _change(actor, alert_id, note, change)


def resolve(*, actor: Actor, alert_id: int, note: str = "") -> Alert:
    """It is done with: it opens again when its condition comes back. Raises AlertNotFound, AlertNotStanding,
    and AlertStillHolds for one whose cause can be seen to stand."""

    def change(alert: Alert, now: datetime) -> What:
        _refuse_unless_standing(alert)
        kind = kind_of(alert.kind)
        if kind is not None and kind.is_state:
            raise AlertStillHolds
        alert.state, alert.resolved_at, alert.clear_since = AlertState.RESOLVED, now, None
        alert.is_settled_by_hand = True
        return What.RESOLVED

    return _change(actor, alert_id, note, change)


def _refuse_unless_standing(alert: Alert) -> None:
    if not alert.is_standing:
        raise AlertNotStanding


def _change(
    actor: Actor, alert_id: int, note: str, change: Callable[[Alert, datetime], What | None]
) -> Alert:
    now = timezone.now()
    with transaction.atomic():
        alert = Alert.objects.select_for_update().filter(pk=alert_id, episode__gt=0).first()
        if alert is None:
            raise AlertNotFound
        before = _facts(alert)
        what = change(alert, now)
        if what is None:
            return alert
        alert.save()
        judging.record([judging.event_of(alert, what, at=now, by=actor.email, note=note[:300])])
        audit.record(
            action=f"alert.{what}",
            actor=actor,
            target=alert,
            changes=audit.changes_between(before, _facts(alert) | ({"note": note[:300]} if note else {})),
        )
    return alert


def events_of_people(before: datetime) -> QuerySet[AlertEvent]:
    """Those of before then that say who did something, or what they said of it."""
    return AlertEvent.objects.filter(at__lt=before).exclude(by__in=("", judging.SYSTEM), note="")


def forget_people(events: QuerySet[AlertEvent]) -> None:
    events.update(by=Case(When(by=judging.SYSTEM, then=Value(judging.SYSTEM)), default=Value("")), note="")


def _facts(alert: Alert) -> dict[str, object]:
    return {"state": alert.state, "muted_until": alert.muted_until}
