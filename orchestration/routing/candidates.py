"""Which provider and model may answer, best first. Pure: same snapshot and question, same order."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain

from orchestration.experiments.assignment import Arm
from orchestration.models.policies import Strategy
from orchestration.routing.balancing import Rank, Spread, group_of
from orchestration.routing.snapshot import ProviderSnapshot, RoutingSnapshot
from providers.adapters.base import GenerationRequest
from providers.capabilities.facts import Capabilities
from providers.tasks import Tier
from usage.quotas import estimate_input_tokens


@dataclass(frozen=True, slots=True)
class Needs:
    """What a call asks of a model beyond text in, text out. `input_tokens` is an estimate."""

    vision: bool = False
    structured_output: bool = False
    input_tokens: int = 0

    @classmethod
    def of(cls, request: GenerationRequest) -> Needs:
        return cls(
            vision=bool(request.pictures),
            structured_output=request.response_model is not None,
            input_tokens=estimate_input_tokens(request),
        )

    def missing_from(self, capabilities: Capabilities) -> tuple[str, ...]:
        """Names of the needs the model cannot serve at all; seeing that nobody knows of counts as absent, a
        window that nobody knows of as wide enough."""
        window = capabilities.context_window
        missing = ["vision"] if self.vision and not capabilities.vision else []
        if window is not None and self.input_tokens > window:
            missing.append("input_window")
        return tuple(missing)

    def degraded_by(self, capabilities: Capabilities) -> tuple[str, ...]:
        """Names of the needs the model serves by a second-best way: a form asked for by prompt."""
        by_prompt = self.structured_output and not capabilities.structured_output
        return ("structured_output",) if by_prompt else ()


@dataclass(frozen=True, slots=True)
class Candidate:
    provider: ProviderSnapshot
    model_name: str
    capabilities: Capabilities
    degraded: tuple[str, ...] = ()


def candidates(
    snapshot: RoutingSnapshot, *, task: str, tier: Tier, needs: Needs, spread: Spread | None = None
) -> tuple[Candidate, ...]:
    """Providers whose model for `tier` meets `needs`, in the order that `spread` gives; those that meet them
    by a second-best way after the others."""
    spread = spread or Spread()
    key = task, tier, needs.vision, needs.structured_output
    able = snapshot.derived.get(key)
    if able is None:
        able = snapshot.derived[key] = _Able.of(snapshot, task=task, tier=tier, needs=needs)
    return able.in_order(spread, task=task, input_tokens=needs.input_tokens)


@dataclass(frozen=True, slots=True)
class _Able:
    """What is the same for all calls of a kind, made once for a snapshot. `ranks` are groups of equals, best
    first; `narrowest` is the smallest window of all that is known."""

    ranks: tuple[tuple[Candidate, ...], ...]
    narrowest: float

    @classmethod
    def of(cls, snapshot: RoutingSnapshot, *, task: str, tier: Tier, needs: Needs) -> _Able:
        needs = replace(needs, input_tokens=0)
        ranks = defaultdict(list)
        windows = [math.inf]
        for provider in snapshot.providers:
            model = provider.model_for(tier)
            capabilities = snapshot.capabilities.of(provider.provider_type, model)
            if needs.missing_from(capabilities):
                continue
            able = Candidate(provider, model, capabilities, needs.degraded_by(capabilities))
            # One whose key a vendor has refused goes last: it may have been repaired there, but no call
            # should wait for it while another can answer, be it by a second-best way.
            first = provider.is_flagged, bool(able.degraded), group_of(provider, task)
            ranks[*first, -provider.priority].append(able)
            windows.append(capabilities.context_window or math.inf)
        return cls(tuple(tuple(ranks[rank]) for rank in sorted(ranks)), min(windows))

    def in_order(self, spread: Spread, *, task: str, input_tokens: int) -> tuple[Candidate, ...]:
        found = chain.from_iterable(self._ranked(spread, task))
        if input_tokens <= self.narrowest:
            return tuple(found)
        needs = Needs(input_tokens=input_tokens)
        return tuple(one for one in found if "input_window" not in needs.missing_from(one.capabilities))

    def _ranked(self, spread: Spread, task: str) -> Iterable[Iterable[Candidate]]:
        if spread.strategy == Strategy.WEIGHTED:
            for equals in self.ranks:
                # Alone in its rank, nobody draws a lot.
                yield equals if len(equals) == 1 else sorted(equals, key=lambda one: spread.lot(one.provider))
        else:
            yield sorted(chain.from_iterable(self.ranks), key=lambda one: _place(one, spread, task))


def _place(able: Candidate, spread: Spread, task: str) -> tuple[bool, bool, Rank]:
    return able.provider.is_flagged, bool(able.degraded), spread.rank(able.provider, able.model_name, task)


def missing_everywhere(snapshot: RoutingSnapshot, *, tier: Tier, needs: Needs) -> tuple[str, ...]:
    """What to tell a person when no candidate is left: the needs that not one provider's model meets. Only
    `input_window` where a model would do if the input were shorter."""
    gaps = [
        set(needs.missing_from(snapshot.capabilities.of(provider.provider_type, provider.model_for(tier))))
        for provider in snapshot.providers
    ]
    if {"input_window"} in gaps:
        return ("input_window",)
    return tuple(sorted(set.intersection(*gaps))) if gaps else ()


def with_arm_first(
    order: tuple[Candidate, ...], arm: Arm | None, snapshot: RoutingSnapshot, tier: Tier, needs: Needs
) -> tuple[Candidate, ...]:
    """The arm's provider and model before all others, if active and able; the others stay as failover."""
    if arm is None or arm.provider_config_id is None:
        return order
    provider = next((one for one in snapshot.providers if one.config_id == arm.provider_config_id), None)
    if provider is None:
        return order
    model = arm.model_name or provider.model_for(tier)
    capabilities = snapshot.capabilities.of(provider.provider_type, model)
    if needs.missing_from(capabilities):
        return order
    first = Candidate(provider, model, capabilities, needs.degraded_by(capabilities))
    return first, *(one for one in order if one.provider.identity != provider.identity)
