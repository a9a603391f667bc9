"""Quotas as a call meets them: rules that were just made, caps and prices, time zones, and warnings."""

from datetime import UTC, datetime

import pytest
import time_machine

from accounts.models import Plan
from orchestration.errors import ProviderQuotaExhausted
from usage.ledger.base import QuotaExceeded, UnknownPrice
from usage.models import AIProviderUsageLog, ModelPrice, QuotaCounter, QuotaRule

pytestmark = pytest.mark.django_db(transaction=True)

FREE = {"input_mtok": 0, "output_mtok": 0}
DEAR = {"input_mtok": 1_000, "output_mtok": 1_000}


def price(model_name="sandbox-mini", **mtok):
    return ModelPrice.objects.create(provider_type="openai", model_name=model_name, **mtok)


def taken(scope):
    return list(QuotaCounter.objects.filter(scope=scope).order_by("window").values_list("window", "used"))


def test_a_rule_holds_from_the_next_call_on_and_names_its_task(config_at, ask, user):
    config_at()
    ask()
    QuotaRule.objects.create(user=user, task="extraction", unit="tokens", period="month", limit=10)

    with pytest.raises(QuotaExceeded) as refusal:
        ask()
    ask(task="cover_letter")

    assert (refusal.value.details["scope"], refusal.value.details["task"]) == ("task", "extraction")
    assert AIProviderUsageLog.objects.get(attempt=0).error_kind == "quota_exceeded"


def test_a_task_over_its_quota_asks_no_other_provider(config_at, ask, user, sandbox):
    config_at()
    config_at(provider_type="gemini")
    QuotaRule.objects.create(user=user, task="extraction", unit="tokens", period="day", limit=0)

    with pytest.raises(QuotaExceeded):
        ask()

    assert sandbox.hits()["total"] == 0


def test_under_a_cap_a_model_without_a_price_is_passed_over(config_at, ask):
    config_at("sandbox-unpriced", priority=9)
    config_at("sandbox-mini")
    price(**FREE)
    Plan.objects.filter(slug="freemium").update(daily_cost_limit_usd=1)

    result = ask()

    assert result.model_name == "sandbox-mini"


def test_when_no_model_has_a_price_the_caller_is_told_so(config_at, ask, sandbox):
    config_at()
    Plan.objects.filter(slug="freemium").update(daily_cost_limit_usd=1)

    with pytest.raises(UnknownPrice) as refusal:
        ask()

    assert (refusal.value.status, sandbox.hits()["total"]) == (503, 0)
    assert AIProviderUsageLog.objects.get().error_kind == "price_unknown"


def test_a_provider_at_its_spending_cap_is_passed_over(config_at, ask):
    price(**DEAR)
    price("sandbox-large", **FREE)
    full = config_at(priority=9, daily_cost_limit_usd="0.01")
    other = config_at("sandbox-large", daily_cost_limit_usd="0.01")

    result = ask()
    other.delete()
    with pytest.raises(ProviderQuotaExhausted):
        ask()

    assert result.provider_config_id != full.pk


def test_a_users_spending_cap_holds_and_counts_what_the_call_cost(config_at, ask, user):
    config_at()
    price(**DEAR)
    Plan.objects.filter(slug="freemium").update(daily_token_limit=None, daily_cost_limit_usd=4)

    result = ask()
    with pytest.raises(QuotaExceeded) as refusal:
        ask(prompt="word " * 3_000)

    assert taken(f"user-usd:{user.pk}")[0][1] == int(result.cost_usd * 10**12) > 0
    assert (refusal.value.details["unit"], refusal.value.details["limit"]) == ("usd", "4")


def test_a_price_that_was_just_set_is_the_one_that_is_held(config_at, ask):
    config_at()
    Plan.objects.filter(slug="freemium").update(daily_cost_limit_usd=1)
    own = price(**FREE)
    ask()
    own.input_mtok = own.output_mtok = 100_000
    own.save()

    with pytest.raises(QuotaExceeded):
        ask()


@time_machine.travel(datetime(2026, 11, 21, 15, 30, tzinfo=UTC), tick=True)
def test_a_call_counts_in_the_users_day_and_the_providers(config_at, ask, user):
    user.time_zone = "Asia/Tokyo"
    user.save()
    config = config_at()

    total = ask().usage.total_tokens

    # Saved a moment ago, when the day in UTC was running.
    windows = [("day:2026-11-21", total), ("day:2026-11-22", total), ("month:2026-11", total)]
    assert taken(f"user:{user.pk}") == windows
    assert taken(f"provider:{config.pk}") == [("day:2026-11-21", total), ("month:2026-11", total)]


def test_the_result_tells_which_quotas_are_nearly_used_up(config_at, ask, user):
    config_at()
    rule = QuotaRule.objects.create(user=user, task="extraction", unit="tokens", period="day", limit=100_000)
    quiet = ask()
    QuotaCounter.objects.filter(scope=f"task:{user.pk}:extraction").update(used=85_000)

    told = ask().quota_warnings

    assert quiet.quota_warnings == ()
    (warning,) = told
    quota = warning.quota
    assert (quota.subject, quota.task, quota.limit) == ("task", "extraction", rule.limit)
    assert 0.85 <= warning.share < 0.9
