"""What a model's tokens cost: by the list shipped with genai-prices, prepared once for each case, and by the
prices that admins set, with which of them is in force for a call.

The list works out anew at each call which of its hundred kinds of units a model is priced by. What a call
needs of that changes with the tier, with the moments at which a price begins and with the size of the input,
and with nothing else. It is read from the installed package and never refreshed over the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import genai_prices
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, Provider, TieredPrices

from providers.model_names import plain_name, undated
from usage.models import ModelPrice
from usage.models.prices import STANDARD_TIER, plain_tier

CLASSES = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
CACHED_FOR_AN_HOUR = "cache_write_1h_mtok"
SOURCE = f"genai-prices {genai_prices.__version__}"
_REQUESTS = "requests_kcount"
# With a price of one of these a model's tokens are not all text, and a call's count does not tell them apart.
_NOT_ONLY_TEXT = (
    "output_audio_mtok", "output_image_mtok", "output_video_mtok", "input_image_mtok", "audio_hours"
)  # fmt: skip
# Models that search unasked: each search has a fee, and no count of it comes with the reply.
_SEARCHES = re.compile(r"(^|-)(search|deep-research)")


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """USD per million tokens by class, and `per_request` in USD beside them. `shown` is how a usage row has
    them, `source` and `model` included: not to be changed."""

    by_class: Mapping[str, Decimal]
    shown: dict[str, str]
    per_request: Decimal = Decimal(0)

    @classmethod
    def of(
        cls, prices: Mapping[str, Decimal], *, source: str, model: str, per_request: Decimal = Decimal(0)
    ) -> UnitPrices:
        shown = {name: f"{value.normalize():f}" for name, value in prices.items()}
        return cls(prices, {**shown, "source": source, "model": model}, per_request)


@dataclass(frozen=True, slots=True)
class ListPrices:
    """A model's prices in one tier at one time. `steps` begin above so many tokens of input, the highest
    first. `has_tier`: they are the tier's own, and not the usual ones for want of them."""

    steps: tuple[tuple[int, UnitPrices], ...]
    has_tier: bool
    has_reasoning: bool

    def at_size(self, input_tokens: int) -> UnitPrices:
        return next(prices for start, prices in self.steps if input_tokens > start)


@dataclass(frozen=True, slots=True)
class _Moment:
    """Equal to another at which the same of a model's dated prices hold."""

    holding: tuple[bool, ...]
    at: datetime = field(compare=False)


def list_prices(*, price_id: str, model: str, service_tier: str, at: datetime) -> ListPrices | None:
    """The list's prices of a vendor's model, in the tier that the vendor calls so, for a call made at `at`.
    None for what it does not know, or not as text."""
    known = _known(price_id, model)
    if known is None:
        return None
    moment = _Moment(tuple(one.active(at) for one in known[2]), at)
    return _prepared(price_id, model, service_tier, moment)


@lru_cache(maxsize=4096)
def _known(price_id: str, model: str) -> tuple[Provider, ModelInfo, tuple[Any, ...]] | None:
    """With the model, what limits its prices in time."""
    try:
        vendor, found = get_snapshot().find_provider_model(model, None, price_id, None)
    except LookupError:
        return None
    dated = [*(found.prices if isinstance(found.prices, list) else ()), *(found.price_variants or ())]
    return vendor, found, tuple(one.constraint for one in dated if one.constraint is not None)


@lru_cache(maxsize=1024)
def _prepared(price_id: str, model: str, service_tier: str, moment: _Moment) -> ListPrices | None:
    # The list calls a vendor's tier one of these, by the vendor.
    context = dict.fromkeys(("service_tier", "speed", "processing"), service_tier) if service_tier else None
    calculated = genai_prices.calc_price(
        genai_prices.Usage(),
        model,
        provider_id=price_id,
        genai_request_timestamp=moment.at,
        price_context=context,
    )
    found, prices = calculated.model, calculated.model_price
    if not _is_priced_by_text(found, prices):
        return None
    starts = {
        tier.start
        for price in vars(prices).values()
        if isinstance(price, TieredPrices)
        for tier in price.tiers
    }
    is_usual = plain_tier(service_tier) == STANDARD_TIER
    return ListPrices(
        steps=tuple((start, _above(start, found, prices)) for start in sorted({-1, *starts}, reverse=True)),
        has_tier=is_usual or _has_price_for(calculated.provider, found, context or {}, moment.at),
        has_reasoning=prices.output_reasoning_mtok is not None,
    )


