"""What a call cost: by the admin's own price, else by the list shipped with genai-prices, or nobody knows."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from providers.adapters.base import TokenUsage
from providers.model_names import plain_name
from providers.registry import PROVIDER_TYPES
from usage.models import ModelPrice
from usage.unit_prices import (
    CACHED_FOR_AN_HOUR,
    CLASSES,
    Overrides,
    UnitPrices,
    list_prices,
    override_in_force,
    overrides_for,
    overrides_of,
)

__all__ = [
    "Overrides",
    "Price",
    "bound",
    "ordinary_price",
    "overrides_for",
    "overrides_of",
    "price",
    "quote",
    "saved_usd",
    "unit_price",
]

logger = logging.getLogger(__name__)

# The smallest amount a usage row holds, in USD.
_QUANTUM = Decimal("1e-12")
MTOK = Decimal(1_000_000)
# Prices may rise with the size of a call.
ORDINARY = TokenUsage(input_tokens=1_000, output_tokens=1_000)
# No single call costs so much; a price by which one does was mistyped, and would drown every sum.
_MOST_USD = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Price:
    """`cost` in USD to 12 places, None when no price is known. `unit_prices`: USD per million tokens by
    class, with the `source` and the `model` they are for; or, as `unpriced`, what of the call has no price.
    `is_free`: tokens were used and the price makes them cost exactly nothing."""

    cost: Decimal | None
    unit_prices: dict[str, str] = field(default_factory=dict)
    is_free: bool = False


def price(
    *,
    provider_type: str,
    model_name: str,
    usage: TokenUsage,
    at: datetime,
    service_tier: str = "",
    reported_model: str = "",
    overrides: Overrides | None = None,
) -> Price:
    """Price the tokens of one call made at `at`. Pure, but for one warning per process and unknown model.

    `reported_model` is the model the vendor says answered: its own price comes before that of `model_name`,
    which was asked for. `service_tier` is the vendor's own word. No tokens cost nothing, at any price; what
    the vendor bills beside them (`usage.extras`) nobody here can price.
    """
    if usage.total_tokens == 0 and not usage.extras:
        return Price(cost=Decimal(0))
    models = [name for name in (reported_model, model_name) if name]
    found = _first_known(
        models,
        provider_type=provider_type,
        usage=usage,
        at=at,
        service_tier=service_tier,
        overrides=overrides,
    )
    if found is None:
        found = Price(cost=None)
    if found.cost is None:
        _warn_of_unknown_price(provider_type, model_name, found.unit_prices.get("unpriced", ""))
    return found


def quote(
    *,
    provider_type: str,
    model_name: str,
    usage: TokenUsage,
    at: datetime,
    service_tier: str = "",
    overrides: Overrides | None = None,
) -> Price | None:
    """What these tokens would cost with this model; None when no price is known. Nothing is logged."""
    return _first_known(
        [model_name],
        provider_type=provider_type,
        usage=usage,
        at=at,
        service_tier=service_tier,
        overrides=overrides,
    )


def ordinary_price(
    *, provider_type: str, model_name: str, at: datetime, overrides: Overrides | None = None
) -> Price | None:
    """What a call of plain text and ordinary size costs with this model: whether the model has a price, and
    which, wherever that is asked without a call. None where it has none."""
    found = quote(
        provider_type=provider_type, model_name=model_name, usage=ORDINARY, at=at, overrides=overrides
    )
    return None if found is None or found.cost is None else found


def bound(
    *,
    provider_type: str,
    model_name: str,
    usage: TokenUsage,
    at: datetime,
    service_tier: str = "",
    overrides: Overrides | None = None,
) -> Price | None:
    """What money to hold for these tokens: their price in the tier that is asked for, or the admin's ceiling,
    which is never what a call is said to have cost. None without either."""
    quoted = quote(
        provider_type=provider_type,
        model_name=model_name,
        usage=usage,
        at=at,
        service_tier=service_tier,
        overrides=overrides,
    )
    if quoted is not None and quoted.cost is not None:
        return quoted
    row = override_in_force(
        overrides,
        provider_type=provider_type,
        models=[model_name],
        input_tokens=usage.input_tokens,
        at=at,
        is_ceiling=True,
    )
    return _by_override(row, usage) if row else None


def saved_usd(usage: TokenUsage, unit_prices: Mapping[str, str]) -> Decimal | None:
    """What the vendor's cache took off a call's cost, by the prices that were used: what was read from it
    would have cost what fresh input costs, and so would what was written to it, for which most vendors take
    more. Below 0 where that was more than was saved; None where a price is not known."""
    briefly = usage.cache_write_tokens - usage.cache_write_1h_tokens
    classes = (
        ("cache_read_mtok", usage.cached_tokens),
        ("cache_write_mtok", briefly),
        ("cache_write_1h_mtok", usage.cache_write_1h_tokens),
    )
    saved = Decimal(0)
    for name, tokens in classes:
        if tokens:
            fresh, kept = unit_price(unit_prices, "input_mtok"), unit_price(unit_prices, name)
            if fresh is None or kept is None:
                return None
            saved += tokens * (fresh - kept)
    return saved / MTOK


def unit_price(unit_prices: Mapping[str, str], name: str) -> Decimal | None:
    """Of one class of tokens, by what a usage row keeps; None where that is not known."""
    try:
        return Decimal(unit_prices[name])
    except (KeyError, TypeError, InvalidOperation):
        return None


def _first_known(
    models: Iterable[str],
    *,
    provider_type: str,
    usage: TokenUsage,
    at: datetime,
    service_tier: str,
    overrides: Overrides | None,
) -> Price | None:
    """Any admin's price comes before any list price."""
    names = list(dict.fromkeys(map(plain_name, models)))
    row = override_in_force(
        overrides,
        provider_type=provider_type,
        models=names,
        input_tokens=usage.input_tokens,
        at=at,
        service_tier=service_tier,
    )
    if row:
        return _by_override(row, usage)
    for name in names:
        if found := _by_list(provider_type, name, usage, at, service_tier.strip().lower()):
            return found
    return None


