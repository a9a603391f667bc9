"""What a super-admin is told to look at."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from providers.encryption import SealedValue
from providers.models import AIProviderConfig
from tests.factories import make_config, make_user
from tests.usage.calls import make_calls
from usage.alerts import current_alerts
from usage.models import ModelPrice, QuotaCounter
from usage.stats import rollup

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def alerts(now=None):
    return {alert.kind: alert for alert in current_alerts(now=now or timezone.now())}


def test_all_quiet_says_nothing():
    config = make_config(key_expires_at=timezone.now() + timedelta(days=15), daily_token_limit=1_000)
    make_calls(20, config)

    assert current_alerts(now=timezone.now()) == []


def test_a_flagged_provider_is_critical_until_it_is_switched_off():
    config = make_config(display_name="Main")
    AIProviderConfig.flag(config.pk, "auth")

    alert = alerts()["config_flagged"]
    assert (alert.severity, alert.provider_config_id) == ("critical", config.pk)
    assert alert.message.startswith("Main: The vendor refused the key.")
    assert alert.figures["reason"] == "auth"

    AIProviderConfig.objects.update(is_active=False)
    assert alerts() == {}


def test_a_key_that_cannot_be_decrypted_is_critical():
    config = make_config()
    config.api_key_encrypted = SealedValue("gAAAAAB-made-with-a-key-that-is-gone")
    config.save()

    assert alerts()["key_undecryptable"].severity == "critical"


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
    make_config(key_expires_at=NOON + left)

    assert list(alerts(NOON)) == [kind]


def test_failing_and_slow_providers_are_reported_with_their_figures():
    config = make_config()
    make_calls(17, config, latency_ms=6_000)
    make_calls(3, config, status="error", error_kind="server")

    found = alerts()

    assert set(found) == {"error_rate", "latency"}
    assert found["error_rate"].figures == {"error_rate": 15.0, "calls": 20}
    assert found["latency"].figures == {"avg_latency_ms": 6_000, "calls": 20}


def test_one_failure_in_ten_is_not_too_many():
    config = make_config()
    make_calls(9, config)
    make_calls(1, config, status="error", error_kind="server")

    assert alerts() == {}


def test_a_model_without_a_price_is_reported_before_its_first_call_and_after():
    config = make_config(provider_type="local", base_url="http://127.0.0.1:9/v1", model_name="qwen3")

    before = alerts()["unknown_price"]
    make_calls(3, config, cost=None)
    after = alerts()["unknown_price"]

    assert (before.provider_type, before.model_name) == ("local", "qwen3")
    assert before.figures == {"unpriced_calls": 0}
    assert after.figures == {"unpriced_calls": 3}
    assert "Model prices" in after.message


def test_a_price_of_the_admins_own_ends_the_alert_for_models_not_yet_called():
    make_config(provider_type="local", base_url="http://127.0.0.1:9/v1", model_name="qwen3")
    ModelPrice.objects.create(provider_type="local", model_name="qwen3", input_mtok=0, output_mtok=0)

    assert alerts() == {}


@pytest.mark.parametrize(
    ("today", "is_reported"), [("20.01", True), ("20.00", False)], ids=["above", "exactly twice"]
)
def test_a_day_that_costs_more_than_twice_the_average_is_reported(today, is_reported):
    config = make_config()
    for days in (1, 2, 3):
        make_calls(1, config, cost="10", at=NOON - timedelta(days=days))
    make_calls(1, config, cost=today, at=NOON - timedelta(hours=1))

    found = alerts(NOON)

    assert ("cost_rise" in found) is is_reported
    if is_reported:
        assert found["cost_rise"].figures["today_usd"].startswith("20.01")
        assert found["cost_rise"].figures["daily_average_usd"].startswith("10.0")


def test_two_days_are_no_habit_to_depart_from():
    config = make_config()
    for days in (1, 2):
        make_calls(1, config, cost="0.01", at=NOON - timedelta(days=days))
    make_calls(1, config, cost="50", at=NOON - timedelta(hours=1))

    assert alerts(NOON) == {}


def test_a_provider_at_its_own_limit_is_critical_with_what_calls_in_flight_hold():
    config = make_config(daily_token_limit=1_000, monthly_token_limit=1_000)
    other = make_config(daily_token_limit=1_000)
    window = f"day:{NOON:%Y-%m-%d}"
    QuotaCounter.objects.create(scope=f"provider:{config.pk}", window=window, used=900, reserved=100)
    QuotaCounter.objects.create(scope=f"provider:{other.pk}", window=window, used=999)
    QuotaCounter.objects.create(scope=f"provider:{config.pk}", window="month:2026-11", used=999)

    found = [alert for alert in current_alerts(now=NOON) if alert.kind == "provider_limit_reached"]

    assert [(alert.provider_config_id, alert.figures) for alert in found] == [
        (config.pk, {"unit": "tokens", "window": "day", "limit": 1_000, "used": 1_000, "share": 1.0})
    ]
    assert "2026-11-22" in found[0].message


def test_a_provider_past_80_percent_of_a_limit_is_a_warning():
    config = make_config(display_name="Main", daily_token_limit=1_000, monthly_cost_limit_usd="2.5")
    count = QuotaCounter.objects.create
    count(scope=f"provider:{config.pk}", window="day:2026-11-21", used=799)
    count(scope=f"provider-usd:{config.pk}", window="month:2026-11", used=2_000_000_000_000)

    found = [alert for alert in current_alerts(now=NOON) if alert.kind.startswith("provider_limit")]

    assert [(alert.kind, alert.severity, alert.figures) for alert in found] == [
        (
            "provider_limit_near",
            "warning",
            {"unit": "usd", "window": "month", "limit": "2.5", "used": "2", "share": 0.8},
        )
    ]
    assert found[0].message.startswith("Main: 80% of the USD limit of this month are taken.")


def test_calls_that_no_cap_could_be_kept_for_are_critical():
    make_calls(2, None, attempt=0, status="error", error_kind="price_unknown")

    assert (alerts()["price_unknown"].severity, alerts()["price_unknown"].figures["calls"]) == ("critical", 2)


def test_refused_calls_are_counted_by_reason_and_the_worst_comes_first():
    users = [make_user("a@example.com"), make_user("b@example.com")]
    for user in (*users, users[0]):
        make_calls(1, None, attempt=0, status="error", error_kind="quota_exceeded", user=user)
    make_calls(2, None, attempt=0, status="error", error_kind="no_active_provider")
    make_calls(9, None, attempt=0, status="error", error_kind="quota_exceeded", ago=timedelta(days=2))

    found = current_alerts(now=timezone.now())

    assert [(alert.kind, alert.severity, alert.figures["calls"]) for alert in found] == [
        ("no_active_provider", "critical", 2),
        ("quota_exceeded", "info", 3),
    ]
    assert found[1].figures["users"] == 2


@pytest.mark.parametrize("rolled_up", [False, True], ids=["from the rows", "from the rollups"])
def test_more_providers_cost_no_more_queries(rolled_up):
    def queries(providers):
        for number in range(providers):
            config = make_config(provider_type=("openai", "gemini")[number % 2], daily_token_limit=10)
            make_calls(1, config)
            for days in (1, 2, 3):
                make_calls(1, config, cost="0.00001", ago=timedelta(days=days))
        if rolled_up:
            rollup.refresh(now=timezone.now())
        with CaptureQueriesContext(connection) as captured:
            current_alerts(now=timezone.now())
        return len(captured)

    few = queries(2)

    assert queries(40) == few


def test_alerts_from_rollups_are_those_from_the_rows():
    users = [make_user("a@example.com"), make_user("b@example.com")]
    failing, dear, slow = make_config(), make_config(), make_config()
    make_calls(20, failing, status="error", error_kind="server", at=NOON - timedelta(hours=7))
    make_calls(9, failing, at=NOON - timedelta(hours=9))
    make_calls(9, slow, latency_ms=7_000, at=NOON - timedelta(hours=23, minutes=59))
    make_calls(3, slow, cost=None, at=NOON - timedelta(days=4))
    for days in (1, 2, 3):
        make_calls(1, dear, cost="10", at=NOON - timedelta(days=days, hours=3))
    make_calls(1, dear, cost="21", at=NOON - timedelta(hours=1))
    for user in (*users, users[0]):
        make_calls(
            1, None, attempt=0, status="error", error_kind="quota_exceeded", user=user,
            at=NOON - timedelta(hours=20),
        )  # fmt: skip
    from_rows = current_alerts(now=NOON)

    rollup.refresh(now=NOON)

    kinds = {alert.kind for alert in from_rows}
    assert kinds == {"error_rate", "latency", "cost_rise", "unknown_price", "quota_exceeded"}
    assert current_alerts(now=NOON) == from_rows