def _is_priced_by_text(model: ModelInfo, prices: Any) -> bool:
    """The list knows models it has no token price for (embeddings): its total of 0 is not a price. Nor is a
    text's price one of pictures, speech and searches."""
    if prices.input_mtok is None or prices.output_mtok is None or _SEARCHES.search(model.id):
        return False
    return all(getattr(prices, name) is None for name in _NOT_ONLY_TEXT)


def _has_price_for(vendor: Provider, model: ModelInfo, context: Mapping[str, str], at: datetime) -> bool:
    if not any(model is own for own in vendor.models):
        return False
    return any(
        variant.when.items() <= context.items()
        and (variant.constraint is None or variant.constraint.active(at))
        for variant in model.price_variants or ()
    )


def _above(start: int, model: ModelInfo, prices: Any) -> UnitPrices:
    fee = price_above(start, getattr(prices, _REQUESTS)) or Decimal(0)
    return UnitPrices.of(
        dict(_classes_above(start, prices)), source=SOURCE, model=model.id, per_request=fee / 1000
    )


def _classes_above(start: int, prices: Any) -> Iterator[tuple[str, Decimal]]:
    """The price of each class; one without its own costs what the input costs, but for what is kept for an
    hour: that costs more everywhere."""
    usual = price_above(start, prices.input_mtok)
    for name in (*CLASSES, CACHED_FOR_AN_HOUR):
        price = price_above(start, getattr(prices, name))
        if price is None and name != CACHED_FOR_AN_HOUR:
            price = usual
        if price is not None:
            yield name, price


def price_above(start: int, price: Decimal | TieredPrices | None) -> Decimal | None:
    """Of a class, the price of calls with more tokens of input than `start`, where one of its steps begins;
    -1 for the smallest."""
    if not isinstance(price, TieredPrices):
        return price
    reached = [tier.price for tier in price.tiers if tier.start <= start]
    return reached[-1] if reached else price.base


# (provider type, model) -> every row of it, of whatever time, tier and size.
Overrides = Mapping[tuple[str, str], Sequence[ModelPrice]]

_ALWAYS = datetime.min.replace(tzinfo=UTC)


def overrides_for(*, provider_type: str, model_names: Iterable[str]) -> Overrides:
    """The admin's prices for these models (one query)."""
    names = {spelling for name in model_names for spelling in spellings(name)}
    return overrides_of(ModelPrice.objects.filter(provider_type=provider_type, model_name__in=names))


def overrides_of(rows: Iterable[ModelPrice]) -> Overrides:
    """The admin's prices as the functions here take them."""
    found: dict[tuple[str, str], list[ModelPrice]] = {}
    for row in rows:
        found.setdefault((row.provider_type, plain_name(row.model_name)), []).append(row)
    return found


def override_in_force(
    overrides: Overrides | None,
    *,
    provider_type: str,
    models: Iterable[str],
    input_tokens: int,
    at: datetime,
    service_tier: str = "",
    is_ceiling: bool = False,
) -> ModelPrice | None:
    """The row that prices a call with so many input tokens made at `at`, or None.

    One for the very snapshot comes before one for all of a model's. Of a name's rows that hold then, one for
    the call's own tier comes before one for any, then the one for the longest input, then the one that began
    last: so a promotion within an open price holds while it lasts, and the open one again after it.
    """
    if not overrides:
        return None
    tier = plain_tier(service_tier)
    for name in _names(models):
        holding = [
            row
            for row in overrides.get((provider_type, name), ())
            if row.is_ceiling == is_ceiling
            and row.service_tier in ("", tier)
            and (row.over_input_tokens == 0 or input_tokens > row.over_input_tokens)
            and row.holds_at(at)
        ]
        if holding:
            return max(holding, key=_precedence)
    return None


def _precedence(row: ModelPrice) -> tuple[bool, int, datetime]:
    return bool(row.service_tier), row.over_input_tokens, row.valid_from or _ALWAYS


def _names(models: Iterable[str]) -> Iterator[str]:
    pairs = [spellings(name) for name in dict.fromkeys(map(plain_name, models))]
    yield from (exact for exact, _ in pairs)
    yield from (dateless for _, dateless in pairs)


@lru_cache(maxsize=1024)
def spellings(model_name: str) -> tuple[str, str]:
    """What a price row for this model may be called: its own name, or without the snapshot's date."""
    name = plain_name(model_name)
    return name, undated(name)
