"""Cheaper models for the work that was actually done, and what speaks for and against them.

Compared are the price, what the models can do (`capabilities.facts`) and what is known of how they do it
(`usage.quality`). A model that has not done the task here is recommended for an experiment, not to switch to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from genai_prices.data_snapshot import get_snapshot

from accounts.percents import in_percent
from providers.capabilities.facts import UNKNOWN, CapabilityMatrix
from providers.capabilities.matrix import load_matrix
from providers.model_names import plain_name
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES
from usage.models import ModelPrice
from usage.pricing import Overrides, overrides_of, quote
from usage.quality import NOTHING_KNOWN, Place, Quality, quality_of
from usage.stats import Period
from usage.stats.rollup import standing
from usage.stats.work import Work, work_of

DEFAULT_DAYS = 30
# Fewer calls make no pattern.
FEWEST_CALLS = 10
SMALLEST_SAVING_PERCENT = 10
MOST_ALTERNATIVES = 3
MOST_COMPARED = 20
# Of fewer answers, drafts or ratings a share or a mean says nothing; of as many, this much worse is worse.
FEWEST_ANSWERS = 30
WORSE_BY_POINTS = 5
WORSE_BY_STARS = 0.3

Advice = Literal["experiment", "switch"]

# Names that a vendor may point elsewhere or withdraw at short notice, and other people's fine-tunes.
_UNSTABLE = re.compile(r"preview|latest|exp|^ft:")
_GENERATION = re.compile(r"(\d{1,2})(?:[.-](\d{1,2}))?(?!\d)")


@dataclass(frozen=True, slots=True)
class Alternative:
    """What another model would have cost for the same calls. `provider_config_id` is an active config that
    names it already; None means that `through_config_id`, one of the same vendor, would have to.
    `unit_prices` in USD per million tokens; a negative saving means that it would have cost more. `advice` is
    "switch" where the model has done this task often enough and no worse, else "experiment"."""

    provider_type: str
    model_name: str
    provider_config_id: int | None
    through_config_id: int | None
    estimated_cost_usd: Decimal
    saving_usd: Decimal
    saving_percent: float
    unit_prices: dict[str, str]
    quality: Quality = NOTHING_KNOWN
    advice: Advice = "experiment"


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A model that is configured and not recommended, and why, in words."""

    provider_type: str
    model_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One pattern: the cheapest `alternatives`, the largest saving first; everything that was `compared`, the
    cheapest first; what was `ruled_out`. `reason` says why there is no alternative, where there is none."""

    pattern: Work
    alternatives: tuple[Alternative, ...]
    quality: Quality = NOTHING_KNOWN
    compared: tuple[Alternative, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    reason: str = ""


@dataclass(slots=True)
class _Known:
    """What is looked up once for all patterns."""

    configs: list[AIProviderConfig]
    overrides: Overrides
    matrix: CapabilityMatrix
    now: datetime
    qualities: Mapping[Place, Quality] = field(default_factory=dict)


def cheaper_models(*, now: datetime, days: int = DEFAULT_DAYS) -> list[Recommendation]:
    """For each model and task of the last `days` days, up to three capable models that would have cost less.

    Candidates are the models of other active configs, and of the same vendor's price list those that are
    stable and of the same generation or a newer one. Patterns of unknown cost are left out.
    """
    found = [one for one in compared_models(now=now, days=days) if one.alternatives]
    return sorted(found, key=lambda one: -one.alternatives[0].saving_usd)


def compared_models(*, now: datetime, days: int = DEFAULT_DAYS) -> list[Recommendation]:
    """The same of every pattern of known cost, also of those for which nothing is recommended; the dearest
    first."""
    period, known_by = Period.last_days(days, now=now), standing()
    patterns = _merged(work_of(period, known_by))
    judged, done = period, patterns
    if known_by.pruned_before is not None and period.start < known_by.pruned_before:
        # Replies that could not be read are known by their rows alone.
        judged = replace(period, start=known_by.pruned_before)
        done = _merged(work_of(judged, known_by))
    known = _Known(
        configs=list(AIProviderConfig.objects.active().filter(flagged_at=None)),
        overrides=overrides_of(ModelPrice.objects.all()),
        matrix=load_matrix(),
        now=now,
        qualities=quality_of(judged, answers={place: work.calls for place, work in done.items()}),
    )
    ordered = sorted(patterns.items(), key=lambda item: -item[1].cost_picos)
    return [_recommendation(place, pattern, known) for place, pattern in ordered]


def _merged(work: Iterable[Work]) -> dict[Place, Work]:
    found: dict[Place, Work] = {}
    for one in work:
        place = one.provider_type, plain_name(one.model_name), one.task_type
        found[place] = found[place] + one if place in found else one
    return found


def _recommendation(place: Place, pattern: Work, known: _Known) -> Recommendation:
    own = known.qualities.get(place, NOTHING_KNOWN)
    if pattern.calls < FEWEST_CALLS:
        few = f"Too few to be a pattern: {pattern.calls} of at least {FEWEST_CALLS} calls."
        return Recommendation(pattern, (), own, reason=few)
    compared: list[Alternative] = []
    recommended: list[Alternative] = []
    ruled_out: list[RuledOut] = []
    for (provider_type, model), config_id in _candidates(pattern, known.configs).items():
        fault = _lacks(pattern, provider_type, model, known.matrix)
        found = None if fault else _priced(pattern, provider_type, model, config_id, known)
        if found is not None:
            compared.append(found)
            fault = _against(own, found)
        if not fault and found is None:
            fault = "no price is known for it"
        if not fault and found is not None:
            recommended.append(found)
        elif config_id is not None:
            ruled_out.append(RuledOut(provider_type, model, fault))
    recommended.sort(key=lambda one: -one.saving_usd)
    compared.sort(key=lambda one: one.estimated_cost_usd)
    return Recommendation(
        pattern,
        tuple(recommended[:MOST_ALTERNATIVES]),
        own,
        tuple(compared[:MOST_COMPARED]),
        tuple(ruled_out),
        "" if recommended else "No model that can do it, and is known to do it no worse, costs a tenth less.",
    )


def _priced(
    pattern: Work, provider_type: str, model: str, config_id: int | None, known: _Known
) -> Alternative | None:
    usage = pattern.average_call(with_cache=provider_type == pattern.provider_type)
    price = quote(
        provider_type=provider_type, model_name=model, usage=usage, at=known.now, overrides=known.overrides
    )
    if price is None or price.cost is None:
        return None
    cost = price.cost * pattern.calls
    quality = known.qualities.get((provider_type, model, pattern.task_type), NOTHING_KNOWN)
    through = next((one.pk for one in known.configs if one.provider_type == provider_type), None)
    return Alternative(
        provider_type=provider_type,
        model_name=model,
        provider_config_id=config_id,
        through_config_id=config_id or through,
        estimated_cost_usd=cost,
        saving_usd=pattern.cost_usd - cost,
        saving_percent=round(float(100 * (pattern.cost_usd - cost) / pattern.cost_usd), 1),
        unit_prices=price.unit_prices,
        quality=quality,
        advice="switch" if quality.answers >= FEWEST_ANSWERS else "experiment",
    )


def _against(own: Quality, other: Alternative) -> str:
    """Why a capable model of known price is not recommended, in words; empty when nothing speaks against."""
    if other.saving_percent < SMALLEST_SAVING_PERCENT:
        share = in_percent(abs(other.saving_percent) / 100)
        return f"it would have cost {share} {'less' if other.saving_usd > 0 else 'more'}"
    theirs = other.quality
    if theirs.answers >= FEWEST_ANSWERS and _is_worse(own.unparsable_percent, theirs.unparsable_percent):
        return f"{in_percent((theirs.unparsable_percent or 0) / 100)} of its replies could not be read"
    if theirs.unparsable >= FEWEST_ANSWERS and not theirs.answers and other.estimated_cost_usd:
        return f"{theirs.unparsable} of its replies could not be read, and none is known that could"
    is_proven = min(own.drafts, theirs.drafts) >= FEWEST_ANSWERS
    if is_proven and _is_worse(own.ungrounded_percent, theirs.ungrounded_percent):
        share = in_percent((theirs.ungrounded_percent or 0) / 100)
        return f"in {share} of its drafts a text was refused as unproven"
    is_rated = min(own.ratings, theirs.ratings) >= FEWEST_ANSWERS
    if is_rated and (own.rating or 0) - (theirs.rating or 0) > WORSE_BY_STARS:
        return f"its answers are rated {theirs.rating}, those in use {own.rating}"
    return ""


def _is_worse(own: float | None, theirs: float | None) -> bool:
    return theirs is not None and theirs - (own or 0) > WORSE_BY_POINTS


_FEATURES = {"vision": "images", "structured_output": "structured output", "streaming": "streaming"}


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


def _lacks(pattern: Work, provider_type: str, model: str, matrix: CapabilityMatrix) -> str:
    """What keeps the model from doing all that the one in use can, and as much text at once as the largest
    call had, in words; empty when nothing does."""
    needed = matrix.of(pattern.provider_type, pattern.model_name)
    offered = matrix.of(provider_type, model)
    if offered == UNKNOWN:
        return "nothing is known of what it can do"
    for name, words in _FEATURES.items():
        if getattr(needed, name) and not getattr(offered, name):
            return f"it is not known to have {words}"
    largest = pattern.largest_input_tokens + pattern.largest_output_tokens
    if offered.context_window is not None and offered.context_window < largest:
        return f"its window of {offered.context_window:,} tokens is less than the largest call ({largest:,})"
    longest = pattern.largest_output_tokens
    if offered.max_output_tokens is not None and offered.max_output_tokens < longest:
        return f"it writes {offered.max_output_tokens:,} tokens at most, the longest answer had {longest:,}"
    return ""
