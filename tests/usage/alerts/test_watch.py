"""Who watches the watchman: heartbeats, the watchdog outside, and the command for cron."""

from datetime import timedelta
from pathlib import Path

import pytest
from celery.beat import PersistentScheduler
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, OperationalError
from django.utils import timezone

from aditus.beat import WatchedScheduler
from aditus.celery import app
from orchestration.models import Lease
from tests.factories import make_config
from tests.ports import free_port
from tests.usage.alerts.receivers import allow, make_channel, web_server
from usage import heartbeats
from usage.alerts.judging import check
from usage.alerts.rounds import make_round
from usage.alerts.watchdog import watch
from usage.celery_tasks import check_alerts, tend_alerts
from usage.heartbeats import Pulse, beat, last_beats
from usage.models import Alert, AlertDelivery, AlertRun, Heartbeat

pytestmark = pytest.mark.django_db

Role = Heartbeat.Role


def run_command(capsys, *arguments):
    """Exit code and what was printed."""
    code = 0
    try:
        call_command("check_alerts", *arguments)
    except SystemExit as left:
        code = left.code
    return code, capsys.readouterr().out


def test_a_beat_keeps_one_row_for_each_process():
    for _ in range(2):
        beat(role=Role.WORKER, name="one")
        beat(role=Role.WORKER, name="two")

    assert Heartbeat.objects.count() == 2
    assert list(last_beats()) == ["worker"]


def test_processes_that_left_long_ago_are_forgotten_when_another_comes():
    beat(role=Role.WORKER, name="old")
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(days=8))

    beat(role=Role.WORKER, name="new")

    assert [one.name for one in Heartbeat.objects.all()] == ["new"]


def test_a_database_that_is_away_does_not_end_the_process(monkeypatch, caplog):
    def away(*_, **__):
        raise DatabaseError("away")

    # The outermost seam: nothing below raises what a lost server does.
    monkeypatch.setattr(Heartbeat.objects, "filter", away)

    beat(role=Role.BEAT)

    assert "could not be written" in caplog.text


def test_a_pulse_beats_until_it_is_stopped(monkeypatch):
    beats = []
    # A thread of its own would not see this test's transaction.
    monkeypatch.setattr(heartbeats, "beat", lambda **told: beats.append(told))
    pulse = Pulse(Role.WORKER, name="one")

    pulse.start()
    pulse.stop()

    assert beats == [{"role": Role.WORKER, "name": "one"}]


def test_the_clock_beats_when_it_ticks(monkeypatch):
    # Celery's own tick would send the tasks that are due to a broker.
    monkeypatch.setattr(PersistentScheduler, "tick", lambda *_: 20)
    scheduler = WatchedScheduler(app=app, lazy=True)

    assert [scheduler.tick(), scheduler.tick()] == [20, 20]
    assert list(last_beats()) == ["beat"]


def test_of_two_clocks_one_sends_until_it_ends_or_is_not_heard_of(monkeypatch):
    # Celery's own tick would send the tasks that are due to a broker.
    monkeypatch.setattr(PersistentScheduler, "tick", lambda *_: 0)
    first, second, third = (WatchedScheduler(app=app, lazy=True) for _ in range(3))

    def who_sends():
        return [clock.tick() == 0 for clock in (first, second, third)]

    both = who_sends()
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    first_stood_still = second.tick() == 0
    first._leads_until = float("-inf")  # as after the time in which it did nothing
    taken_over = who_sends()
    monkeypatch.setattr(PersistentScheduler, "close", lambda *_: None)
    second.close()
    ended = third.tick() == 0

    assert both == [True, False, False]
    assert first_stood_still
    assert taken_over == [False, True, False]
    assert ended


def test_a_clock_whose_database_is_away_sends_nothing_and_goes_on(monkeypatch):
    # The outermost seam: nothing below raises what a lost server does.
    def away(*_, **__):
        raise OperationalError

    sent = []
    monkeypatch.setattr(PersistentScheduler, "tick", lambda *_: sent.append(1))
    clock = WatchedScheduler(app=app, lazy=True)
    monkeypatch.setattr("aditus.beat.acquire", away)
    alive = Path(f"{settings.CELERY_BEAT_SCHEDULE_FILENAME}.alive")
    alive.unlink(missing_ok=True)

    assert clock.tick() <= app.conf.beat_max_loop_interval
    assert sent == []
    assert alive.exists(), "its container is not restarted"


