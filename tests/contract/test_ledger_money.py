"""What every ledger must do with money: caps in USD are as exact as quotas of tokens, and never fail open."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.audit import Actor
from accounts.personal_tokens import TokenLimits, create
from providers.adapters.base import TokenUsage
from tests.contract.test_ledger import LEDGERS, REFUSED_BY_VENDOR, TIMED_OUT
from tests.factories import make_config
from tests.usage.attempts import NOON, PICOS_HELD, counters, make_attempt, run, success
from tests.usage.calls import make_calls
from usage.ledger.base import QuotaExceeded, UnknownPrice
from usage.ledger.limits import IN_FLIGHT_RETRY_SECONDS
from usage.models import AIProviderUsageLog, ModelPrice, MovedRecord, QuotaCounter
from usage.pricing import overrides_for

pytestmark = pytest.mark.django_db(transaction=True)

DAY, MONTH = "day:2026-11-21", "month:2026-11"
LATER = NOON + timedelta(hours=1)


@pytest.fixture(params=LEDGERS)
def ledger(request):
    return request.param()


def money(user):
    return counters()[f"user-usd:{user.pk}", DAY]


def test_a_cap_holds_the_price_of_the_estimate_and_keeps_what_it_cost(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user, daily_usd="1")))
    held = money(user)

    settlement = run(ledger.settle(reservation, success(50, 20)))

    assert held == (0, PICOS_HELD)
    assert settlement.cost_usd == Decimal("0.0000525")
    assert money(user) == (52_500_000, 0)


def test_a_cap_admits_to_the_last_pico_dollar_and_not_beyond(ledger, user):
    attempt = make_attempt(user=user, daily_usd="0.0002")
    run(ledger.reserve(attempt))
    run(ledger.reserve(attempt))
    before = counters()

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(attempt))

    assert counters() == before
    assert AIProviderUsageLog.objects.count() == 2
    assert refusal.value.details == {
        "scope": "user",
        "task": "",
        "unit": "usd",
        "window": "day",
        "limit": "0.0002",
        "used": "0",
        "reserved": "0.00019",
        "left": "0.00001",
        "requested": "0.000095",
        "resets_at": "2026-11-22T00:00:00+00:00",
        "time_zone": "UTC",
    }
    assert refusal.value.retry_after == IN_FLIGHT_RETRY_SECONDS
    assert "daily spending cap" in refusal.value.message


def test_a_request_dearer_than_the_whole_cap_is_not_told_to_wait(ledger, user):
    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(make_attempt(user=user, daily_usd="0.00005")))

    assert refusal.value.retry_after is None
    assert "needs $0.000095" in refusal.value.message


def test_providers_have_caps_of_their_own(ledger, user):
    config = make_config()
    attempt = make_attempt(user=user, config=config, config_usd="0.0001")
    run(ledger.reserve(attempt))

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(attempt))

    assert counters()[f"provider-usd:{config.pk}", DAY] == (0, PICOS_HELD)
    assert (refusal.value.details["scope"], refusal.value.details["unit"]) == ("provider", "usd")


def test_settlement_is_not_capped_in_money_either(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user, daily_usd="0.0001")))

    run(ledger.settle(reservation, success(1_000, 1_000)))

    assert money(user) == (2_250_000_000, 0)
    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(make_attempt(user=user, daily_usd="0.0001")))
    assert (refusal.value.details["used"], refusal.value.details["left"]) == ("0.00225", "0")


@pytest.mark.parametrize(
    ("whose", "named"),
    [("user", "your account"), ("provider", "the AI provider"), ("access_token", "the access token")],
)
def test_a_model_without_a_price_cannot_be_held_to_a_cap(ledger, user, whose, named):
    limits = TokenLimits(daily_cost_limit_usd=Decimal(1))
    caps = {
        "user": lambda: {"daily_usd": "1"},
        "provider": lambda: {"config": make_config(), "config_usd": "1"},
        "access_token": lambda: {
            "token": create(user=user, name="CI", actor=Actor.system(), limits=limits)[0]
        },
    }
    attempt = make_attempt(user=user, model_name="gpt-nobody-knows", **caps[whose]())

    with pytest.raises(UnknownPrice) as refusal:
        run(ledger.reserve(attempt))

    assert (refusal.value.code, refusal.value.status) == ("price_unknown", 503)
    assert refusal.value.details == {"provider_type": "openai", "model": "gpt-nobody-knows", "scope": whose}
    assert f"in force for {named}," in refusal.value.message
    assert "Model prices" in refusal.value.message
    assert counters() == {}
    assert not AIProviderUsageLog.objects.exists()


def test_a_ceiling_lets_a_model_without_a_price_be_held_to_a_cap(ledger, user):
    ModelPrice.objects.create(
        provider_type="openai", model_name="gpt-nobody-knows", input_mtok=1, output_mtok=10, is_ceiling=True
    )
    attempt = make_attempt(user=user, daily_usd="1", model_name="gpt-nobody-knows")

    reservation = run(ledger.reserve(attempt))
    settlement = run(ledger.settle(reservation, success(50, 20)))

    assert settlement.cost_usd is None
    assert AIProviderUsageLog.objects.get().estimated_cost_usd is None
    assert money(user) == (60_000_000 + 400_000_000, 0)
    with pytest.raises(QuotaExceeded):
        run(
            ledger.reserve(
                replace(
                    attempt, request_id="again", limits=make_attempt(user=user, daily_usd="0.0005").limits
                )
            )
        )


def test_the_price_at_the_calls_moment_is_what_it_costs_however_late_it_is_settled(ledger, user):
    ModelPrice.objects.create(provider_type="openai", model_name="gpt-own", input_mtok=1, output_mtok=10)
    reservation = run(ledger.reserve(make_attempt(user=user, daily_usd="1", model_name="gpt-own")))
    ModelPrice.objects.create(
        provider_type="openai", model_name="gpt-own", input_mtok=100, output_mtok=1000, valid_from=LATER
    )

    settlement = run(ledger.settle(reservation, success(50, 20)))

    assert settlement.cost_usd == Decimal("0.00025")
    assert AIProviderUsageLog.objects.get().unit_prices["input_mtok"] == "1"


def test_the_admins_own_price_is_what_is_held(ledger, user):
    ModelPrice.objects.create(provider_type="openai", model_name="gpt-own", input_mtok=1, output_mtok=10)

    run(ledger.reserve(make_attempt(user=user, daily_usd="1", model_name="gpt-own")))

    assert money(user) == (0, 60_000_000 + 400_000_000)


def test_a_free_model_is_held_to_a_cap_at_nothing(ledger, user):
    ModelPrice.objects.create(provider_type="openai", model_name="own", input_mtok=0, output_mtok=0)

    reservation = run(ledger.reserve(make_attempt(user=user, daily_usd="0", model_name="own")))
    run(ledger.settle(reservation, success()))

    assert money(user) == (0, 0)


@pytest.mark.parametrize(
    ("outcome", "used"), [(REFUSED_BY_VENDOR, 0), (TIMED_OUT, PICOS_HELD)], ids=["for nothing", "estimated"]
)
def test_failures_cost_what_their_row_says(ledger, user, outcome, used):
    reservation = run(ledger.reserve(make_attempt(user=user, daily_usd="1")))

    run(ledger.settle(reservation, outcome))

    assert money(user) == (used, 0)


def test_the_sweep_charges_the_estimate_and_a_late_settlement_corrects_it(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user, daily_usd="1")))

    run(ledger.sweep(now=LATER))
    swept = money(user)
    for _ in range(2):
        run(ledger.settle(reservation, success(50, 20)))

    assert swept == (PICOS_HELD, 0)
    assert money(user) == (52_500_000, 0)


def test_a_price_that_changes_under_way_leaves_no_difference_between_counter_and_row(ledger, user):
    price = ModelPrice.objects.create(
        provider_type="openai", model_name="gpt-own", input_mtok=1, output_mtok=1
    )
    reservation = run(ledger.reserve(make_attempt(user=user, daily_usd="1", model_name="gpt-own")))
    for input_mtok, close in (
        (2, lambda: run(ledger.sweep(now=LATER))),
        (3, lambda: run(ledger.settle(reservation, success(50, 20)))),
    ):
        price.input_mtok = input_mtok
        price.save()

        close()

        cost = AIProviderUsageLog.objects.get().estimated_cost_usd
        assert money(user) == (int(cost * 10**12), 0)
    assert cost == Decimal("0.00017")


def test_a_price_that_gets_lost_under_way_is_charged_as_it_was_held(ledger, user):
    price = ModelPrice.objects.create(
        provider_type="openai", model_name="gpt-own", input_mtok=1, output_mtok=1
    )
    reservation = run(ledger.reserve(make_attempt(user=user, daily_usd="1", model_name="gpt-own")))
    price.delete()

    settlement = run(ledger.settle(reservation, success(50, 20)))

    assert settlement.cost_usd is None
    assert money(user) == (100_000_000, 0)


def test_rows_of_before_there_was_money_are_swept_as_they_were(ledger, user):
    """Their counters are pairs, all of which hold the row's tokens."""
    key = (f"user:{user.pk}", DAY)
    QuotaCounter.objects.create(scope=key[0], window=key[1], reserved=100)
    make_calls(
        1, None, status="started", user=user, at=NOON, reserved_tokens=100, quota_keys=[list(key)],
        expires_at=NOON, model_name="gpt-5-mini", provider_type="openai",
    )  # fmt: skip

    assert run(ledger.sweep(now=LATER)) == 1

    assert counters() == {key: (100, 0)}


