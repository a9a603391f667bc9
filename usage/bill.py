"""How the cost of one call came about: each class of tokens times its price."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from providers.adapters.base import TokenUsage
from usage.models import AIProviderUsageLog
from usage.pricing import MTOK, saved_usd, unit_price


@dataclass(frozen=True, slots=True)
class BillLine:
    """`per_mtok` in USD per million tokens and `amount` in USD; None where the price is not known."""

    label: str
    tokens: int
    per_mtok: Decimal | None
    amount: Decimal | None


def bill_of(row: AIProviderUsageLog) -> list[BillLine]:
    """The classes of tokens the row holds, those with none left out. Reasoning is part of the output and
    cached tokens are part of the input, as the vendors count; so each token is in one line."""
    uncached = row.input_tokens - row.cached_tokens - row.cache_write_tokens
    cached_briefly = row.cache_write_tokens - row.cache_write_1h_tokens
    answer = row.output_tokens - row.reasoning_tokens
    classes = (
        ("Input", uncached, "input_mtok"),
        ("Input read from the vendor's cache", row.cached_tokens, "cache_read_mtok"),
        ("Input written to the vendor's cache", cached_briefly, "cache_write_mtok"),
        ("Input written to the vendor's cache for an hour", row.cache_write_1h_tokens, "cache_write_1h_mtok"),
        ("Output", answer, "output_mtok"),
        ("Output, reasoning", row.reasoning_tokens, "output_mtok"),
    )
    return [
        _line(label, tokens, unit_price(row.unit_prices, name)) for label, tokens, name in classes if tokens
    ]


def saved_by(row: AIProviderUsageLog) -> Decimal | None:
    """`saved_usd` of a row."""
    usage = TokenUsage(
        input_tokens=row.input_tokens,
        cached_tokens=row.cached_tokens,
        cache_write_tokens=row.cache_write_tokens,
        cache_write_1h_tokens=row.cache_write_1h_tokens,
    )
    return saved_usd(usage, row.unit_prices)


def _line(label: str, tokens: int, price: Decimal | None) -> BillLine:
    return BillLine(label, tokens, price, None if price is None else tokens * price / MTOK)
