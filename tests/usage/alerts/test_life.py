"""What becomes of an alert: it opens, somebody sees to it, it is resolved with its cause."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import AuditEntry
from providers.models import AIProviderConfig
from tests.factories import make_config
from tests.usage.calls import make_calls
from usage.alerts import records
from usage.alerts.conditions import Condition, Kind
from usage.alerts.errors import AlertNotFound, AlertNotStanding, AlertStillHolds
from usage.alerts.judging import check
from usage.alerts.transitions import new_alert, step
from usage.models import Alert, AlertEvent, Severity

pytestmark = pytest.mark.django_db

ACTOR = Actor(door="api", email="root@example.com")
START = timezone.now()
MINUTE = timedelta(minutes=1)


def switch(*, on):
    AIProviderConfig.objects.update(is_active=on)


def happened():
    return [(event.alert.kind, event.what) for event in AlertEvent.objects.order_by("id")]


def all_off():
    """An alert that stands: the only provider is off."""
    make_config(is_active=False)
    check(now=timezone.now())
    return Alert.objects.get()


def failing():
    """An alert from figures that stands, and its moment."""
    make_calls(50, make_config(), status="error", error_kind="server", ago=5 * MINUTE)
    now = timezone.now()
    check(now=now)
    return Alert.objects.get(), now


def test_the_state_opens_and_resolves_it_at_once():
    make_config()
    check(now=timezone.now())
    assert records.verdict(now=timezone.now()).is_well

    switch(on=False)
    check(now=timezone.now())
    verdict = records.verdict(now=timezone.now())
    assert (verdict.worst, verdict.sentence) == (
        "critical", "1 thing needs attention: providers and keys."
    )  # fmt: skip

    switch(on=True)
    check(now=timezone.now())
    assert records.verdict(now=timezone.now()).is_well
    assert happened() == [("no_usable_provider", "opened"), ("no_usable_provider", "resolved")]


def test_a_look_at_the_list_is_enough(monkeypatch):
    """Nobody judges each minute where no worker runs; whoever looks does."""
    all_off()
    switch(on=True)

    assert records.standing(now=timezone.now() + timedelta(seconds=6)) == []


def test_seen_again_it_is_the_same_alert_and_nothing_happens():
    alert = all_off()

    check(now=timezone.now())
    check(now=timezone.now())

    assert list(Alert.objects.all()) == [alert]
    assert happened() == [("no_usable_provider", "opened")]


def test_it_opens_again_as_a_new_episode_of_the_same_row():
    alert = all_off()
    for on in (True, False):
        switch(on=on)
        check(now=timezone.now())

    alert.refresh_from_db()
    assert (alert.episode, alert.state) == (2, "open")
    assert [event.episode for event in alert.events.all()] == [2, 1, 1]


def test_one_from_figures_ends_ten_minutes_after_its_cause():
    _, now = failing()
    make_calls(200, AIProviderConfig.objects.get(), at=now + 11 * MINUTE)
    for minutes in (12, 15, 21):
        check(now=now + minutes * MINUTE)
        assert Alert.objects.get().is_standing

    check(now=now + 22 * MINUTE)

    assert Alert.objects.get().state == "resolved"


def test_whoever_acknowledges_mutes_and_hears_again_is_in_history_and_audit_trail():
    alert = all_off()
    until = timezone.now() + timedelta(hours=1)

    records.acknowledge(actor=ACTOR, alert_id=alert.pk, note="on it")
    records.acknowledge(actor=ACTOR, alert_id=alert.pk)
    records.mute(actor=ACTOR, alert_id=alert.pk, until=until)
    assert records.verdict(now=timezone.now()).muted == 1
    records.unmute(actor=ACTOR, alert_id=alert.pk)

    told = [(event.what, event.by, event.note) for event in alert.events.order_by("id")]
    assert told == [
        ("opened", "system", ""),
        ("acknowledged", "root@example.com", "on it"),
        ("muted", "root@example.com", ""),
        ("unmuted", "root@example.com", ""),
    ]
    actions = AuditEntry.objects.order_by("number").values_list("action", flat=True)
    assert [action for action in actions if action.startswith("alert.")] == [
        "alert.acknowledged", "alert.muted", "alert.unmuted"
    ]  # fmt: skip


def test_nobody_is_muted_for_ever():
    alert = all_off()

    alert = records.mute(actor=ACTOR, alert_id=alert.pk, until=timezone.now() + timedelta(days=9_999))

    assert alert.muted_until <= timezone.now() + records.LONGEST_MUTE


def test_what_can_be_seen_to_stand_is_not_resolved_by_hand():
    alert = all_off()

    with pytest.raises(AlertStillHolds):
        records.resolve(actor=ACTOR, alert_id=alert.pk)


def test_one_from_figures_resolved_by_hand_opens_again_only_after_it_was_gone():
    alert, now = failing()
    config = AIProviderConfig.objects.get()

    records.resolve(actor=ACTOR, alert_id=alert.pk, note="vendor's outage")
    check(now=now + MINUTE)
    assert Alert.objects.get().state == "resolved"

    check(now=now + 90 * MINUTE)
    make_calls(50, config, status="error", error_kind="server", at=now + 95 * MINUTE)
    check(now=now + 96 * MINUTE)
    assert (Alert.objects.get().state, Alert.objects.get().episode) == ("open", 2)


def test_what_is_over_or_never_was_is_refused():
    alert = all_off()
    switch(on=True)
    check(now=timezone.now())

    for act in (records.acknowledge, records.resolve):
        with pytest.raises(AlertNotStanding):
            act(actor=ACTOR, alert_id=alert.pk)
        with pytest.raises(AlertNotFound):
            act(actor=ACTOR, alert_id=alert.pk + 1)


def test_an_older_look_does_not_undo_a_newer_one():
    make_config()
    before = timezone.now()
    switch(on=False)
    check(now=timezone.now())
    switch(on=True)

    assert check(now=before).events == ()
    assert Alert.objects.get().is_standing


def test_a_clock_that_is_wrong_stops_nobody():
    make_config()
    check(now=timezone.now() + timedelta(hours=5))
    switch(on=False)

    assert [event.what for event in check(now=timezone.now()).events] == ["opened"]


SLOW_KIND = Kind("k", "calls", "K", is_state=False, opens_after=2 * MINUTE, clears_after=3 * MINUTE)


def run_through(holds, kind=SLOW_KIND):
    """What became of an alert, by the minute in which; `holds` names the severity of each minute, or none."""
    alert, became = None, []
    for minute, letter in enumerate(holds):
        severity = {"w": Severity.WARNING, "c": Severity.CRITICAL}.get(letter)
        condition = severity and Condition("k", severity, "m")
        if alert is None and condition is None:
            continue
        now = START + minute * MINUTE
        alert = alert or new_alert(condition, kind, now=now)
        became += [(minute, str(what)) for what in step(alert, condition, kind, now=now)]
    return became


@pytest.mark.parametrize(
    ("holds", "became"),
    [
        ("ww.", []),
        ("www", [(2, "opened")]),
        ("ww.www", [(5, "opened")]),
        ("www...", [(2, "opened")]),
        ("www....", [(2, "opened"), (6, "resolved")]),
        ("www..w....", [(2, "opened"), (9, "resolved")]),
        ("wwwc", [(2, "opened"), (3, "worsened")]),
        ("cccw", [(2, "opened")]),
    ],
)
def test_it_opens_and_closes_by_how_long_its_condition_holds(holds, became):
    assert run_through(holds) == became


def test_worse_than_what_was_acknowledged_it_is_open_again():
    kind = Kind("k", "calls", "K")
    alert = new_alert(Condition("k", Severity.WARNING, "m"), kind, now=START)
    step(alert, Condition("k", Severity.WARNING, "m"), kind, now=START)
    alert.state = "acknowledged"

    became = step(alert, Condition("k", Severity.CRITICAL, "m"), kind, now=START + MINUTE)

    assert (became, alert.state) == (["worsened"], "open")


def test_when_its_mute_ends_a_standing_alert_is_heard_again():
    kind = Kind("k", "calls", "K")
    condition = Condition("k", Severity.WARNING, "m")
    alert = new_alert(condition, kind, now=START)
    step(alert, condition, kind, now=START)
    alert.muted_until = START + MINUTE

    assert step(alert, condition, kind, now=START + MINUTE / 2) == []
    assert step(alert, condition, kind, now=START + MINUTE) == ["unmuted"]
    assert step(alert, condition, kind, now=START + 2 * MINUTE) == []
