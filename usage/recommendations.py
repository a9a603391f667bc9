"""Cheaper models for the work that was actually done.

Two things are compared: the price, and what the models can do (`capabilities.facts`). How well a model writes
is in no table, so a recommendation says what a switch would save, never that it is a good idea.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from genai_prices.data_snapshot import get_snapshot

from providers.capabilities.facts import UNKNOWN, CapabilityMatrix
from providers.capabilities.matrix import load_matrix
from providers.model_names import plain_name
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES
from usage.models import ModelPrice
from usage.pricing import Overrides, overrides_of, quote
from usage.stats import Period
from usage.stats.rollup import standing
from usage.stats.work import Work, work_of

DEFAULT_DAYS = 30
# Fewer calls make no pattern.
FEWEST_CALLS = 10
SMALLEST_SAVING_PERCENT = 10
MOST_ALTERNATIVES = 3

# Names that a vendor may point elsewhere or withdraw at short notice, and other people's fine-tunes.
_UNSTABLE = re.compile(r"preview|latest|exp|^ft:")
_GENERATION = re.compile(r"(\d{1,2})(?:[.-](\d{1,2}))?(?!\d)")


@dataclass(frozen=True, slots=True)
class Alternative:
    """A model that could have done it for less. `provider_config_id` is an active config that names it
    already; None means that a config of this provider type would have to be given its name.
    `estimated_cost_usd` is for the same calls; `unit_prices` in USD per million tokens."""

    provider_type: str
    model_name: str
    provider_config_id: int | None
    estimated_cost_usd: Decimal
    saving_usd: Decimal
    saving_percent: float
    unit_prices: dict[str, str]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The cheapest alternatives for one pattern, the largest saving first."""

    pattern: Work
    alternatives: tuple[Alternative, ...]


def cheaper_models(*, now: datetime, days: int = DEFAULT_DAYS) -> list[Recommendation]:
    """For each model and task of the last `days` days, up to three capable models that would have cost less.

    Candidates are the models of other active configs, and of the same vendor's price list those that are
    stable and of the same generation or a newer one. Patterns of unknown cost are left out.
    """
    configs = list(AIProviderConfig.objects.active().filter(flagged_at=None))
    overrides = overrides_of(ModelPrice.objects.all())
    matrix = load_matrix()
    found = []
    for pattern in work_of(Period.last_days(days, now=now), standing()):
        if pattern.calls < FEWEST_CALLS:
            continue
        alternatives = sorted(
            _alternatives(pattern, configs, overrides, matrix, now), key=lambda found: -found.saving_usd
        )
        if alternatives:
            found.append(Recommendation(pattern, tuple(alternatives[:MOST_ALTERNATIVES])))
    return sorted(found, key=lambda one: -one.alternatives[0].saving_usd)


def _alternatives(
    pattern: Work,
    configs: Iterable[AIProviderConfig],
    overrides: Overrides,
    matrix: CapabilityMatrix,
    now: datetime,
) -> Iterator[Alternative]:
    for (provider_type, model), config_id in _candidates(pattern, configs).items():
        if not _can_do(pattern, provider_type, model, matrix):
            continue
        same_vendor = provider_type == pattern.provider_type
        usage = pattern.average_call(with_cache=same_vendor)
        price = quote(provider_type=provider_type, model_name=model, usage=usage, at=now, overrides=overrides)
        if price is None or price.cost is None:
            continue
        cost = price.cost * pattern.calls
        percent = round(float(100 * (pattern.cost_usd - cost) / pattern.cost_usd), 1)
        if percent >= SMALLEST_SAVING_PERCENT:
            saving = pattern.cost_usd - cost
            yield Alternative(provider_type, model, config_id, cost, saving, percent, price.unit_prices)


def _candidates(pattern: Work, configs: Iterable[AIProviderConfig]) -> Mapping[tuple[str, str], int | None]:
    """(provider type, model) -> the config that has it, or None."""
    found: dict[tuple[str, str], int | None] = {}
    for config in configs:
        for name in filter(None, (config.model_name, config.quality_model_name)):
            found.setdefault((config.provider_type, plain_name(name)), config.pk)
    if any(config.provider_type == pattern.provider_type for config in configs):
        for name in _listed(pattern.provider_type):
            if _generation(name) >= _generation(pattern.model_name):
                found.setdefault((pattern.provider_type, name), None)
    found.pop((pattern.provider_type, plain_name(pattern.model_name)), None)
    return found


def _listed(provider_type: str) -> Iterator[str]:
    """Stable models of the vendor's own price list."""
    kind = PROVIDER_TYPES.get(provider_type)
    for vendor in get_snapshot().providers:
        if kind and vendor.id == kind.price_id:
            for model in vendor.models:
                if not model.deprecated and not _UNSTABLE.search(model.id):
                    yield model.id


def _generation(model_name: str) -> tuple[int, int]:
    """(2, 5) of gemini-2.5-flash; (0, 0) where a name has no number."""
    number = _GENERATION.search(plain_name(model_name))
    return (int(number[1]), int(number[2] or 0)) if number else (0, 0)


def _can_do(pattern: Work, provider_type: str, model: str, matrix: CapabilityMatrix) -> bool:
    """Everything the model in use can do, and as much text at once as the largest call had."""
    needed, offered = (
        matrix.of(pattern.provider_type, pattern.model_name),
        matrix.of(provider_type, model),
    )
    if offered == UNKNOWN:
        return False
    window, output = offered.context_window, offered.max_output_tokens
    return (
        offered.vision >= needed.vision
        and offered.structured_output >= needed.structured_output
        and offered.streaming >= needed.streaming
        and (window is None or window >= pattern.largest_input_tokens + pattern.largest_output_tokens)
        and (output is None or output >= pattern.largest_output_tokens)
    )
