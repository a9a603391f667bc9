"""What every ledger must do with the last of a quota: use it up, overshoot nothing, say when more comes."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.contract.test_ledger import LEDGERS
from tests.factories import make_config
from tests.usage.attempts import NOON, PICOS_HELD, counters, make_attempt, run, success
from usage.ledger.base import QuotaExceeded, UnknownPrice
from usage.ledger.limits import IN_FLIGHT_RETRY_SECONDS, LONGEST_WINDOW_SECONDS
from usage.models import AIProviderUsageLog, ModelPrice

pytestmark = pytest.mark.django_db(transaction=True)

DAY = "day:2026-11-21"


@pytest.fixture(params=LEDGERS)
def ledger(request):
    return request.param()


def may_be_cut(**fields):
    """60 tokens of prompt, up to 40 of reply, of which 20 are usual."""
    return make_attempt(least_tokens=80, **fields)


def test_where_less_is_left_than_the_most_the_call_goes_with_what_is_left(ledger, user):
    run(ledger.reserve(may_be_cut(user=user, daily=190)))

    second = run(ledger.reserve(may_be_cut(user=user, daily=190)))

    assert (second.attempt.reserved_tokens, second.attempt.max_output_tokens) == (90, 30)
    assert counters()[f"user:{user.pk}", DAY] == (0, 190)
    assert AIProviderUsageLog.objects.get(pk=second.log_id).reserved_tokens == 90


def test_where_less_is_left_than_the_usual_reply_takes_the_call_is_refused(ledger, user):
    run(ledger.settle(run(ledger.reserve(may_be_cut(user=user, daily=179))), success(60, 40)))
    before = counters()

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(may_be_cut(user=user, daily=179)))

    details = refusal.value.details
    assert (details["left"], details["requested"]) == (79, 80)
    assert refusal.value.retry_after == 12 * 60 * 60
    assert counters() == before


def test_a_call_larger_than_the_whole_quota_is_made_when_its_usual_size_fits(ledger, user):
    reservation = run(ledger.reserve(may_be_cut(user=user, monthly=85)))

    assert reservation.attempt.max_output_tokens == 25


def test_the_tightest_of_all_counters_decides(ledger, user):
    config = make_config()

    reservation = run(
        ledger.reserve(may_be_cut(user=user, config=config, daily=95, monthly=99, config_daily=88))
    )

    assert reservation.attempt.reserved_tokens == 88
    assert {held for _, held in counters().values()} == {88}


def test_the_last_of_a_spending_cap_buys_as_long_a_reply_as_it_pays_for(ledger, user):
    # 60 tokens in at $0.25 and each token out at $2 a million.
    reservation = run(ledger.reserve(may_be_cut(user=user, daily_usd="0.0000755")))

    assert reservation.attempt.max_output_tokens == 30
    assert counters()[f"user-usd:{user.pk}", DAY] == (0, 75_000_000)
    assert counters()[f"user:{user.pk}", DAY] == (0, 90)


@pytest.mark.parametrize(("cap", "is_enough"), [("0.000055", True), ("0.000054999999", False)])
def test_a_cap_that_pays_for_the_usual_reply_to_the_last_pico_dollar_is_enough(ledger, user, cap, is_enough):
    if is_enough:
        assert run(ledger.reserve(may_be_cut(user=user, daily_usd=cap))).attempt.max_output_tokens == 20
    else:
        with pytest.raises(QuotaExceeded):
            run(ledger.reserve(may_be_cut(user=user, daily_usd=cap)))
        assert counters().get((f"user-usd:{user.pk}", DAY), (0, 0)) == (0, 0)


def test_tokens_and_money_together_are_held_by_the_same_size(ledger, user):
    config = make_config()

    reservation = run(
        ledger.reserve(
            may_be_cut(user=user, config=config, daily=87, daily_usd="0.00008", config_usd="0.00006")
        )
    )

    # The provider's cap pays for 22 tokens of reply, the user's tokens would do for 27.
    assert reservation.attempt.max_output_tokens == 22
    row = AIProviderUsageLog.objects.get()
    assert row.reserved_tokens == 82
    assert counters()[f"provider-usd:{config.pk}", DAY] == (0, 15_000_000 + 22 * 2_000_000)


def test_where_money_pays_for_more_than_the_tokens_that_are_left_all_of_them_are_held(ledger, user):
    reservation = run(ledger.reserve(may_be_cut(user=user, daily=90, daily_usd="1")))

    assert reservation.attempt.reserved_tokens == 90


def test_what_is_left_of_a_cap_is_counted_at_the_admins_own_price(ledger, user):
    ModelPrice.objects.create(provider_type="openai", model_name="gpt-own", input_mtok=1, output_mtok=10)

    # $0.00006 for the prompt and $0.00001 a token of the reply.
    reservation = run(ledger.reserve(may_be_cut(user=user, daily_usd="0.0004", model_name="gpt-own")))

    assert reservation.attempt.max_output_tokens == 34
    assert counters()[f"user-usd:{user.pk}", DAY] == (0, 400_000_000)


def test_a_cut_call_settles_at_what_it_held_when_nobody_says_what_it_used(ledger, user):
    reservation = run(ledger.reserve(may_be_cut(user=user, daily=90)))

    settled = run(ledger.settle(reservation, success(usage=None)))

    assert (settled.usage.input_tokens, settled.usage.output_tokens) == (60, 30)
    assert counters()[f"user:{user.pk}", DAY] == (90, 0)


def test_a_quota_is_used_up_by_calls_that_take_less_than_they_hold(ledger, user):
    """Each call holds 100 and takes 70: of 1,000 tokens less than one usual call is left at the end."""
    calls = 0
    while True:
        try:
            reservation = run(ledger.reserve(may_be_cut(user=user, daily=1_000)))
        except QuotaExceeded:
            break
        run(ledger.settle(reservation, success(55, 15)))
        calls += 1

    used, reserved = counters()[f"user:{user.pk}", DAY]
    assert (calls, used, reserved) == (14, 980, 0)


def test_a_model_without_a_price_is_refused_near_a_cap_as_well(ledger, user):
    attempt = may_be_cut(user=user, daily=90, daily_usd="1", model_name="nobody-knows")

    with pytest.raises(UnknownPrice):
        run(ledger.reserve(attempt))


def test_a_refusal_that_only_calls_in_flight_cause_says_seconds(ledger, user):
    run(ledger.reserve(may_be_cut(user=user, daily=150)))

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(may_be_cut(user=user, daily=150)))

    assert refusal.value.retry_after == IN_FLIGHT_RETRY_SECONDS
    assert "under way" in refusal.value.message


def test_in_the_last_seconds_of_a_day_the_reset_is_sooner_than_any_call_ends(ledger, user):
    late = NOON.replace(hour=23, minute=59, second=58)
    run(ledger.reserve(may_be_cut(user=user, daily=150, started_at=late)))

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(may_be_cut(user=user, daily=150, started_at=late)))

    assert refusal.value.retry_after == 2


def test_no_client_is_told_to_wait_longer_than_a_month(ledger, user):
    attempt = may_be_cut(user=user, monthly=150)
    far = tuple(replace(limit, resets_at=NOON + timedelta(days=400)) for limit in attempt.limits)
    run(ledger.settle(run(ledger.reserve(replace(attempt, limits=far))), success(60, 40)))

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(replace(attempt, limits=far)))

    assert refusal.value.retry_after == LONGEST_WINDOW_SECONDS


def test_what_a_full_call_holds_of_a_cap_is_what_it_costs(ledger, user):
    run(ledger.reserve(may_be_cut(user=user, daily_usd=Decimal("1"))))

    assert counters()[f"user-usd:{user.pk}", DAY] == (0, PICOS_HELD)