def test_the_row_alone_says_what_to_undo(ledger, user):
    run(ledger.reserve(make_attempt(user=user, daily_usd="1")))

    assert AIProviderUsageLog.objects.get().quota_keys == [
        [f"user-usd:{user.pk}", DAY, PICOS_HELD],
        [f"user:{user.pk}", DAY],
        [f"user:{user.pk}", MONTH],
    ]


def test_a_cap_set_in_the_middle_of_a_day_counts_the_whole_day(ledger, user, outsider):
    config = make_config()
    make_calls(2, config, user=user, at=NOON - timedelta(hours=2), cost="0.03")
    make_calls(1, config, user=user, at=NOON - timedelta(hours=13), cost="5")
    make_calls(1, config, user=outsider, at=NOON - timedelta(hours=1), cost="0.01")
    make_calls(1, config, user=user, at=NOON - timedelta(hours=1), cost=None)
    make_calls(1, make_config(), user=outsider, at=NOON - timedelta(hours=1), cost="7")

    run(ledger.reserve(make_attempt(user=user, config=config, daily_usd="1", config_usd="1")))

    assert money(user) == (60_000_000_000, PICOS_HELD)
    assert counters()[f"provider-usd:{config.pk}", DAY] == (70_000_000_000, PICOS_HELD)


