"""Every price that is known, to be looked through: the shipped list line by line, and the admin's rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any

import genai_prices
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, Provider, StartDateConstraint, TieredPrices, TimeOfDateConstraint

from providers.registry import PROVIDER_TYPES
from usage.models import ModelPrice
from usage.models.prices import STANDARD_TIER
from usage.unit_prices import price_above

_SHOWN = {
    "input": "input_mtok",
    "cached": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "output": "output_mtok",
    "reasoning": "output_reasoning_mtok",
}


@dataclass(frozen=True, slots=True)
class KnownPrice:
    """A line of the list: what a vendor's model costs in one case, in USD per million tokens; None where the
    class has no price of its own. `tier` and `over_input_tokens` as in `ModelPrice`; `hours` where a price
    holds for a part of the day (UTC) only. `override_id` is the admin's row, None for the shipped list."""

    vendor: str
    model: str
    tier: str
    over_input_tokens: int
    input: Decimal | None
    cached: Decimal | None
    cache_write: Decimal | None
    cache_write_1h: Decimal | None
    output: Decimal | None
    reasoning: Decimal | None
    source: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    hours: str = ""
    override_id: int | None = None
    is_ceiling: bool = False

    def is_over(self, now: datetime) -> bool:
        return self.valid_until is not None and self.valid_until <= now


def list_version() -> str:
    """Which list is shipped, and until when it was kept as far as it says so: the day on which the last of
    its dated prices begins. The package bears no date of its own."""
    newest = max(line.valid_from for line in _shipped() if line.valid_from)
    return f"genai-prices {genai_prices.__version__}, whose newest dated price begins on {newest:%Y-%m-%d}"


def vendors() -> list[str]:
    """Names of the vendors in the shipped list, those that Aditus speaks to first."""
    own = {kind.price_id for kind in PROVIDER_TYPES.values()}
    listed = sorted(get_snapshot().providers, key=lambda vendor: (vendor.id not in own, vendor.name.lower()))
    return [vendor.name for vendor in listed]


def known_prices(*, search: str = "", vendor: str = "") -> list[KnownPrice]:
    """The lines whose model has every word of `search` in its name, of one vendor or of all; the admin's own
    rows before the shipped list, because they win."""
    lines = [*map(_of_override, ModelPrice.objects.order_by("model_name", "valid_from")), *_shipped()]
    return [line for line in lines if fits(line.model, line.vendor, search=search, vendor=vendor)]


def fits(model: str, of: str, *, search: str, vendor: str) -> bool:
    """Whether a model `of` a vendor is one that a search is for."""
    return vendor in ("", of) and all(word in model.lower() for word in search.lower().split())


def _of_override(row: ModelPrice) -> KnownPrice:
    return KnownPrice(
        vendor=vendor_of(row.provider_type),
        model=row.model_name,
        tier=row.service_tier or "any",
        over_input_tokens=row.over_input_tokens,
        input=row.input_mtok,
        cached=row.cache_read_mtok,
        cache_write=row.cache_write_mtok,
        cache_write_1h=row.cache_write_1h_mtok,
        output=row.output_mtok,
        reasoning=None,
        source=f"set in the console on {row.updated_at.astimezone(UTC):%Y-%m-%d}",
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        override_id=row.pk,
        is_ceiling=row.is_ceiling,
    )


def vendor_of(provider_type: str) -> str:
    """What the list calls the vendor of a provider type."""
    kind = PROVIDER_TYPES.get(provider_type)
    names = {vendor.id: vendor.name for vendor in get_snapshot().providers}
    return names.get(kind.price_id, kind.label) if kind else provider_type


@lru_cache(maxsize=1)
def _shipped() -> Sequence[KnownPrice]:
    """The whole list, made once: it changes with the package only."""
    snapshot = sorted(get_snapshot().providers, key=lambda vendor: vendor.name.lower())
    return [
        line
        for vendor in snapshot
        for model in sorted(vendor.models, key=lambda model: model.id)
        for line in _lines_of(vendor, model)
    ]


def _lines_of(vendor: Provider, model: ModelInfo) -> Iterator[KnownPrice]:
    standard: Any = None
    for prices, constraint, until in _in_time(model):
        yield from _by_size(
            vendor, model, tier=STANDARD_TIER, prices=vars(prices), constraint=constraint, until=until
        )
        if not isinstance(constraint, TimeOfDateConstraint):
            standard = prices
    for variant in model.price_variants or ():
        if set(vars(variant.prices)):
            tier = ", ".join(variant.when.values())
            merged = {**vars(standard), **vars(variant.prices)} if standard else vars(variant.prices)
            yield from _by_size(
                vendor, model, tier=tier, prices=merged, constraint=variant.constraint, until=None
            )


def _in_time(model: ModelInfo) -> Iterator[tuple[Any, Any, datetime | None]]:
    """Prices in the order in which they came into force, each with the moment at which the next did."""
    conditions = model.prices if isinstance(model.prices, list) else None
    if conditions is None:
        yield model.prices, None, None
        return
    for place, condition in enumerate(conditions):
        following = (later.constraint for later in conditions[place + 1 :])
        starts = [_midnight(one) for one in following if isinstance(one, StartDateConstraint)]
        yield condition.prices, condition.constraint, starts[0] if starts else None


def _by_size(
    vendor: Provider,
    model: ModelInfo,
    *,
    tier: str,
    prices: dict[str, Any],
    constraint: Any,
    until: datetime | None,
) -> Iterator[KnownPrice]:
    tiered = [value for value in prices.values() if isinstance(value, TieredPrices)]
    for size in sorted({0, *(step.start for value in tiered for step in value.tiers)}):
        shown: dict[str, Any] = {
            name: price_above(size or -1, prices.get(key)) for name, key in _SHOWN.items()
        }
        if any(value is not None for value in shown.values()):
            yield KnownPrice(
                vendor=vendor.name,
                model=model.id,
                tier=tier,
                over_input_tokens=size,
                source=f"genai-prices {genai_prices.__version__}",
                valid_from=_midnight(constraint) if isinstance(constraint, StartDateConstraint) else None,
                valid_until=until,
                hours=_hours(constraint),
                **shown,
            )


def _midnight(constraint: StartDateConstraint) -> datetime:
    return datetime.combine(constraint.start_date, time(), UTC)


def _hours(constraint: Any) -> str:
    if not isinstance(constraint, TimeOfDateConstraint):
        return ""
    return f"{constraint.start_time:%H:%M} to {constraint.end_time:%H:%M} UTC"
