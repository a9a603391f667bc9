from decimal import Decimal

from usage.bill import bill_of
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
