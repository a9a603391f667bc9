"""Quotas as a call meets them: rules that were just made, caps and prices, time zones, and warnings."""

import json
from datetime import UTC, datetime

import pytest
import time_machine

from accounts.errors import DomainError
from accounts.models import Plan
from orchestration.errors import (
    LONGEST_VENDOR_WAIT_SECONDS,
    ProviderFailed,
    ProviderQuotaExhausted,
    ProvidersUnavailable,
)
from providers.adapters.base import GenerationRequest
from providers.tasks import task_type
from tests.contract.vendors import Recorder
from tests.factories import make_config
from usage.ledger.base import QuotaExceeded, UnknownPrice
from usage.ledger.limits import IN_FLIGHT_RETRY_SECONDS
from usage.models import AIProviderUsageLog, ModelPrice, QuotaCounter, QuotaRule
from usage.quotas import estimate_input_tokens

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


def test_the_request_that_is_sent_is_held_to_what_is_left_of_the_quota(config_at, ask, user):
    with Recorder(status=500) as server:
        make_config(base_url=server.url + "/v1", timeout=5)
        QuotaRule.objects.create(user=user, task="cover_letter", unit="tokens", period="day", limit=1_500)
        with pytest.raises(DomainError):
            ask(task="cover_letter")

    first = AIProviderUsageLog.objects.order_by("attempt")[0]
    sent = json.loads(server.requests[0][2])["max_output_tokens"]
    assert task_type("cover_letter").usual_output_tokens <= sent < task_type("cover_letter").max_output_tokens
    assert first.reserved_tokens == first.reserved_input_tokens + sent == 1_500


def test_with_less_left_than_a_usual_reply_takes_nothing_is_sent(config_at, ask, user, sandbox):
    config_at()
    usual = task_type("cover_letter").usual_output_tokens
    QuotaRule.objects.create(user=user, task="cover_letter", unit="tokens", period="day", limit=usual)

    with pytest.raises(QuotaExceeded) as refusal:
        ask(task="cover_letter")

    assert refusal.value.details["requested"] == usual + estimate_input_tokens(
        GenerationRequest("Say hello.")
    )
    assert sandbox.hits()["total"] == 0


def test_a_caller_who_wants_little_needs_little(config_at, ask, user):
    config_at()
    QuotaRule.objects.create(user=user, task="cover_letter", unit="tokens", period="day", limit=100)

    assert ask(task="cover_letter", max_output_tokens=50).text


def test_providers_full_of_calls_in_flight_are_worth_asking_again_in_seconds():
    full = QuotaExceeded(retry_after=86_000)
    busy = QuotaExceeded(retry_after=IN_FLIGHT_RETRY_SECONDS)
    never = QuotaExceeded()

    assert ProviderQuotaExhausted.because([full, busy, never]).retry_after == IN_FLIGHT_RETRY_SECONDS
    assert ProviderQuotaExhausted.because([full, never]).retry_after == 86_000
    assert ProviderQuotaExhausted.because([never]).retry_after is None


@pytest.mark.parametrize("wait", [52_352.0, 1e300, float("inf"), float("nan")])
def test_what_a_vendor_asks_for_keeps_no_client_away_for_longer_than_an_hour(wait):
    assert ProviderFailed(retry_after=wait).retry_after == LONGEST_VENDOR_WAIT_SECONDS
    assert ProvidersUnavailable(retry_after=wait).retry_after == LONGEST_VENDOR_WAIT_SECONDS


@pytest.mark.parametrize(("wait", "told"), [(-3, 1), (0.2, 1), (7.1, 8)])
def test_a_wait_is_told_in_whole_seconds(wait, told):
    assert ProviderFailed(retry_after=wait).retry_after == told