def _by_override(row: ModelPrice, usage: TokenUsage) -> Price:
    read = row.input_mtok if row.cache_read_mtok is None else row.cache_read_mtok
    write = row.input_mtok if row.cache_write_mtok is None else row.cache_write_mtok
    prices = dict(zip(CLASSES, (row.input_mtok, row.output_mtok, read, write), strict=True))
    if row.cache_write_1h_mtok is not None:
        prices[CACHED_FOR_AN_HOUR] = row.cache_write_1h_mtok
    if not any(prices.values()):
        # A server that costs nothing costs nothing, whatever it does.
        prices[CACHED_FOR_AN_HOUR] = Decimal(0)
    elif unpriced := _unpriced(usage, prices):
        return _unknown(unpriced)
    return _priced(usage, UnitPrices.of(prices, source="override", model=row.model_name))


def _by_list(
    provider_type: str, model: str, usage: TokenUsage, at: datetime, service_tier: str
) -> Price | None:
    kind = PROVIDER_TYPES.get(provider_type)
    if kind is None or not kind.price_id:
        return None
    listed = list_prices(price_id=kind.price_id, model=model, service_tier=service_tier, at=at)
    if listed is None:
        return None
    prices = listed.at_size(usage.input_tokens)
    unpriced = _unpriced(usage, prices.by_class)
    if usage.reasoning_tokens and listed.has_reasoning:
        unpriced.append("reasoning, which has a price of its own")
    if not listed.has_tier:
        unpriced.append(f"the service tier {service_tier[:30]}")
    return _unknown(unpriced) if unpriced else _priced(usage, prices)


def _unpriced(usage: TokenUsage, prices: Mapping[str, Decimal]) -> list[str]:
    """What of a call has no price among these, in words."""
    unpriced = list(usage.extras)
    if usage.cache_write_1h_tokens and CACHED_FOR_AN_HOUR not in prices:
        unpriced.append("input kept in the cache for an hour")
    return unpriced


def _unknown(unpriced: list[str]) -> Price:
    return Price(cost=None, unit_prices={"unpriced": ", ".join(unpriced)})


def _priced(usage: TokenUsage, prices: UnitPrices) -> Price:
    tokens = {
        "input_mtok": usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "output_mtok": usage.output_tokens,
        "cache_read_mtok": usage.cached_tokens,
        "cache_write_mtok": usage.cache_write_tokens - usage.cache_write_1h_tokens,
        CACHED_FOR_AN_HOUR: usage.cache_write_1h_tokens,
    }
    millionths = sum((tokens[name] * per_mtok for name, per_mtok in prices.by_class.items()), Decimal(0))
    exact = millionths / MTOK + prices.per_request
    if exact > _MOST_USD:
        return _unknown([f"a call of more than ${_MOST_USD:,}"])
    # A price below what a row can hold is still not free.
    cost = exact.quantize(_QUANTUM) or (_QUANTUM if exact else Decimal(0))
    return Price(cost=cost, unit_prices=dict(prices.shown), is_free=not exact)


@lru_cache(maxsize=1024)
def _warn_of_unknown_price(provider_type: str, model_name: str, unpriced: str) -> None:
    """Cached, so that each process says it once per model and reason."""
    logger.warning(
        "No price is known for %s %s%s: its calls are recorded without a cost. A super-admin sets one under "
        "Model prices.",
        provider_type,
        model_name,
        f" ({unpriced})" if unpriced else "",
    )
