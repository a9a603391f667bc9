"""Statistics, health, alerts and recommendations over the super-admin API."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from providers.models import AIProviderConfig
from tests.factories import make_config
from tests.usage.calls import make_calls

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/super-admin/providers"


def data(response):
    assert response.status_code == 200, response.content
    body = response.json()
    assert body["success"] is True
    return body["data"]


def test_the_statistics_have_the_fields_of_the_guide(admin_api):
    flash = make_config(provider_type="gemini", model_name="gemini-2.5-flash")
    make_calls(7, flash, ago=timedelta(days=1), latency_ms=900, cost="0.25")
    make_calls(2, flash, ago=timedelta(days=20), latency_ms=600, cost="0.25")
    make_calls(1, flash, ago=timedelta(days=20), status="error", error_kind="server")
    make_calls(5, flash, ago=timedelta(days=40))
    make_calls(4, flash, attempt=0, status="error", error_kind="quota_exceeded")

    (row,) = data(admin_api.get(f"{ROOT}/usage/stats?days=30"))

    assert row == {
        "provider_config_id": flash.pk,
        "provider_type": "gemini",
        "model_name": "gemini-2.5-flash",
        "total_calls": 10,
        "total_tokens": 1_350,
        "total_cost_usd": 2.25,
        "total_cost_usd_exact": row["total_cost_usd_exact"],
        "unpriced_calls": 0,
        "success_rate": 90.0,
        "avg_latency_ms": 833,
        "last_7_days_calls": 7,
        "last_30_days_calls": 10,
    }
    assert Decimal(row["total_cost_usd_exact"]) == Decimal("2.25")


def test_a_cost_that_nobody_knows_is_null_and_counted(admin_api):
    make_calls(3, make_config(), cost=None)

    (row,) = data(admin_api.get(f"{ROOT}/usage/stats"))

    assert (row["total_cost_usd"], row["total_cost_usd_exact"]) == (None, None)
    assert row["unpriced_calls"] == 3


def test_thirty_days_are_meant_when_nothing_is_said(admin_api):
    make_calls(1, make_config(), ago=timedelta(days=29))
    make_calls(1, make_config(model_name="gpt-5"), ago=timedelta(days=31))

    assert [row["model_name"] for row in data(admin_api.get(f"{ROOT}/usage/stats"))] == ["gpt-5-mini"]
    assert len(data(admin_api.get(f"{ROOT}/usage/stats?days=60"))) == 2


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("usage/stats?days=0", "days"),
        ("usage/stats?days=many", "days"),
        ("usage/stats?day=7", "day"),
        ("usage/timeseries?bucket=minute", "bucket"),
        ("usage/timeseries?days=801", "days"),
        ("usage/timeseries?by=colour", "by"),
        ("usage/timeseries?start=2026-11-01", "non_field_errors"),
        ("usage/timeseries?start=yesterday&end=today", "start"),
        ("recommendations?days=9999", "days"),
    ],
)
def test_a_question_that_is_not_understood_is_refused(admin_api, path, field):
    response = admin_api.get(f"{ROOT}/{path}")

    assert response.status_code == 400
    assert field in response.json()["error"]["details"]["fields"]


@pytest.mark.parametrize(
    "query",
    ["tz=Atlantis/Capital", "start=2026-11-02&end=2026-11-01", "bucket=hour&days=400"],
)
def test_a_period_that_cannot_be_is_refused(admin_api, query):
    response = admin_api.get(f"{ROOT}/usage/timeseries?{query}")

    assert response.status_code == 422
    assert response.json()["error"]["code"] == "invalid_period"


def test_the_last_days_come_one_by_one_with_today(admin_api):
    make_calls(2, make_config(), ago=timedelta(0))

    series = data(admin_api.get(f"{ROOT}/usage/timeseries?days=7"))

    today = timezone.now().date()
    assert [point["start"][:10] for point in series["points"]] == [
        str(today - timedelta(days=days)) for days in range(6, -1, -1)
    ]
    assert [point["calls"] for point in series["points"]] == [0, 0, 0, 0, 0, 0, 2]
    last = series["points"][-1]
    assert (last["total_tokens"], last["total_cost_usd"], last["success_rate"]) == (300, 0.002, 100.0)
    assert last["avg_latency_ms"] == 800
    assert last["p50_latency_ms"] == pytest.approx(800, rel=0.025)


def test_a_call_belongs_to_the_local_day_it_was_made_on(admin_api):
    at = timezone.now().replace(year=2026, month=11, day=10, hour=20, minute=0)
    make_calls(1, make_config(), at=at)

    series = data(admin_api.get(f"{ROOT}/usage/timeseries?start=2026-11-10&end=2026-11-11&tz=Asia/Kathmandu"))

    assert [point["calls"] for point in series["points"]] == [0, 1]
    assert series["points"][1]["start"] == "2026-11-11T00:00:00+05:45"
    assert (series["tz"], series["bucket"], series["by"]) == ("Asia/Kathmandu", "day", "none")


def test_a_day_without_an_hour_has_twenty_three(admin_api):
    series = data(
        admin_api.get(f"{ROOT}/usage/timeseries?start=2026-03-29&end=2026-03-29&tz=Europe/Berlin&bucket=hour")
    )

    assert len(series["points"]) == 23


def test_the_series_can_be_split_and_narrowed(admin_api):
    one, other = make_config(display_name="One"), make_config(display_name="Other")
    make_calls(3, one)
    make_calls(1, other)

    split = data(admin_api.get(f"{ROOT}/usage/timeseries?days=2&by=provider"))["points"]
    narrowed = data(admin_api.get(f"{ROOT}/usage/timeseries?days=2&provider={one.pk}"))["points"]

    counted = {}
    for point in split:
        counted[point["label"]] = counted.get(point["label"], 0) + point["calls"]
    assert counted == {"One": 3, "Other": 1}
    assert sum(point["calls"] for point in narrowed) == 3


def test_health_names_each_provider_with_its_state_and_reasons(admin_api):
    config = make_config(display_name="Main", is_default=True)
    make_calls(9, config)
    AIProviderConfig.flag(config.pk, "billing")

    (row,) = data(admin_api.get(f"{ROOT}/health"))

    assert (row["provider_config_id"], row["name"], row["state"]) == (config.pk, "Main", "down")
    assert row["reasons"] == ["The vendor wants a payment or a higher spending limit."]
    assert (row["flag_reason"], row["is_active"], row["is_default"]) == ("billing", True, True)
    assert (row["calls_24h"], row["failed_calls_24h"], row["error_rate_24h"]) == (9, 0, 0.0)
    assert row["avg_latency_ms_24h"] == 800


def test_alerts_say_what_to_do_and_why(admin_api):
    config = make_config(display_name="Main")
    AIProviderConfig.flag(config.pk, "auth")

    rows = data(admin_api.get(f"{ROOT}/alerts"))
    row = next(row for row in rows if row["kind"] == "config_flagged")

    assert (row["kind"], row["severity"]) == ("config_flagged", "critical")
    assert row["message"].startswith("Main: The vendor refused the key.")
    assert (row["provider_config_id"], row["model_name"]) == (config.pk, "gpt-5-mini")
    assert row["figures"]["reason"] == "auth"


def test_recommendations_carry_the_figures_that_justify_them(admin_api):
    config = make_config(model_name="gpt-5")
    make_calls(100, config, input_tokens=1_000, output_tokens=1_000, cost="0.01125")

    (row,) = data(admin_api.get(f"{ROOT}/recommendations"))

    assert (row["provider_type"], row["model_name"], row["task_type"]) == ("openai", "gpt-5", "extraction")
    assert (row["calls"], row["input_tokens"], row["output_tokens"]) == (100, 100_000, 100_000)
    assert Decimal(row["cost_usd"]) == Decimal("1.125")
    nano = next(one for one in row["alternatives"] if one["model_name"] == "gpt-5-nano")
    assert Decimal(nano["estimated_cost_usd"]) == Decimal("0.045")
    assert Decimal(nano["saving_usd"]) == Decimal("1.08")
    assert nano["saving_percent"] == 96.0
    assert nano["unit_prices"]["output_mtok"] == "0.4"


def test_nothing_to_report_is_an_empty_list(admin_api):
    for path in ("usage/stats", "health", "recommendations"):
        assert data(admin_api.get(f"{ROOT}/{path}")) == []
