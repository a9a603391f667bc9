"""What a call cost. The admin's own price wins; else the list shipped with genai-prices; else nobody knows.

The shipped list is read from the installed package and never refreshed over the network.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache

import genai_prices
from genai_prices.types import PriceCalculation, TieredPrices

from providers.adapters.base import TokenUsage
from providers.registry import PROVIDER_TYPES
from usage.models import ModelPrice

logger = logging.getLogger(__name__)

Overrides = Mapping[tuple[str, str], ModelPrice]

# The smallest amount a usage row holds, in USD.
_QUANTUM = Decimal("1e-12")
_MTOK = Decimal(1_000_000)
_CLASSES = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")


@dataclass(frozen=True, slots=True)
class Price:
    """`cost` in USD to 12 places, None when no price is known. `unit_prices`: USD per million tokens by
    class, with the `source` and the `model` they are for. `is_free`: tokens were used and the price makes
    them cost exactly nothing."""

    cost: Decimal | None
    unit_prices: dict[str, str] = field(default_factory=dict)
    is_free: bool = False


def overrides_for(*, provider_type: str, model_names: Iterable[str]) -> Overrides:
    """The admin's prices for these models (one query)."""
    names = {_bare(name) for name in model_names}
    rows = ModelPrice.objects.filter(provider_type=provider_type, model_name__in=names)
    return {(row.provider_type, row.model_name): row for row in rows}


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
    which was asked for. `service_tier` is the vendor's own word. No tokens cost nothing, at any price.
    """
    if usage.total_tokens == 0:
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
        _warn_of_unknown_price(provider_type, model_name)
        return Price(cost=None)
    return found


def quote(
    *,
    provider_type: str,
    model_name: str,
    usage: TokenUsage,
    at: datetime,
    overrides: Overrides | None = None,
) -> Price | None:
    """What these tokens would cost with this model; None when no price is known. Nothing is logged."""
    return _first_known(
        [model_name], provider_type=provider_type, usage=usage, at=at, service_tier="", overrides=overrides
    )


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
    names = list(dict.fromkeys(_bare(name) for name in models))
    for name in names:
        if row := (overrides or {}).get((provider_type, name)):
            return _by_override(row, usage)
    for name in names:
        if found := _by_list(provider_type, name, usage, at, service_tier):
            return found
    return None


def _bare(model_name: str) -> str:
    """Google lists its models as models/<name> and takes both forms."""
    return model_name.removeprefix("models/")


def _by_override(row: ModelPrice, usage: TokenUsage) -> Price:
    read = row.input_mtok if row.cache_read_mtok is None else row.cache_read_mtok
    write = row.input_mtok if row.cache_write_mtok is None else row.cache_write_mtok
    uncached = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
    millionths = (
        uncached * row.input_mtok
        + usage.cached_tokens * read
        + usage.cache_write_tokens * write
        + usage.output_tokens * row.output_mtok
    )
    prices = dict(zip(_CLASSES, (row.input_mtok, row.output_mtok, read, write), strict=True))
    return _priced(millionths / _MTOK, prices, source="override", model=row.model_name)


def _by_list(
    provider_type: str, model: str, usage: TokenUsage, at: datetime, service_tier: str
) -> Price | None:
    kind = PROVIDER_TYPES.get(provider_type)
    if kind is None or not kind.price_id:
        return None
    reported = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    context = {"service_tier": service_tier.lower()} if service_tier else None
    try:
        found = genai_prices.calc_price(
            reported, model, provider_id=kind.price_id, genai_request_timestamp=at, price_context=context
        )
    except LookupError:
        return None
    prices = _unit_prices(found, usage)
    # The list knows models it has no token price for (audio, embeddings): its total of 0 is not a price.
    if "input_mtok" not in prices or "output_mtok" not in prices:
        return None
    source = f"genai-prices {genai_prices.__version__}"
    return _priced(found.total_price, prices, source=source, model=found.model.id)


def _unit_prices(found: PriceCalculation, usage: TokenUsage) -> dict[str, Decimal]:
    """The price of each class at this size of input; a class without its own costs what the input costs."""
    prices: dict[str, Decimal] = {}
    for name in _CLASSES:
        value = getattr(found.model_price, name)
        if isinstance(value, TieredPrices):
            reached = [tier.price for tier in value.tiers if usage.input_tokens > tier.start]
            value = reached[-1] if reached else value.base
        if value is not None:
            prices[name] = value
        elif name.startswith("cache_") and "input_mtok" in prices:
            prices[name] = prices["input_mtok"]
    return prices


def _priced(exact: Decimal, prices: Mapping[str, Decimal], *, source: str, model: str) -> Price:
    cost = exact.quantize(_QUANTUM)
    if exact and not cost:
        cost = _QUANTUM  # a price below what a row can hold is still not free
    shown = {name: f"{value.normalize():f}" for name, value in prices.items()}
    return Price(cost=cost, unit_prices={**shown, "source": source, "model": model}, is_free=not exact)


@cache
def _warn_of_unknown_price(provider_type: str, model_name: str) -> None:
    """Cached, so that each process says it once per model."""
    logger.warning(
        "No price is known for %s %s: its calls are recorded without a cost. A super-admin sets one under "
        "Model prices.",
        provider_type,
        model_name,
    )
