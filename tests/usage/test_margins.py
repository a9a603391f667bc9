"""What plans and users bring in, beside what they cost."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import Plan, Subscription
from tests.factories import make_config, make_user
from tests.usage.calls import make_calls
from usage.margins import margins
from usage.stats import Period

pytestmark = pytest.mark.django_db

DECEMBER_FIRST = datetime(2026, 12, 1, tzinfo=UTC)
NOVEMBER = Period.of_dates(first=date(2026, 11, 1), last=date(2026, 11, 30))
MIDDLE = datetime(2026, 11, 16, tzinfo=UTC)


def price(slug, amount):
    Plan.objects.filter(slug=slug).update(monthly_price_usd=amount)


def subscribe(slug, email, *, started=datetime(2026, 1, 1, tzinfo=UTC), ended=None, status="active"):
    user = make_user(email)
    Subscription.objects.create(
        user=user, plan_id=slug, started_at=started, current_period_end=ended, status=status
    )
    return user


def of(found, key):
    return next(one for one in found if one.key == str(key))


def test_a_plan_brings_in_its_months_and_costs_its_calls():
    price("pro_monthly", "20.00")
    subscribe("pro_monthly", "whole@example.com")
    subscribe("pro_monthly", "half@example.com", started=MIDDLE)
    subscribe("pro_monthly", "ended@example.com", ended=MIDDLE)
    subscribe("pro_monthly", "before@example.com", ended=datetime(2026, 10, 31, tzinfo=UTC))
    make_calls(4, make_config(), at=MIDDLE, cost="2.5", plan="pro_monthly")
    make_calls(1, None, at=MIDDLE, cost=None, plan="pro_monthly")

    plan = of(margins(period=NOVEMBER, by="plan", now=DECEMBER_FIRST), "pro_monthly")

    assert (plan.months, plan.revenue_usd, plan.cost_usd) == (2, 40, 10)
    assert (plan.margin_usd, plan.margin_percent, plan.unpriced_calls) == (30, 75.0, 1)


def test_what_is_to_come_is_not_brought_in_yet():
    price("pro_monthly", "30")
    subscribe("pro_monthly", "a@example.com")

    plan = of(margins(period=NOVEMBER, by="plan", now=MIDDLE), "pro_monthly")

    assert (plan.months, plan.revenue_usd) == (Decimal("0.5"), 15)


def test_a_plan_without_a_price_has_no_margin_and_a_free_one_its_cost():
    price("freemium", 0)
    subscribe("paygo", "a@example.com")
    make_calls(1, None, at=MIDDLE, cost="3", plan="paygo")
    make_calls(1, None, at=MIDDLE, cost="3", plan="freemium")

    found = margins(period=NOVEMBER, by="plan", now=DECEMBER_FIRST)

    assert [one.key for one in found] == ["freemium", "paygo"]
    assert [one.margin_usd for one in found] == [-3, None]
    assert of(found, "paygo").revenue_usd is None


def test_a_cancelled_subscription_without_an_end_is_counted_and_not_guessed():
    price("pro_monthly", 20)
    subscribe("pro_monthly", "a@example.com", status="cancelled")
    subscribe("pro_monthly", "b@example.com", status="cancelled", ended=MIDDLE)

    plan = of(margins(period=NOVEMBER, by="plan", now=DECEMBER_FIRST), "pro_monthly")

    assert (plan.open_ended, plan.months, plan.revenue_usd) == (1, Decimal("0.5"), 10)


def test_users_are_told_by_their_margin_the_worst_first():
    price("pro_monthly", 20)
    price("freemium", 0)
    payer = subscribe("pro_monthly", "payer@example.com")
    guest = make_user("guest@example.com")
    make_calls(1, None, at=MIDDLE, cost="25", plan="pro_monthly", user=payer)
    make_calls(1, None, at=MIDDLE, cost="1", plan="freemium", user=guest)

    found = margins(period=NOVEMBER, by="user", now=DECEMBER_FIRST)

    assert [(one.label, one.margin_usd) for one in found] == [
        ("payer@example.com", -5),
        ("guest@example.com", -1),
    ]


ROOT = "/api/v1/super-admin/providers/usage"


def test_costs_margins_and_forecast_are_in_the_api(admin_api):
    config = make_config()
    make_calls(2, config, cost="0.25", plan="paygo")

    costs = admin_api.get(f"{ROOT}/costs?by=plan&days=2").json()["data"]
    plans = admin_api.get(f"{ROOT}/margins?days=2").json()["data"]
    forecast = admin_api.get(f"{ROOT}/forecast?provider={config.pk}").json()["data"]

    (row,) = costs
    assert (row["key"], row["calls"], Decimal(row["cost_usd"])) == ("paygo", 2, Decimal("0.5"))
    assert (plans[0]["key"], plans[0]["margin_usd"]) == ("paygo", None)
    assert Decimal(plans[0]["cost_usd"]) == Decimal("0.5")
    assert (forecast["expected_usd"], forecast["level"]) == (None, 0.9)
    assert forecast["reason"]


@pytest.mark.parametrize(
    "path",
    ["costs?by=colour", "costs?by=user&bucket=day", "margins?by=task", "forecast?tz=Mars"],
)
def test_questions_that_make_no_sense_are_refused(admin_api, path):
    assert admin_api.get(f"{ROOT}/{path}").status_code in (400, 422)


@pytest.mark.parametrize("path", ["costs?by=user", "margins", "forecast"])
def test_money_is_for_super_admins(api, path):
    assert api.get(f"{ROOT}/{path}").status_code in (401, 403)


@pytest.mark.parametrize("panel", ["margins", "user-margins", "forecast"])
def test_the_console_has_panel_and_csv(client, super_admin, panel):
    client.force_login(super_admin)
    # Now, which is this month also in its first hour.
    make_calls(2, make_config(), cost="0.25", plan="paygo", user=super_admin, ago=timedelta(0))

    shown = client.get(f"/admin/statistics/{panel}.json").json()
    file = client.get(f"/admin/statistics/{panel}.csv").content.decode()

    assert shown["rows"]
    assert "0.5" in file
