"""What a call cost. The admin's own price wins; else the list shipped with genai-prices; else nobody knows.

The shipped list is read from the installed package and never refreshed over the network.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

import genai_prices
from genai_prices.types import PriceCalculation, TieredPrices

from providers.adapters.base import TokenUsage
from providers.model_names import plain_name, undated
from providers.registry import PROVIDER_TYPES
from usage.models import ModelPrice

logger = logging.getLogger(__name__)

Overrides = Mapping[tuple[str, str], ModelPrice]

# The smallest amount a usage row holds, in USD.
_QUANTUM = Decimal("1e-12")
_MTOK = Decimal(1_000_000)
# No single call costs so much; a price by which one does was mistyped, and would drown every sum.
_MOST_USD = Decimal(10_000)
_CLASSES = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
_CACHED_FOR_AN_HOUR = "cache_write_1h_mtok"
# Words for the tier that a list's own prices are for.
_STANDARD_TIERS = frozenset({"", "standard", "default", "auto", "on_demand", "unspecified"})
# With a price of one of these a model's tokens are not all text, and a call's count does not tell them apart.
_NOT_ONLY_TEXT = (
    "output_audio_mtok", "output_image_mtok", "output_video_mtok", "input_image_mtok", "audio_hours"
)  # fmt: skip
# Models that search unasked: each search has a fee, and no count of it comes with the reply.
_SEARCHES = re.compile(r"(^|-)(search|deep-research)")


@dataclass(frozen=True, slots=True)
class Price:
    """`cost` in USD to 12 places, None when no price is known. `unit_prices`: USD per million tokens by
    class, with the `source` and the `model` they are for; or, as `unpriced`, what of the call has no price.
    `is_free`: tokens were used and the price makes them cost exactly nothing."""

    cost: Decimal | None
    unit_prices: dict[str, str] = field(default_factory=dict)
    is_free: bool = False


def overrides_for(*, provider_type: str, model_names: Iterable[str]) -> Overrides:
    """The admin's prices for these models (one query)."""
    names = {spelling for name in model_names for spelling in _spellings(name)}
    return overrides_of(ModelPrice.objects.filter(provider_type=provider_type, model_name__in=names))


def overrides_of(rows: Iterable[ModelPrice]) -> Overrides:
    """The admin's prices as the functions here take them."""
    return {(row.provider_type, plain_name(row.model_name)): row for row in rows}


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
    """Any admin's price comes before any list price, and one for the very snapshot before one for all."""
    spellings = [_spellings(name) for name in dict.fromkeys(map(plain_name, models))]
    exact = [names[0] for names in spellings]
    for name in [*exact, *(names[-1] for names in spellings)]:
        if row := (overrides or {}).get((provider_type, name)):
            return _by_override(row, usage)
    for name in exact:
        if found := _by_list(provider_type, name, usage, at, service_tier.strip().lower()):
            return found
    return None


@lru_cache(maxsize=1024)
def _spellings(model_name: str) -> tuple[str, str]:
    """What a price row for this model may be called: its own name, or without the snapshot's date."""
    name = plain_name(model_name)
    return name, undated(name)


def _by_override(row: ModelPrice, usage: TokenUsage) -> Price:
    """At any tier: what an admin agreed with a vendor is agreed."""
    read = row.input_mtok if row.cache_read_mtok is None else row.cache_read_mtok
    write = row.input_mtok if row.cache_write_mtok is None else row.cache_write_mtok
    prices = dict(zip(_CLASSES, (row.input_mtok, row.output_mtok, read, write), strict=True))
    if row.cache_write_1h_mtok is not None:
        prices[_CACHED_FOR_AN_HOUR] = row.cache_write_1h_mtok
    if not any(prices.values()):
        # A server that costs nothing costs nothing, whatever it does.
        prices[_CACHED_FOR_AN_HOUR] = Decimal(0)
    elif unpriced := _unpriced(usage, prices):
        return Price(cost=None, unit_prices={"unpriced": unpriced})
    tokens = _tokens_by_class(usage)
    millionths = sum((tokens[name] * per_mtok for name, per_mtok in prices.items()), Decimal(0))
    return _priced(millionths / _MTOK, prices, source="override", model=row.model_name)


