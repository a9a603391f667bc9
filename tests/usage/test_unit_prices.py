"""The prepared prices are those of genai-prices itself, for every model that it lists."""

from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import StartDateConstraint, TieredPrices, TimeOfDateConstraint
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.adapters.base import TokenUsage
from providers.registry import PROVIDER_TYPES
from usage.pricing import quote
from usage.unit_prices import list_prices

OWN = {kind.price_id: name for name, kind in PROVIDER_TYPES.items() if kind.price_id}
LISTED = [
    (vendor.id, model.id)
    for vendor in get_snapshot().providers
    for model in vendor.models
    if vendor.id in OWN
]
MODELS = {(vendor.id, model.id): model for vendor in get_snapshot().providers for model in vendor.models}
TIERS = ["", "default", "batch", "flex", "priority", "fast"]


def edges_of(model):
    """Sizes of input and moments at which some price of the model begins or ends, and their neighbours."""
    conditions = model.prices if isinstance(model.prices, list) else []
    dated = [one.constraint for one in [*conditions, *(model.price_variants or ())]]
    days = [one.start_date for one in dated if isinstance(one, StartDateConstraint)]
    hours = [
        moment
        for one in dated
        if isinstance(one, TimeOfDateConstraint)
        for moment in (one.start_time, one.end_time)
    ]
    every = [one.prices for one in conditions] or [model.prices]
    every += [one.prices for one in model.price_variants or ()]
    sizes = {
        tier.start
        for prices in every
        for price in vars(prices).values()
        if isinstance(price, TieredPrices)
        for tier in price.tiers
    }
    moments = [datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 11, 21, 12, tzinfo=UTC)]
    moments += [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days]
    moments += [datetime(2026, 11, 21, hour.hour, hour.minute, tzinfo=UTC) for hour in hours]
    return sorted({0, 1, 5_000_000, *sizes, *(size + 1 for size in sizes)}), moments


def bill(vendor, model, usage, tier, at):
    """What genai-prices says; it puts what has no price of its own where the vendor would."""
    context = dict.fromkeys(("service_tier", "speed", "processing"), tier) if tier else None
    found = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            cache_write_1h_tokens=usage.cache_write_1h_tokens,
        ),
        model,
        provider_id=vendor,
        genai_request_timestamp=at,
        price_context=context,
    )
    return found.total_price


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_call_costs_exactly_what_the_list_calculates(data):
    vendor, model = data.draw(st.sampled_from(LISTED))
    tier = data.draw(st.sampled_from(TIERS))
    sizes, moments = edges_of(MODELS[vendor, model])
    size, at = data.draw(st.sampled_from(sizes)), data.draw(st.sampled_from(moments))
    read = data.draw(st.integers(0, size))
    written = data.draw(st.integers(0, size - read))
    kept = data.draw(st.integers(0, written))
    usage = TokenUsage(
        size,
        data.draw(st.integers(0, 200_000)),
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=kept,
    )

    priced = quote(provider_type=OWN[vendor], model_name=model, usage=usage, at=at, service_tier=tier)

    if priced is not None and priced.cost is not None:
        exact = bill(vendor, model, usage, tier, at)
        assert priced.cost == exact.quantize(Decimal("1e-12"))
        assert priced.is_free == (exact == 0)


@pytest.mark.parametrize("tier", TIERS)
def test_every_model_costs_at_every_edge_what_the_list_calculates(tier):
    compared = 0
    for vendor, model in LISTED:
        sizes, moments = edges_of(MODELS[vendor, model])
        for at in moments:
            for size in sizes:
                usage = TokenUsage(size, 100, cached_tokens=size // 3, cache_write_tokens=size // 5)
                priced = quote(
                    provider_type=OWN[vendor], model_name=model, usage=usage, at=at, service_tier=tier
                )
                if priced is None or priced.cost is None:
                    continue
                compared += 1
                assert priced.cost == bill(vendor, model, usage, tier, at), (vendor, model, at, size)
    assert compared > 100


def test_prices_are_prepared_once_for_all_moments_at_which_the_same_hold():
    asked = {"price_id": "openai", "model": "gpt-5.4", "service_tier": ""}

    first = list_prices(**asked, at=datetime(2026, 11, 21, 12, tzinfo=UTC))
    later = list_prices(**asked, at=datetime(2026, 11, 22, 3, tzinfo=UTC))

    assert first is later


def test_a_changed_row_of_usage_changes_no_later_price():
    asked = {"provider_type": "openai", "model_name": "gpt-5.4", "usage": TokenUsage(10, 10)}
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)

    quote(**asked, at=at).unit_prices["input_mtok"] = "0"

    assert quote(**asked, at=at).unit_prices["input_mtok"] != "0"
