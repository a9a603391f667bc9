"""What becomes of an alert when it is looked at. Pure: the row is changed, not saved."""

from __future__ import annotations

from datetime import datetime

from usage.alerts.conditions import Condition, Kind
from usage.models import Alert, AlertEvent, AlertState, Severity

What = AlertEvent.What


def new_alert(condition: Condition, kind: Kind, *, now: datetime) -> Alert:
    """A row for what was never seen before; `step` decides whether it opens at once."""
    return Alert(
        kind=condition.kind,
        subject=condition.subject,
        group=kind.group,
        severity=condition.severity,
        since=now,
        seen_at=now,
    )


def step(alert: Alert, condition: Condition | None, kind: Kind, *, now: datetime) -> list[What]:
    """Bring `alert` up to `condition`, None when it does not hold; returns what became of it, in order."""
    events = [] if condition is None else _while_it_holds(alert, condition, kind, now)
    if condition is None:
        events = _while_it_does_not(alert, kind, now)
    if alert.muted_until and alert.muted_until <= now:
        alert.muted_until = None
        if alert.is_standing and What.OPENED not in events:
            events.append(What.UNMUTED)
    return events


def _while_it_holds(alert: Alert, condition: Condition, kind: Kind, now: datetime) -> list[What]:
    alert.clear_since = None
    alert.seen_at = now
    if alert.state == AlertState.RESOLVED:
        if alert.is_settled_by_hand:
            return []
        alert.state, alert.since = AlertState.WAITING, now
    is_worse = Severity(condition.severity).rank < Severity(alert.severity).rank
    _say(alert, condition)
    if alert.state == AlertState.WAITING:
        if now - alert.since < kind.opens_after:
            return []
        alert.state, alert.opened_at, alert.resolved_at = AlertState.OPEN, now, None
        alert.episode += 1
        return [What.OPENED]
    if is_worse:
        # Somebody took note of less than this.
        alert.state = AlertState.OPEN
        return [What.WORSENED]
    return []


def _while_it_does_not(alert: Alert, kind: Kind, now: datetime) -> list[What]:
    alert.is_settled_by_hand = False
    if not alert.is_standing:
        alert.state = AlertState.RESOLVED
        return []
    alert.clear_since = alert.clear_since or now
    if now - alert.clear_since < kind.clears_after:
        return []
    alert.state, alert.resolved_at, alert.clear_since = AlertState.RESOLVED, now, None
    return [What.RESOLVED]


def _say(alert: Alert, condition: Condition) -> None:
    alert.severity, alert.message = condition.severity, condition.message
    alert.figures = condition.figures
    alert.provider_config_id = condition.provider_config_id
    alert.provider_type, alert.model_name = condition.provider_type, condition.model_name