@pytest.mark.parametrize("moved", [1, 0])
def test_a_cap_does_not_count_what_was_moved_in_from_an_earlier_system(ledger, user, moved):
    config = make_config()
    MovedRecord.objects.create(kind="provider", old_id="7", new_id=config.pk)
    make_calls(moved, config, user=user, at=NOON - timedelta(hours=2), cost="5", plan="")
    make_calls(1, make_config(), at=NOON - timedelta(hours=2), cost="7", plan="")
    make_calls(1, config, user=user, at=NOON - timedelta(hours=14), cost="9", plan="")
    make_calls(1, config, user=user, at=NOON - timedelta(hours=1), cost="0.01")

    run(ledger.reserve(make_attempt(user=user, config=config, daily_usd="1", config_usd="1")))

    assert money(user) == (10_000_000_000, PICOS_HELD)
    assert counters()[f"provider-usd:{config.pk}", DAY] == (10_000_000_000, PICOS_HELD)


def test_the_prices_that_a_call_was_planned_with_are_held_and_paid(ledger, user):
    ModelPrice.objects.create(provider_type="openai", model_name="gpt-own", input_mtok=1, output_mtok=10)
    planned = overrides_for(provider_type="openai", model_names=["gpt-own"])
    attempt = make_attempt(user=user, daily_usd="1", model_name="gpt-own", prices=planned)

    reservation = run(ledger.reserve(attempt))
    held = money(user)
    ModelPrice.objects.update(input_mtok=100)
    settlement = run(ledger.settle(reservation, success(50, 20)))

    assert held == (0, 60_000_000 + 400_000_000)
    assert settlement.cost_usd == Decimal("0.00025")