def _tokens_by_class(usage: TokenUsage) -> dict[str, int]:
    return {
        "input_mtok": usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "output_mtok": usage.output_tokens,
        "cache_read_mtok": usage.cached_tokens,
        "cache_write_mtok": usage.cache_write_tokens - usage.cache_write_1h_tokens,
        _CACHED_FOR_AN_HOUR: usage.cache_write_1h_tokens,
    }


def _unpriced(usage: TokenUsage, prices: Mapping[str, Decimal]) -> str:
    """What of a call has no price among these, in words; empty when all has."""
    unpriced = list(usage.extras)
    if usage.cache_write_1h_tokens and _CACHED_FOR_AN_HOUR not in prices:
        unpriced.append("input kept in the cache for an hour")
    return ", ".join(unpriced)


@lru_cache(maxsize=4096)
def _is_listed(price_id: str, model: str) -> bool:
    """The list keeps what it has found, but goes through all its patterns for what it has not."""
    try:
        genai_prices.calc_price(genai_prices.Usage(), model, provider_id=price_id)
    except LookupError:
        return False
    return True


def _by_list(
    provider_type: str, model: str, usage: TokenUsage, at: datetime, service_tier: str
) -> Price | None:
    kind = PROVIDER_TYPES.get(provider_type)
    if kind is None or not kind.price_id or not _is_listed(kind.price_id, model):
        return None
    reported = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
    )
    # The list calls a vendor's tier one of these, by the vendor.
    context = dict.fromkeys(("service_tier", "speed", "processing"), service_tier) if service_tier else None
    found = genai_prices.calc_price(
        reported, model, provider_id=kind.price_id, genai_request_timestamp=at, price_context=context
    )
    prices = _unit_prices(found, usage)
    if not _is_priced_by_text(found, prices):
        return None
    unpriced = [_unpriced(usage, prices)]
    if service_tier not in _STANDARD_TIERS and not _has_price_for(found, context or {}, at):
        unpriced.append(f"the service tier {service_tier[:30]}")
    if any(unpriced):
        return Price(cost=None, unit_prices={"unpriced": ", ".join(filter(None, unpriced))})
    source = f"genai-prices {genai_prices.__version__}"
    return _priced(found.total_price, prices, source=source, model=found.model.id)


def _is_priced_by_text(found: PriceCalculation, prices: Mapping[str, Decimal]) -> bool:
    """The list knows models it has no token price for (embeddings): its total of 0 is not a price. Nor is a
    text's price one of pictures, speech and searches."""
    if "input_mtok" not in prices or "output_mtok" not in prices or _SEARCHES.search(found.model.id):
        return False
    return all(getattr(found.model_price, name) is None for name in _NOT_ONLY_TEXT)


def _has_price_for(found: PriceCalculation, context: Mapping[str, str], at: datetime) -> bool:
    """Whether the price found is one for this tier, and not the usual one for want of it."""
    if not any(found.model is model for model in found.provider.models):
        return False
    return any(
        variant.when.items() <= context.items()
        and (variant.constraint is None or variant.constraint.active(at))
        for variant in found.model.price_variants or ()
    )


def _unit_prices(found: PriceCalculation, usage: TokenUsage) -> dict[str, Decimal]:
    """The price of each class at this size of input; one without its own costs what the input costs, but for
    what is kept for an hour: that costs more everywhere."""
    prices: dict[str, Decimal] = {}
    for name in (*_CLASSES, _CACHED_FOR_AN_HOUR):
        value = getattr(found.model_price, name)
        if isinstance(value, TieredPrices):
            reached = [tier.price for tier in value.tiers if usage.input_tokens > tier.start]
            value = reached[-1] if reached else value.base
        if value is not None:
            prices[name] = value
        elif name.startswith("cache_") and name in _CLASSES and "input_mtok" in prices:
            prices[name] = prices["input_mtok"]
    return prices


def _priced(exact: Decimal, prices: Mapping[str, Decimal], *, source: str, model: str) -> Price:
    if exact > _MOST_USD:
        return Price(cost=None, unit_prices={"unpriced": f"a call of more than ${_MOST_USD:,}"})
    cost = exact.quantize(_QUANTUM)
    if exact and not cost:
        cost = _QUANTUM  # a price below what a row can hold is still not free
    shown = {name: f"{value.normalize():f}" for name, value in prices.items()}
    return Price(cost=cost, unit_prices={**shown, "source": source, "model": model}, is_free=not exact)


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
