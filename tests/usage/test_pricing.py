"""Prices to the micro-dollar, and never a 0 that means "unknown"."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module

import genai_prices
import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models.expressions import RawSQL
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.adapters.base import TokenUsage
from providers.registry import PROVIDER_TYPES
from usage.models import ModelPrice
from usage.pricing import _warn_of_unknown_price, bound, overrides_for, overrides_of, price, quote

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MILLION = TokenUsage(1_000_000, 0)


def override(provider_type, model_name, input_mtok, output_mtok, **cache_prices):
    row = ModelPrice(
        provider_type=provider_type,
        model_name=model_name,
        input_mtok=Decimal(input_mtok),
        output_mtok=Decimal(output_mtok),
        **{name: Decimal(value) if name.endswith("mtok") else value for name, value in cache_prices.items()},
    )
    return overrides_of([row])


# Each case is a public bug report with the right bill; usage is in our convention (input includes the cache).
GOLDEN = [
    pytest.param(  # new-api#5003: 56,322 fresh + 72,960 cached; the bug billed -0.008907
        "claude",
        "claude-haiku-4-5",
        TokenUsage(129_282, 87, cached_tokens=72_960),
        "0.064053",
        id="new-api-5003",
    ),
    pytest.param(  # sub2api#2944: 13,646 fresh + 10,769 written + 15,108 read; the bug billed 0.219230
        "claude",
        "claude-opus-4-5",
        TokenUsage(39_523, 24, cached_tokens=15_108, cache_write_tokens=10_769),
        "0.143690250",
        id="sub2api-2944",
    ),
    pytest.param(  # litellm#35127: 172k of which 155k read and 3k written; the bug billed 0.860000
        "claude",
        "claude-opus-4-5",
        TokenUsage(172_000, 0, cached_tokens=155_000, cache_write_tokens=3_000),
        "0.166250",
        id="litellm-35127",
    ),
    pytest.param(  # litellm#26807: cached tokens are inside OpenAI's total; the bug billed 0.01946
        "openai", "gpt-5.4", TokenUsage(6_074, 285, cached_tokens=3_456), "0.011684", id="litellm-26807"
    ),
    pytest.param(  # litellm#18599: OpenAI's reasoning is inside the output
        "openai", "gpt-5-nano", TokenUsage(17, 482, reasoning_tokens=448), "0.00019365", id="litellm-18599"
    ),
    pytest.param(  # new-api#1103: Gemini's 1,097 thoughts come on top of its 124 candidates
        "gemini",
        "gemini-2.5-flash",
        TokenUsage(7, 1_221, reasoning_tokens=1_097),
        "0.0030546",
        id="new-api-1103",
    ),
]


@pytest.mark.parametrize(("provider_type", "model", "usage", "cost"), GOLDEN)
def test_the_golden_cases_cost_what_the_vendor_bills(provider_type, model, usage, cost):
    priced = price(provider_type=provider_type, model_name=model, usage=usage, at=NOON)

    assert priced.cost == Decimal(cost)


@pytest.mark.parametrize(
    ("cache_prices", "cost"),
    [
        ({"cache_read_mtok": "0.1"}, "0.064053"),
        ({}, "0.129717"),  # without a price of their own, cached tokens cost what the input costs
    ],
)
def test_an_admins_price_counts_the_cache_like_the_list_does(cache_prices, cost):
    overrides = override("local", "house-model", 1, 5, **cache_prices)

    priced = price(
        provider_type="local",
        model_name="house-model",
        usage=TokenUsage(129_282, 87, cached_tokens=72_960),
        at=NOON,
        overrides=overrides,
    )

    assert priced.cost == Decimal(cost)


def test_an_admins_price_wins_over_the_list():
    overrides = override("openai", "gpt-5-mini", 10, 20, cache_write_mtok="30")

    priced = price(
        provider_type="openai",
        model_name="gpt-5-mini",
        usage=TokenUsage(100, 10, cache_write_tokens=40),
        at=NOON,
        overrides=overrides,
    )

    assert priced.cost == Decimal("0.002000")  # 60 x 10 + 40 x 30 + 10 x 20 millionths
    assert priced.unit_prices == {
        "input_mtok": "10",
        "output_mtok": "20",
        "cache_read_mtok": "10",
        "cache_write_mtok": "30",
        "source": "override",
        "model": "gpt-5-mini",
    }


def test_the_model_the_vendor_reports_is_priced_before_the_one_asked_for():
    priced = price(
        provider_type="openai",
        model_name="gpt-5-mini",
        reported_model="gpt-5-nano-2025-08-07",
        usage=TokenUsage(1_000_000, 0),
        at=NOON,
    )

    assert (priced.cost, priced.unit_prices["model"]) == (Decimal("0.05"), "gpt-5-nano")


def test_a_reported_name_nobody_knows_falls_back_to_the_model_asked_for():
    priced = price(
        provider_type="openai",
        model_name="gpt-5-mini",
        reported_model="models/of-the-gateway",
        usage=TokenUsage(1_000_000, 0),
        at=NOON,
    )

    assert priced.cost == Decimal("0.25")


def test_googles_long_model_names_are_known():
    priced = price(
        provider_type="gemini", model_name="models/gemini-2.5-flash", usage=TokenUsage(1_000_000, 0), at=NOON
    )

    assert priced.cost == Decimal("0.3")


def test_a_long_prompt_is_priced_by_its_tier_and_the_tier_is_written_down():
    priced = price(
        provider_type="gemini", model_name="gemini-2.5-pro", usage=TokenUsage(200_001, 1_000), at=NOON
    )

    assert priced.cost == Decimal("0.5150025")
    assert (priced.unit_prices["input_mtok"], priced.unit_prices["output_mtok"]) == ("2.5", "15")
    at_most = price(
        provider_type="gemini", model_name="gemini-2.5-pro", usage=TokenUsage(200_000, 1_000), at=NOON
    )
    assert (at_most.cost, at_most.unit_prices["input_mtok"]) == (Decimal("0.26"), "1.25")


def test_the_service_tier_changes_the_price():
    usage = TokenUsage(1_000_000, 0)

    flex = price(provider_type="openai", model_name="gpt-5-mini", usage=usage, at=NOON, service_tier="flex")
    usual = price(
        provider_type="openai", model_name="gpt-5-mini", usage=usage, at=NOON, service_tier="default"
    )

    assert (flex.cost, usual.cost) == (Decimal("0.125"), Decimal("0.25"))


@pytest.mark.parametrize(
    ("provider_type", "model"),
    [
        ("openai", "gpt-nobody-knows"),
        ("local", "gpt-5-mini"),  # a server of one's own does not charge the vendor's price
        ("openai", "whisper-1"),  # known to the list, but not by the token
        ("openai", "text-embedding-3-small"),  # with a price for what it reads only
    ],
)
def test_an_unknown_price_is_none_and_said_once(provider_type, model, caplog):
    for _ in range(3):
        priced = price(provider_type=provider_type, model_name=model, usage=TokenUsage(10, 10), at=NOON)
        assert (priced.cost, priced.unit_prices, priced.is_free) == (None, {}, False)

    assert caplog.text.count(f"No price is known for {provider_type} {model}:") <= 1


@pytest.mark.parametrize(
    ("usage", "tier", "why"),
    [
        (TokenUsage(10, 10), "", "No price is known for openai gpt-of-this-test:"),
        (TokenUsage(10, 10), "scale", "No price is known for openai gpt-5-mini (the service tier scale):"),
    ],
)
def test_what_has_no_price_is_named_in_the_log_with_the_reason(caplog, usage, tier, why):
    _warn_of_unknown_price.cache_clear()
    model = "gpt-5-mini" if tier else "gpt-of-this-test"

    price(provider_type="openai", model_name=model, usage=usage, at=NOON, service_tier=tier)

    [said] = caplog.messages
    assert said.startswith(why)


def test_what_has_a_price_is_not_worth_a_word(caplog):
    _warn_of_unknown_price.cache_clear()

    price(provider_type="openai", model_name="gpt-5-mini", usage=MILLION, at=NOON)

    assert caplog.messages == []


def test_a_quote_is_the_price_of_the_usual_tier_and_says_nothing_of_what_it_does_not_know(caplog):
    _warn_of_unknown_price.cache_clear()

    def quoted(model, **fields):
        return quote(provider_type="openai", model_name=model, usage=MILLION, at=NOON, **fields)

    assert quoted("gpt-5-mini").cost == Decimal("0.25")
    assert quoted("gpt-5-mini", overrides=override("openai", "gpt-5-mini", 7, 7)).cost == 7
    assert quoted("gpt-nobody-knows") is None
    assert caplog.messages == []


def test_a_provider_type_that_is_gone_has_no_list_price():
    assert price(provider_type="gone", model_name="gpt-5-mini", usage=MILLION, at=NOON).cost is None


def test_a_call_costs_what_the_list_said_on_its_day():
    """o3 became cheaper on 10 June 2025."""

    def cost(*day):
        at = datetime(*day, tzinfo=UTC)
        facts = {"provider_type": "openai", "model_name": "o3", "usage": MILLION, "at": at}
        return price(**facts).cost, quote(**facts).cost

    assert cost(2025, 6, 1) == (10, 10)
    assert cost(2026, 11, 21) == (2, 2)


def test_no_tokens_cost_nothing_at_any_price():
    priced = price(provider_type="openai", model_name="gpt-nobody-knows", usage=TokenUsage(), at=NOON)

    assert (priced.cost, priced.is_free) == (Decimal(0), False)


def test_a_server_of_ones_own_can_be_said_to_be_free():
    overrides = override("local", "smollm2", 0, 0)

    priced = price(
        provider_type="local", model_name="smollm2", usage=TokenUsage(10, 10), at=NOON, overrides=overrides
    )

    assert (priced.cost, priced.is_free) == (Decimal(0), True)


def test_a_price_below_what_a_row_can_hold_is_still_not_free():
    overrides = override("local", "crumb", "0.000000001", 0)

    priced = price(
        provider_type="local", model_name="crumb", usage=TokenUsage(1, 0), at=NOON, overrides=overrides
    )

    assert (priced.cost, priced.is_free) == (Decimal("0.000000000001"), False)


def cost_of(provider_type, model, usage, **fields):
    return price(provider_type=provider_type, model_name=model, usage=usage, at=NOON, **fields)


@pytest.mark.parametrize(
    ("provider_type", "model", "tier", "cost"),
    [
        ("claude", "claude-haiku-4-5", "batch", "0.5"),
        ("claude", "claude-haiku-4-5", "standard", "1"),
        ("claude", "claude-opus-5", "fast", "10"),
        ("gemini", "gemini-2.5-flash", "standard", "0.3"),
        ("openai", "gpt-5-mini", "priority", "0.45"),
        ("openai", "gpt-5-mini", "auto", "0.25"),
    ],
)
def test_a_tier_that_the_list_knows_has_its_price(provider_type, model, tier, cost):
    assert cost_of(provider_type, model, MILLION, service_tier=tier).cost == Decimal(cost)


@pytest.mark.parametrize(
    ("provider_type", "model", "tier"),
    [
        ("claude", "claude-haiku-4-5", "priority"),  # a commitment's own price
        ("claude", "claude-haiku-4-5", "fast"),  # not for this model
        ("claude", "claude-opus-5", "batch fast"),
        ("gemini", "gemini-2.5-pro", "flex"),
        ("openai", "gpt-5-mini", "scale"),
    ],
)
def test_a_tier_that_the_list_does_not_know_has_no_price(provider_type, model, tier):
    priced = cost_of(provider_type, model, MILLION, service_tier=tier)

    assert (priced.cost, priced.unit_prices) == (None, {"unpriced": f"the service tier {tier}"})


def test_what_is_cached_for_an_hour_has_a_price_of_its_own():
    usage = TokenUsage(4_000, 100, cache_write_tokens=3_000, cache_write_1h_tokens=2_000)
    own = override("claude", "claude-haiku-4-5", 10, 100, cache_write_mtok=20, cache_write_1h_mtok=40)
    without = override("claude", "claude-haiku-4-5", 10, 100, cache_write_mtok=20)

    assert cost_of("claude", "claude-haiku-4-5", usage).cost == Decimal("0.00675")
    assert cost_of("claude", "claude-haiku-4-5", usage, overrides=own).cost == Decimal("0.12")
    assert cost_of("claude", "claude-haiku-4-5", usage, overrides=without).cost is None


@pytest.mark.parametrize("extra", ["web search", "sound made"])
def test_what_is_billed_beside_text_makes_the_cost_unknown_but_where_nothing_costs(extra):
    usage = TokenUsage(10, 10, extras=(extra,))
    own, free = override("openai", "gpt-5-mini", 1, 1), override("openai", "gpt-5-mini", 0, 0)

    for overrides in (None, own):
        priced = cost_of("openai", "gpt-5-mini", usage, overrides=overrides)
        assert (priced.cost, priced.unit_prices) == (None, {"unpriced": extra})
    assert cost_of("openai", "gpt-5-mini", TokenUsage(extras=(extra,))).cost is None
    assert cost_of("openai", "gpt-5-mini", usage, overrides=free).is_free


@pytest.mark.parametrize(
    ("provider_type", "model"),
    [
        ("gemini", "gemini-2.5-flash-image"),
        ("openai", "gpt-audio"),
        ("openai", "gpt-image-1.5"),
        ("openai", "gpt-4o-search-preview"),
    ],
)
def test_models_of_pictures_sound_and_searches_have_no_price_by_text(provider_type, model):
    assert cost_of(provider_type, model, MILLION).cost is None


def test_a_price_that_makes_one_call_cost_a_fortune_was_mistyped():
    overrides = override("local", "house-model", 250_000, 250_000)

    assert cost_of("local", "house-model", TokenUsage(10_000, 0), overrides=overrides).cost == 2_500
    most = override("local", "house-model", 10_000, 10_000)
    assert cost_of("local", "house-model", MILLION, overrides=most).cost == 10_000
    mistyped = cost_of("local", "house-model", MILLION, overrides=overrides)
    assert (mistyped.cost, mistyped.unit_prices) == (None, {"unpriced": "a call of more than $10,000"})


@pytest.mark.parametrize(
    ("asked", "reported", "cost"),
    [
        ("models/Gemini-2.5-Pro", "", 7),
        ("projects/p/locations/l/publishers/google/models/gemini-2.5-pro", "", 7),
        ("my-deployment", "gemini-2.5-pro-2026-01-31", 7),
        ("gemini-2.5-pro@20260131", "", 7),
        ("my-deployment", "gemini-2.5-pro-2026-02-28", 9),  # has a row of its own
        ("gemini-2.5-pro-2026-02-28", "gemini-2.5-pro-2026-01-31", 9),  # the exact name before the family
    ],
)
def test_a_row_applies_to_every_spelling_and_date_of_its_model(asked, reported, cost):
    overrides = override("gemini", "gemini-2.5-pro", 7, 7) | override(
        "gemini", "gemini-2.5-pro-2026-02-28", 9, 9
    )

    priced = cost_of("gemini", asked, MILLION, reported_model=reported, overrides=overrides)

    assert priced.cost == cost


@pytest.mark.django_db
def test_a_price_row_bears_the_plain_name_whoever_writes_it_and_is_one():
    row = ModelPrice(provider_type="gemini", model_name=" models/Gemini-X ", input_mtok=1, output_mtok=2)
    row.full_clean()
    row.save()

    again = ModelPrice(provider_type="gemini", model_name="GEMINI-X", input_mtok=1, output_mtok=2)
    with pytest.raises(ValidationError, match="holds from the beginning"):
        again.full_clean()

    assert row.model_name == ModelPrice.objects.get(model_name="publishers/google/models/gemini-x").model_name
    assert (row.model_name, str(row)) == ("gemini-x", "gemini gemini-x")


@pytest.mark.django_db
def test_prices_that_were_typed_in_other_ways_before_are_found_now():
    for name, amount in (("models/a-1", 1), ("A-1", 2), ("b", 3), ("models/B", 4), ("models/c", 5)):
        row = ModelPrice.objects.create(
            provider_type="gemini", model_name=f"{amount}", input_mtok=amount, output_mtok=1
        )
        # As rows were written before names were made plain.
        ModelPrice.objects.filter(pk=row.pk).update(model_name=RawSQL("%s", [name]))

    import_module("usage.migrations.0008_plain_price_names").use_plain_names(apps, None)

    prices = dict(ModelPrice.objects.values_list("model_name", "input_mtok"))
    # Of two, the one that was in force already, else the one that was changed last.
    assert prices == {"a-1": 2, "b": 3, "c": 5}


PRICED_MODELS = sorted(
    (kind.slug, model.id)
    for kind in PROVIDER_TYPES.values()
    for provider in get_snapshot().providers
    if provider.id == kind.price_id
    for model in provider.models
)


@settings(max_examples=300, deadline=None)
@given(
    model=st.sampled_from(PRICED_MODELS),
    fresh=st.integers(0, 400_000),
    read=st.integers(0, 300_000),
    written=st.integers(0, 100_000),
    wrote=st.integers(0, 100_000),
)
def test_the_classes_of_tokens_times_the_stored_prices_are_the_bill(model, fresh, read, written, wrote):
    usage = TokenUsage(fresh + read + written, wrote, cached_tokens=read, cache_write_tokens=written)

    priced = price(provider_type=model[0], model_name=model[1], usage=usage, at=NOON)

    if priced.cost is None or not usage.total_tokens:
        return
    unit = {
        name: Decimal(priced.unit_prices[f"{name}_mtok"])
        for name in ("input", "output", "cache_read", "cache_write")
    }
    bill = (
        fresh * unit["input"]
        + read * unit["cache_read"]
        + written * unit["cache_write"]
        + wrote * unit["output"]
    )
    assert priced.cost == bill / 1_000_000
    assert priced.cost >= 0


@pytest.mark.django_db
def test_overrides_are_found_by_either_form_of_a_models_name():
    ModelPrice.objects.create(provider_type="gemini", model_name="gemini-house", input_mtok=1, output_mtok=2)
    ModelPrice.objects.create(provider_type="openai", model_name="gemini-house", input_mtok=9, output_mtok=9)

    found = overrides_for(provider_type="gemini", model_names=["models/gemini-house", ""])

    assert list(found) == [("gemini", "gemini-house")]


def test_the_price_list_is_the_installed_one_and_nothing_refreshes_it():
    priced = price(provider_type="openai", model_name="gpt-5-mini", usage=TokenUsage(1, 1), at=NOON)

    assert get_snapshot().from_auto_update is False
    assert priced.unit_prices["source"] == f"genai-prices {genai_prices.__version__}"


DECEMBER, JANUARY = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def house_price(amount, **conditions):
    return ModelPrice(
        provider_type="local",
        model_name="house-model",
        input_mtok=Decimal(amount),
        output_mtok=Decimal(amount),
        **conditions,
    )


def house_cost(rows, *, at=NOON, tokens=1_000_000, service_tier=""):
    usage = TokenUsage(tokens, 0)
    found = price(
        provider_type="local",
        model_name="house-model",
        usage=usage,
        at=at,
        service_tier=service_tier,
        overrides=overrides_of(rows),
    )
    return found.cost


@pytest.mark.parametrize(
    ("at", "cost"),
    [
        (DECEMBER - timedelta(microseconds=1), 1),
        (DECEMBER, 2),
        (JANUARY - timedelta(microseconds=1), 2),
        (JANUARY, 1),
    ],
)
def test_a_price_holds_from_its_first_moment_up_to_its_last_and_the_open_one_around_it(at, cost):
    rows = [house_price(2, valid_from=DECEMBER, valid_until=JANUARY), house_price(1)]

    assert house_cost(rows, at=at) == cost
    assert house_cost(reversed(rows), at=at) == cost


def test_before_and_after_an_admins_price_the_list_holds():
    rows = override("openai", "gpt-5-mini", 7, 7, valid_from=DECEMBER, valid_until=JANUARY)

    costs = [
        quote(provider_type="openai", model_name="gpt-5-mini", usage=MILLION, at=at, overrides=rows).cost
        for at in (NOON, DECEMBER, JANUARY)
    ]

    assert costs == [Decimal("0.25"), 7, Decimal("0.25")]


def test_long_input_and_service_tiers_have_rows_of_their_own():
    rows = [
        house_price(4),
        house_price(8, over_input_tokens=200_000),
        house_price(2, service_tier="batch"),
        house_price(3, service_tier="standard"),
    ]

    assert house_cost(rows, tokens=200_000, service_tier="flex") == Decimal("0.8")
    assert house_cost(rows, service_tier="flex") == 8
    assert house_cost(rows, service_tier="Batch") == 2
    assert house_cost(rows, service_tier="default") == 3
    assert house_cost(rows) == 3


def test_a_tiers_row_alone_leaves_other_tiers_unknown():
    assert house_cost([house_price(2, service_tier="batch")], service_tier="flex") is None


def test_a_ceiling_prices_nothing_and_bounds_what_it_is_set_for():
    rows = overrides_of([house_price(50, is_ceiling=True)])

    held = bound(provider_type="local", model_name="house-model", usage=MILLION, at=NOON, overrides=rows)

    assert house_cost([house_price(50, is_ceiling=True)]) is None
    assert held.cost == 50


@pytest.mark.django_db
def test_prices_of_one_thing_begin_at_different_moments_and_end_after_they_began():
    house_price(1).save()
    house_price(1, valid_from=DECEMBER).save()
    house_price(1, is_ceiling=True).save()
    house_price(1, service_tier=" Default ").save()

    for twice in (house_price(2), house_price(2, valid_from=DECEMBER), house_price(2, service_tier="auto")):
        with pytest.raises(ValidationError, match="holds from the"):
            twice.full_clean()
    with pytest.raises(ValidationError, match="begin before it ends"):
        house_price(2, valid_from=JANUARY, valid_until=DECEMBER).full_clean()
    assert ModelPrice.objects.filter(service_tier="standard").exists()


def test_a_ceiling_of_nothing_is_refused():
    with pytest.raises(ValidationError, match="hold nothing"):
        house_price(0, is_ceiling=True).clean()