@pytest.mark.parametrize(
    ("tier", "said", "cost"),
    [
        ("flex", "flex", "0.00002625"),
        ("flex", "default", "0.0000525"),
        ("flex", "", "0.00002625"),
        ("priority", "priority", "0.0000945"),
        ("priority", "sooner", None),
        ("", "", "0.0000525"),
    ],
)
def test_the_tier_that_served_is_paid_else_the_one_asked_for(ledger, user, tier, said, cost):
    attempt = make_attempt(user=user, requested_tier=tier, prompt_version="brief")

    settlement = run(ledger.settle(run(ledger.reserve(attempt)), success(50, 20, service_tier=said)))

    assert settlement.cost_usd == (None if cost is None else Decimal(cost))
    row = AIProviderUsageLog.objects.get()
    assert (row.requested_tier, row.service_tier, row.prompt_version) == (tier, said, "brief")
    assert row.estimated_cost_usd == settlement.cost_usd


def test_a_cap_holds_the_price_of_the_tier_and_what_died_is_settled_at_it(ledger, user):
    run(ledger.reserve(make_attempt(user=user, daily_usd="1", requested_tier="flex")))
    held = money(user)

    run(ledger.sweep(now=NOON + timedelta(hours=1)))

    assert held == (0, PICOS_HELD // 2)
    assert money(user) == (PICOS_HELD // 2, 0)


def test_a_tier_without_a_price_is_not_held_to_a_cap_by_another_tiers(ledger, user):
    with pytest.raises(UnknownPrice):
        run(ledger.reserve(make_attempt(user=user, daily_usd="1", requested_tier="sooner")))


def test_what_the_vendors_cache_saved_is_said_with_the_cost(ledger, user):
    usage = TokenUsage(input_tokens=2000, output_tokens=10, cached_tokens=1000)
    reservation = run(ledger.reserve(make_attempt(user=user)))

    settlement = run(ledger.settle(reservation, success(usage=usage)))

    # 1,000 tokens at 0.025 in place of 0.25 USD a million.
    assert settlement.saved_usd == Decimal("0.000225")
    assert run(ledger.settle(reservation, success(usage=usage))).saved_usd == settlement.saved_usd


@pytest.mark.parametrize(("kept", "held"), [("", "0.0006"), ("5m", "0.000675"), ("1h", "0.0009")])
def test_a_cap_holds_what_keeping_the_prompt_costs(ledger, user, kept, held):
    claude = {"provider_type": "claude", "model_name": "claude-sonnet-4-5"}

    # 100 to read at 3 USD a million, 20 to write at 15: 1.25 times as much to keep, twice for an hour.
    amounts = {"reserved_tokens": 120, "reserved_input_tokens": 100}
    run(ledger.reserve(make_attempt(user=user, daily_usd="1", cache_for=kept, **claude, **amounts)))

    assert money(user) == (0, int(Decimal(held) * 10**12))
