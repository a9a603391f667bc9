from decimal import Decimal

import pytest

from usage.bill import bill_of, saved_by
from usage.models import AIProviderUsageLog


def test_each_token_is_in_one_line_and_the_lines_are_the_cost():
    row = AIProviderUsageLog(
        input_tokens=1000,
        cached_tokens=300,
        cache_write_tokens=100,
        output_tokens=500,
        reasoning_tokens=200,
        unit_prices={
            "input_mtok": "2",
            "output_mtok": "10",
            "cache_read_mtok": "0.5",
            "cache_write_mtok": "2.5",
        },
    )

    lines = bill_of(row)

    assert [(line.label, line.tokens, line.amount) for line in lines] == [
        ("Input", 600, Decimal("0.0012")),
        ("Input read from the vendor's cache", 300, Decimal("0.00015")),
        ("Input written to the vendor's cache", 100, Decimal("0.00025")),
        ("Output", 300, Decimal("0.003")),
        ("Output, reasoning", 200, Decimal("0.002")),
    ]


def test_a_price_nobody_knows_makes_no_amount():
    (line,) = bill_of(AIProviderUsageLog(input_tokens=10, output_tokens=0, unit_prices={}))

    assert (line.per_mtok, line.amount) == (None, None)


def test_no_tokens_make_no_lines():
    assert bill_of(AIProviderUsageLog()) == []


PRICES = {"input_mtok": "2", "cache_read_mtok": "0.2", "cache_write_mtok": "2.5", "cache_write_1h_mtok": "4"}


@pytest.mark.parametrize(
    ("tokens", "saved"),
    [
        ({}, "0"),
        ({"cached_tokens": 1000}, "0.0018"),
        ({"cache_write_tokens": 1000}, "-0.0005"),
        ({"cache_write_tokens": 1000, "cache_write_1h_tokens": 1000}, "-0.002"),
        ({"cached_tokens": 1000, "cache_write_tokens": 500, "cache_write_1h_tokens": 100}, "0.0014"),
    ],
)
def test_what_the_cache_saved_is_measured_by_what_fresh_input_costs(tokens, saved):
    row = AIProviderUsageLog(input_tokens=2000, unit_prices=PRICES, **tokens)

    assert saved_by(row) == Decimal(saved)


@pytest.mark.parametrize("unknown", ["input_mtok", "cache_read_mtok"])
def test_what_a_cache_saved_at_an_unknown_price_is_not_known(unknown):
    prices = {name: price for name, price in PRICES.items() if name != unknown}

    assert saved_by(AIProviderUsageLog(input_tokens=9, cached_tokens=9, unit_prices=prices)) is None
    assert saved_by(AIProviderUsageLog(input_tokens=9, unit_prices=prices)) == 0
