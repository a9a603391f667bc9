"""Looking at the house, and keeping what was seen: one look at a time, by whoever looks."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import Error, transaction
from django.utils import timezone

from usage.alerts import delivery
from usage.alerts.conditions import Check, Condition, kind_of, rules
from usage.alerts.transitions import new_alert, step
from usage.models import Alert, AlertEvent, AlertRun, AlertState
from usage.models.alerts import STANDING

logger = logging.getLogger(__name__)

SYSTEM = "system"
# A page that is looked at judges the state anew unless somebody just did.
_JUST_NOW = timedelta(seconds=5)
# The figures are the minute's business; a page judges them only where nobody does.
_LATE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Findings:
    """What holds, and by whom: `kinds` were judged; those of a rule that broke off are not among them and
    stay as they are."""

    conditions: tuple[Condition, ...]
    kinds: frozenset[str]
    broken: tuple[str, ...] = ()

    def without(self, kinds: Iterable[str]) -> Findings:
        left = self.kinds - set(kinds)
        return Findings(tuple(one for one in self.conditions if one.kind in left), left, self.broken)


@dataclass(frozen=True, slots=True)
class Judged:
    """`events` are what became of alerts; `broken` the kinds whose rule could not judge."""

    events: tuple[AlertEvent, ...] = ()
    broken: tuple[str, ...] = ()


def look(*, now: datetime, state_only: bool = False) -> Findings:
    """Ask the rules; nothing is kept. A rule that fails is logged and named in `broken` by its kinds."""
    standing = Alert.objects.filter(state__in=STANDING).values_list("kind", "subject")
    check = Check(now=now, standing=frozenset(standing))
    found: list[Condition] = []
    kinds: set[str] = set()
    broken: list[str] = []
    for rule in rules(cheap_only=state_only):
        names = [kind.name for kind in rule.kinds]
        try:
            holding = list(rule.judge(check))
        except Exception:
            logger.exception("The rule for %s broke off", ", ".join(names))
            broken += names
        else:
            found += holding
            kinds |= set(names)
    return Findings(tuple(found), frozenset(kinds), tuple(broken))


def check(*, now: datetime, state_only: bool = False) -> Judged:
    """Look, and bring the alerts up to what was seen. What is to be sent is
    written beside it, in the same transaction, for `delivery.send_due`.

    Safe to run twice or in parallel: whoever comes second waits for the first, and a look that is older than
    one that was kept is thrown away, as far as that went.
    """
    findings = look(now=now, state_only=state_only)
    AlertRun.objects.get_or_create(id=1)
    with transaction.atomic():
        run = AlertRun.objects.select_for_update().get(id=1)
        if not state_only and not _is_newer(run.figures_judged_at, now):
            run.figures_judged_at = now
        elif not state_only:
            return Judged(broken=findings.broken)
        if not _is_newer(run.state_judged_at, now):
            run.state_judged_at = now
        else:
            findings = findings.without(kind.name for rule in rules(cheap_only=True) for kind in rule.kinds)
        run.save(update_fields=["state_judged_at", "figures_judged_at"])
        return Judged(tuple(_keep(findings, now)), findings.broken)


def _is_newer(judged_at: datetime | None, now: datetime) -> bool:
    """Whether a look that began after `now` has been kept; one from the future is a clock that is wrong."""
    return judged_at is not None and now < judged_at <= timezone.now()


def bring_up_to_date(*, now: datetime) -> None:
    """Before alerts are shown: judge what is cheap to judge, and the figures too where nobody has for some
    minutes. Where that fails, what was known before is shown."""
    run = AlertRun.objects.filter(id=1).first() or AlertRun()
    try:
        if run.figures_judged_at is None or now - run.figures_judged_at > _LATE:
            check(now=now)
        elif run.state_judged_at is None or now - run.state_judged_at > _JUST_NOW:
            check(now=now, state_only=True)
    except Error:
        logger.exception("The alerts could not be judged for a page")


def _keep(findings: Findings, now: datetime) -> list[AlertEvent]:
    conditions = {condition.key: condition for condition in findings.conditions}
    alerts = {(alert.kind, alert.subject): alert for alert in _of_interest(findings, conditions)}
    events: list[AlertEvent] = []
    changed: list[Alert] = []
    for key in sorted(alerts.keys() | conditions.keys()):
        kind = kind_of(key[0])
        condition = conditions.get(key)
        alert = alerts.get(key)
        if kind is None:
            continue
        if alert is None:
            if condition is None:
                continue
            alert = new_alert(condition, kind, now=now)
        whats = step(alert, condition, kind, now=now)
        if alert.pk is None:
            alert.save()
        else:
            changed.append(alert)
        events += [event_of(alert, what, at=now) for what in whats]
    Alert.objects.bulk_update(changed, _MOVED, batch_size=100)
    return record(events)


# All that a look may change.
_MOVED = [
    "severity", "message", "figures", "provider_config_id", "provider_type", "model_name", "state", "episode",
    "since", "seen_at", "clear_since", "opened_at", "resolved_at", "muted_until", "is_settled_by_hand",
]  # fmt: skip


def _of_interest(findings: Findings, conditions: Iterable[tuple[str, str]]) -> list[Alert]:
    """The rows that a look may change, locked: those not resolved, or resolved by hand, and those whose
    condition holds."""
    subjects = {subject for _, subject in conditions}
    rows = Alert.objects.select_for_update().filter(kind__in=findings.kinds).order_by("pk")
    idle = {"state": AlertState.RESOLVED, "is_settled_by_hand": False}
    return list(rows.exclude(**idle)) + list(rows.filter(**idle, subject__in=subjects))


def event_of(alert: Alert, what: str, *, at: datetime, by: str = SYSTEM, note: str = "") -> AlertEvent:
    return AlertEvent(
        alert=alert,
        what=what,
        episode=alert.episode,
        at=at,
        by=by,
        note=note,
        severity=alert.severity,
        message=alert.message,
    )


def record(events: list[AlertEvent]) -> list[AlertEvent]:
    """Write the events and, beside them, what is to be sent because of them. In the transaction of the
    change."""
    AlertEvent.objects.bulk_create(events)
    delivery.prepare(events)
    return events