def test_the_watched_clock_is_the_one_that_beat_starts():
    assert app.conf.beat_scheduler == "aditus.beat:WatchedScheduler"
    assert {"usage.check_alerts", "usage.tend_alerts"} <= app.conf.beat_schedule.keys()


def test_the_address_for_watchdogs_tells_what_is_late_and_nothing_else(client, settings):
    settings.WORKERS_EXPECTED = True
    make_config()
    late = client.get("/watchz")
    for role in Role:
        beat(role=role)
    make_round(now=timezone.now())
    well = client.get("/watchz")

    assert (late.status_code, well.status_code) == (503, 200)
    assert late.json() == {
        "status": "late", "checks": {"alerts": "late", "worker": "late", "beat": "late"}
    }  # fmt: skip
    assert well.json() == {"status": "ok", "checks": {"alerts": "ok", "worker": "ok", "beat": "ok"}}


def test_where_cron_judges_only_that_is_watched():
    make_round(now=timezone.now())

    assert watch().parts == {"alerts": "ok"}
    AlertRun.objects.update(round_at=timezone.now() - timedelta(minutes=6))
    assert not watch().is_well


def test_a_page_that_judges_is_not_taken_for_somebody_who_sends(monkeypatch):
    """As when the worker dies: alerts are judged by whoever looks, and nobody hears of them."""
    make_config()
    check(now=timezone.now())
    looked_at = watch()

    def away(**_):
        raise OperationalError

    # The outermost seam: a sending that breaks off is no round either.
    monkeypatch.setattr("usage.alerts.rounds.send_due", away)
    with pytest.raises(OperationalError):
        make_round(now=timezone.now())

    assert looked_at.parts["alerts"] == watch().parts["alerts"] == "late"


def test_the_watchdog_outside_is_called_after_each_round(settings):
    make_config()
    port = free_port()
    settings.ALERT_HEARTBEAT_URL = f"http://127.0.0.1:{port}/ping/abc"

    with web_server(port) as dog:
        assert make_round(now=timezone.now()).watchdog is True
        dog.status = 500
        assert make_round(now=timezone.now()).watchdog is False
    assert len(dog.posts) == 2
    assert make_round(now=timezone.now()).watchdog is False, "nobody there is no error"


def test_without_an_address_nobody_is_called():
    assert make_round(now=timezone.now()).watchdog is None


def test_the_tasks_judge_and_tend():
    make_config(is_active=False)

    assert check_alerts() == 1
    assert check_alerts() == 0
    tend_alerts()
    assert AlertRun.objects.get().audit_verified_at is not None


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({}, 0, "All is well."),
        ({"key_expires_at": timezone.now() + timedelta(days=3)}, 1, "WARNING key_expires_soon"),
        ({"is_active": False}, 2, "CRITICAL no_usable_provider"),
    ],
)
def test_the_command_exits_by_the_worst(capsys, fields, code, said):
    make_config(**fields)

    left_with, printed = run_command(capsys)

    assert left_with == code
    assert said in printed


@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_what_is_muted_is_printed_as_such_and_is_no_exit_code(capsys, arguments):
    make_config(is_active=False)
    run_command(capsys)
    Alert.objects.update(muted_until=timezone.now() + timedelta(hours=1))

    code, printed = run_command(capsys, *arguments)

    assert code == 0
    assert "MUTED CRITICAL no_usable_provider" in printed
    assert "All is well." in printed


def test_dry_it_keeps_and_sends_nothing(capsys, settings):
    port = free_port()
    allow(settings, port)
    make_channel(f"http://127.0.0.1:{port}/")
    make_config(is_active=False)

    code, printed = run_command(capsys, "--dry-run")

    assert (code, "no_usable_provider" in printed) == (2, True)
    assert not Alert.objects.exists()
    assert not AlertDelivery.objects.exists()


def test_a_rule_that_could_not_judge_is_an_exit_code_of_its_own(capsys, monkeypatch):
    make_config()
    monkeypatch.setattr("usage.alerts.configured.stats.provider_status", lambda **_: 1 / 0)

    assert run_command(capsys)[0] == 3
