"""What the rules say of the house: from its state before anybody is refused, and from figures."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import audit_chain
from console.providers.prices import prices_of
from providers.encryption import SealedValue
from providers.models import AIProviderConfig
from tests.circuits import open_circuit
from tests.factories import make_config, make_user
from tests.usage.calls import make_calls
from usage.alerts.conditions import kind_of, rules
from usage.alerts.delivery import KEPT_FOR, forget_old
from usage.alerts.judging import check, look
from usage.alerts.operations import verify_audit_trail
from usage.heartbeats import beat
from usage.models import (
    AlertChannel,
    AlertDelivery,
    AlertThresholds,
    Heartbeat,
    ModelPrice,
    QuotaCounter,
)
from usage.pricing import ordinary_price, overrides_of
from usage.stats import rollup

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def found(now=None):
    findings = look(now=now or timezone.now())
    assert findings.broken == ()
    return {condition.kind: condition for condition in findings.conditions}


def test_all_quiet_says_nothing():
    config = make_config(key_expires_at=timezone.now() + timedelta(days=15), daily_token_limit=1_000)
    make_calls(20, config, ago=timedelta(minutes=5))

    assert found() == {}


def test_every_kind_belongs_to_one_rule():
    names = [kind.name for rule in rules() for kind in rule.kinds]

    assert len(names) == len(set(names)) >= 20
    assert all(kind_of(name) for name in names)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"is_active": False}, "Every provider is switched off"),
        ({"flagged_at": NOON, "flag_reason": "auth"}, "No active provider has a key that works"),
        ({"key_expires_at": NOON - timedelta(days=1)}, "No active provider has a key that works"),
    ],
)
def test_without_a_usable_provider_it_is_said_before_the_first_call(fields, sentence):
    config = make_config()
    AIProviderConfig.objects.filter(pk=config.pk).update(**fields)

    condition = found(NOON)["no_usable_provider"]

    assert condition.severity == "critical"
    assert condition.message.startswith(sentence)


def test_a_new_installation_is_told_that_nothing_is_configured(settings):
    settings.PROVIDER_ENVIRONMENT = {}

    assert found()["no_usable_provider"].message.startswith("No provider is configured")


def test_keys_in_the_environment_are_providers_too(settings):
    entry = {"api_key": "sk-test-0123456789", "model_fast": "gpt-5-mini", "model_quality": "gpt-5"}
    settings.PROVIDER_ENVIRONMENT = {"openai": entry}

    assert found() == {}


def test_an_inactive_default_is_said():
    make_config()
    make_config(is_default=True, is_active=False)

    assert found()["default_inactive"].severity == "warning"


def test_a_task_without_a_usable_first_choice_is_said_until_one_of_them_works():
    make_config()
    first = make_config(default_for_extraction=True, is_active=False, display_name="Reader")
    second = make_config(default_for_extraction=True)
    AIProviderConfig.flag(second.pk, "auth")

    condition = found()["task_without_first_choice"]
    assert condition.subject == "task:extraction"
    assert "Reader" in condition.message

    AIProviderConfig.objects.filter(pk=first.pk).update(is_active=True)
    assert "task_without_first_choice" not in found()


def test_a_flagged_provider_is_critical_until_it_is_switched_off():
    make_config()
    config = make_config(display_name="Main")
    AIProviderConfig.flag(config.pk, "auth")

    condition = found()["config_flagged"]
    assert (condition.severity, condition.provider_config_id) == ("critical", config.pk)
    assert condition.message.startswith("Main: The vendor refused the key.")
    assert condition.figures["reason"] == "auth"

    AIProviderConfig.objects.filter(pk=config.pk).update(is_active=False)
    assert found() == {}


def test_a_key_that_cannot_be_decrypted_is_critical():
    config = make_config()
    config.api_key_encrypted = SealedValue("gAAAAAB-made-with-a-key-that-is-gone")
    config.save()

    assert found()["key_undecryptable"].severity == "critical"


@pytest.mark.parametrize(
    ("left", "kind"),
    [
        (timedelta(days=13), "key_expires_soon"),
        (timedelta(seconds=1), "key_expires_soon"),
        (timedelta(0), "key_expired"),
        (timedelta(days=-3), "key_expired"),
    ],
)
def test_a_key_is_reported_two_weeks_before_it_expires(left, kind):
    make_config()
    make_config(key_expires_at=NOON + left)

    assert list(found(NOON)) == [kind]


def test_a_worker_and_a_beat_that_say_nothing_are_dead(settings):
    settings.WORKERS_EXPECTED = True
    make_config()

    assert {"worker_dead", "beat_dead"} <= found().keys()
    beat(role=Heartbeat.Role.WORKER, name="one")
    assert "worker_dead" not in found()
    beat(role=Heartbeat.Role.WORKER, name="two")
    Heartbeat.objects.filter(name="one").update(beat_at=NOON)
    assert list(found()) == ["beat_dead"], "another worker lives"
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=4))
    assert "has said nothing since" in found()["worker_dead"].message


def test_where_none_is_expected_none_is_missed():
    make_config()

    assert "worker_dead" not in found()


# Only the run on PostgreSQL has Redis for its guards.
@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize(("minutes", "is_said"), [(9, False), (11, True)])
def test_a_circuit_that_stays_open_is_said(minutes, is_said):
    config = make_config()
    open_circuit(config, config.model_name, "server", ago=minutes * 60, seconds=3_600)

    assert ("circuit_open" in found()) is is_said


def test_without_redis_nothing_is_said_of_the_circuits_of_one_process(settings):
    settings.REDIS_URL = ""
    config = make_config()
    open_circuit(config, config.model_name, "server", ago=660, seconds=3_600)

    assert found() == {}


def test_failing_and_slow_providers_are_reported_with_their_figures():
    config = make_config()
    make_calls(30, config, latency_ms=6_000, ago=timedelta(minutes=5))
    make_calls(20, config, status="error", error_kind="server", ago=timedelta(minutes=5))

    conditions = found()

    assert set(conditions) == {"error_rate", "latency"}
    assert conditions["error_rate"].figures == {"error_rate": 40.0, "calls": 50}
    assert conditions["latency"].figures["calls"] == 30
    assert conditions["latency"].figures["p95_latency_ms"] == pytest.approx(6_000, rel=0.03)


@pytest.mark.parametrize(
    ("good", "bad", "kind"), [(15, 2, "server"), (100, 12, "server"), (0, 50, "rejected")],
    ids=["2 of 17", "12 of 112", "not the provider's fault"],
)  # fmt: skip
def test_chance_and_the_requests_own_faults_are_no_incident(good, bad, kind):
    config = make_config()
    make_calls(good, config, ago=timedelta(minutes=5))
    make_calls(bad, config, status="error", error_kind=kind, ago=timedelta(minutes=5))

    assert found() == {}


def test_what_is_over_for_a_quarter_of_an_hour_is_no_incident():
    config = make_config()
    make_calls(50, config, status="error", error_kind="server", ago=timedelta(minutes=30))
    make_calls(10, config, ago=timedelta(minutes=5))

    assert found() == {}


def test_a_providers_own_thresholds_stand_before_those_of_all():
    lenient, usual = make_config(), make_config()
    AlertThresholds.objects.create(error_rate_percent=1)
    AlertThresholds.objects.create(provider_config=lenient, error_rate_percent=50)
    for config in (lenient, usual):
        make_calls(40, config, ago=timedelta(minutes=5))
        make_calls(10, config, status="error", error_kind="server", ago=timedelta(minutes=5))

    findings = look(now=timezone.now())

    assert [one.provider_config_id for one in findings.conditions] == [usual.pk]


def test_a_model_without_a_price_is_reported_before_its_first_call_and_after():
    make_config(provider_type="local", base_url="http://127.0.0.1:9/v1", model_name="qwen3")

    before = found()["unknown_price"]
    make_calls(3, AIProviderConfig.objects.get(), cost=None)
    after = found()["unknown_price"]

    assert (before.provider_type, before.model_name) == ("local", "qwen3")
    assert (before.figures, after.figures) == ({"unpriced_calls": 0}, {"unpriced_calls": 3})


def test_a_price_ends_the_alert_also_for_calls_that_had_none():
    config = make_config(provider_type="local", base_url="http://127.0.0.1:9/v1", model_name="qwen3")
    make_calls(3, config, cost=None)
    ModelPrice.objects.create(provider_type="local", model_name="qwen3", input_mtok=0, output_mtok=0)

    assert found() == {}


def test_a_price_that_cannot_be_true_is_none_for_the_alert_and_the_console():
    config = make_config(provider_type="local", base_url="http://127.0.0.1:9/v1", model_name="qwen3")
    row = ModelPrice.objects.create(
        provider_type="local", model_name="qwen3", input_mtok=9_999_999, output_mtok=9_999_999
    )
    row.refresh_from_db()
    make_calls(1, config)
    priced = {"provider_type": "local", "model_name": "qwen3", "at": NOON, "overrides": overrides_of([row])}

    assert ordinary_price(**priced) is None
    assert found()["unknown_price"].model_name == "qwen3"
    assert prices_of(config)[0].prices == {}


@pytest.mark.slow
def test_hours_that_nobody_has_rolled_up_are_not_taken_for_hours_that_cost_nothing():
    """No worker ran for five days, over which this provider cost what it costs now."""
    config = make_config()
    AIProviderConfig.objects.update(created_at=NOON - timedelta(days=8))
    for days in range(8):
        make_calls(1000, config, cost="0.003", at=NOON - timedelta(days=days, minutes=30))
    AlertThresholds.objects.create(cost_floor_usd=0)
    rollup.refresh(now=NOON - timedelta(days=5))

    assert "cost_rise" not in found(NOON)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("now_usd", "is_reported"), [("2.40", True), ("2.25", False)], ids=["beyond chance", "within"]
)
def test_an_hour_that_costs_more_than_twice_its_like_is_reported(now_usd, is_reported):
    config = make_config()
    AIProviderConfig.objects.update(created_at=NOON - timedelta(days=60))
    for weeks in (1, 2, 3, 4):
        make_calls(1000, config, cost="0.001", at=NOON - timedelta(weeks=weeks, minutes=30))
    rollup.refresh(now=NOON)
    make_calls(1000, config, cost=f"{float(now_usd) / 1000:.6f}", at=NOON - timedelta(minutes=10))
    AlertThresholds.objects.create(cost_floor_usd=0)

    conditions = found(NOON)

    assert ("cost_rise" in conditions) is is_reported


def test_a_new_provider_has_no_habit_to_depart_from():
    config = make_config()
    AIProviderConfig.objects.update(created_at=NOON - timedelta(days=2))
    make_calls(10, config, cost="50", at=NOON - timedelta(minutes=10))

    assert found(NOON) == {}


def test_a_provider_at_its_own_limit_is_critical_with_what_calls_in_flight_hold():
    config = make_config(daily_token_limit=1_000, monthly_token_limit=1_000)
    window = f"day:{NOON:%Y-%m-%d}"
    QuotaCounter.objects.create(scope=f"provider:{config.pk}", window=window, used=900, reserved=100)
    QuotaCounter.objects.create(scope=f"provider:{config.pk}", window="month:2026-11", used=999)

    conditions = found(NOON)

    assert conditions["provider_limit_reached"].figures == {
        "unit": "tokens", "window": "day", "limit": 1_000, "used": 1_000, "share": 1.0
    }  # fmt: skip
    assert conditions["provider_limit_near"].subject == f"config:{config.pk}:tokens:month"


def test_refused_calls_of_the_last_quarter_are_counted_by_reason():
    make_config()
    users = [make_user("a@example.com"), make_user("b@example.com")]
    refused = {"attempt": 0, "status": "error", "ago": timedelta(minutes=5)}
    for user in (*users, users[0]):
        make_calls(1, None, error_kind="quota_exceeded", user=user, **refused)
    make_calls(2, None, error_kind="price_unknown", **refused)
    make_calls(9, None, error_kind="no_capable_provider", **(refused | {"ago": timedelta(minutes=20)}))

    conditions = found()

    assert {kind: one.figures for kind, one in conditions.items()} == {
        "quota_exceeded": {"calls": 3, "users": 2},
        "price_unknown": {"calls": 2, "users": 0},
    }
    assert (conditions["quota_exceeded"].severity, conditions["price_unknown"].severity) == (
        "info",
        "critical",
    )


def test_calls_that_the_sweeper_closed_are_lost():
    config = make_config()
    make_calls(2, config, status="error", error_kind="abandoned", swept=True, ago=timedelta(minutes=50))

    assert found()["lost_calls"].figures == {"calls": 2}
    assert "lost_calls" not in found(timezone.now() + timedelta(minutes=30))


def test_a_broken_audit_trail_is_said_until_it_holds(monkeypatch):
    make_config()
    broken = audit_chain.Verdict(entries=3, head_hash="", broken_at=4, reason="Entry #4 is missing.")
    # The chain's own tests break it; here only its verdict matters.
    monkeypatch.setattr(audit_chain, "verify", lambda: broken)
    assert verify_audit_trail(now=NOON)

    assert "#4" in found()["audit_broken"].message
    monkeypatch.undo()
    assert not verify_audit_trail(now=NOON + timedelta(minutes=1)), "cron asks each minute"
    assert verify_audit_trail(now=NOON + timedelta(hours=1)), "while it is broken it is walked each hour"
    assert found() == {}
    assert not verify_audit_trail(now=NOON + timedelta(hours=23))


def test_a_channel_that_takes_nothing_is_said():
    make_config()
    channel = AlertChannel.objects.create(name="Ops", form="email", recipients="ops@example.com")
    AlertDelivery.objects.create(channel=channel, created_at=NOON, due_at=NOON, attempts=3)

    assert found()["channel_failing"].subject == f"channel:{channel.pk}"
    assert found()["channel_failing"].message.startswith("1 notice to Ops does not arrive.")


def test_a_channel_is_not_well_because_its_notices_were_given_up():
    config = make_config(is_active=False)
    channel = AlertChannel.objects.create(name="Ops", form="email", recipients="ops@example.com")
    check(now=NOON)
    told = AlertDelivery.objects.filter(channel=channel)
    told.update(attempts=50, state="dead", ended_at=NOON)
    AIProviderConfig.objects.filter(pk=config.pk).update(is_active=True)

    given_up = found(NOON)
    AlertDelivery.objects.create(channel=channel, created_at=NOON, due_at=NOON, attempts=1)
    meanwhile = found(NOON)
    forget_old(now=NOON + 2 * KEPT_FOR)
    forgotten = found(NOON)
    sent = {"state": "sent", "ended_at": NOON + timedelta(minutes=1)}
    AlertDelivery.objects.create(channel=channel, created_at=NOON, due_at=NOON, **sent)

    assert "given up" in given_up["channel_failing"].message
    assert "channel_failing" in meanwhile.keys() & forgotten.keys()
    assert "channel_failing" not in found(NOON)


def test_a_test_that_failed_is_told_to_whoever_sent_it_alone():
    make_config()
    channel = AlertChannel.objects.create(name="Ops", form="email", recipients="ops@example.com")
    AlertDelivery.objects.create(
        channel=channel, created_at=NOON, due_at=NOON, attempts=1, state="dead", ended_at=NOON
    )

    assert found() == {}


def test_a_rule_that_breaks_off_says_nothing_about_its_kinds(monkeypatch):
    make_config()

    def bug(**_):
        raise RuntimeError("a bug")

    # The outermost seam of one rule; what is tested is that the others go on.
    monkeypatch.setattr("usage.alerts.configured.stats.provider_status", bug)
    findings = look(now=timezone.now())

    assert set(findings.broken) == {"provider_limit_reached", "provider_limit_near"}
    assert "config_flagged" in findings.kinds
    assert not findings.kinds & set(findings.broken)


@pytest.mark.parametrize("rolled_up", [False, True], ids=["from the rows", "from the rollups"])
def test_more_providers_cost_no_more_queries(rolled_up):
    def queries(providers):
        for number in range(providers):
            config = make_config(provider_type=("openai", "gemini")[number % 2], daily_token_limit=10)
            make_calls(1, config, ago=timedelta(minutes=5))
        if rolled_up:
            rollup.refresh(now=timezone.now())
        look(now=timezone.now())
        with CaptureQueriesContext(connection) as captured:
            look(now=timezone.now())
        return len(captured)

    few = queries(2)

    assert queries(30) == few


def test_the_same_is_found_from_the_rollups_and_from_the_rows():
    failing, slow = make_config(), make_config()
    make_calls(30, failing, status="error", error_kind="server", at=NOON - timedelta(minutes=20))
    make_calls(10, failing, status="error", error_kind="server", at=NOON - timedelta(minutes=1))
    make_calls(30, slow, latency_ms=7_000, at=NOON - timedelta(minutes=59))
    make_calls(30, slow, latency_ms=7_000, at=NOON - timedelta(minutes=2))
    from_rows = look(now=NOON).conditions

    rollup.refresh(now=NOON)

    assert {one.kind for one in from_rows} == {"error_rate", "latency"}
    assert look(now=NOON).conditions == from_rows


def test_the_page_explains_each_kind_and_no_other():
    page = (Path(settings.BASE_DIR) / "docs" / "alerts.md").read_text()
    table = page.split("## The kinds")[1].split("## Channels")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    explained = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    as_state = {name for cell in first_cells if "(state)" in cell for name in re.findall(r"`(\w+)`", cell)}

    kinds = {kind.name: kind for rule in rules() for kind in rule.kinds}
    assert explained == set(kinds)
    assert as_state == {name for name, kind in kinds.items() if kind.is_state}


def test_each_kind_has_its_runbook():
    page = (Path(settings.BASE_DIR) / "docs" / "operations" / "runbooks.md").read_text()
    headings = " ".join(line for line in page.splitlines() if line.startswith("## "))

    assert set(re.findall(r"`(\w+)`", headings)) == {kind.name for rule in rules() for kind in rule.kinds}
