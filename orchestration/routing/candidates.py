"""Which provider and model may answer, best first. Pure: same snapshot and question, same order."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import overload

from orchestration.experiments.assignment import Arm
from orchestration.models.policies import Strategy
from orchestration.routing.balancing import Equals, Spread, group_of
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


class Order(Sequence[Candidate]):
    """Candidates, best first, each found when somebody looks at it: among two hundred, a call asks one."""

    def __init__(self, coming: Iterable[Candidate]) -> None:
        self._coming, self._found = iter(coming), list[Candidate]()

    @overload
    def __getitem__(self, at: int) -> Candidate: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Candidate]: ...
    def __getitem__(self, at: int | slice) -> Candidate | Sequence[Candidate]:
        last = at.stop if isinstance(at, slice) else at + 1
        self._find(last if last is not None and last > 0 else None)
        return self._found[at]

    def __len__(self) -> int:
        self._find(None)
        return len(self._found)

    def __bool__(self) -> bool:
        self._find(1)
        return bool(self._found)

    def _find(self, many: int | None) -> None:
        missing = None if many is None else max(0, many - len(self._found))
        self._found.extend(islice(self._coming, missing))


def candidates(
    snapshot: RoutingSnapshot, *, task: str, tier: Tier, needs: Needs, spread: Spread | None = None
) -> Sequence[Candidate]:
    """Providers whose model for `tier` meets `needs`, in the order that `spread` gives; those that meet them
    by a second-best way after the others."""
    spread = spread or Spread()
    key = task, tier, needs.vision, needs.structured_output
    able = snapshot.derived.get(key)
    if able is None:
        able = snapshot.derived[key] = _Able.of(snapshot, task=task, tier=tier, needs=needs)
    return able.in_order(spread, input_tokens=needs.input_tokens)


@dataclass(frozen=True, slots=True)
class _Rank:
    """Candidates between which weight alone decides."""

    members: tuple[Candidate, ...]
    equals: Equals

    @classmethod
    def of(cls, found: Iterable[Candidate]) -> _Rank:
        # Sorted, so that a draw says the same in every process.
        members = tuple(sorted(found, key=lambda one: str(one.provider.identity)))
        return cls(members, Equals.of([one.provider for one in members]))

    def in_order(self, spread: Spread) -> Iterator[Candidate]:
        return map(self.members.__getitem__, spread.places(self.equals))


@dataclass(frozen=True, slots=True)
class _Able:
    """What is the same for all calls of a kind, made once for a snapshot. `groups` are those that a strategy
    orders each by itself, best first, with the ranks of its own that priority makes in them; `narrowest` is
    the smallest window of all that is known."""

    groups: tuple[tuple[_Rank, ...], ...]
    narrowest: float

    @classmethod
    def of(cls, snapshot: RoutingSnapshot, *, task: str, tier: Tier, needs: Needs) -> _Able:
        needs = replace(needs, input_tokens=0)
        groups = defaultdict(list)
        windows = [math.inf]
        for provider in snapshot.providers:
            model = provider.model_for(tier)
            capabilities = snapshot.capabilities.of(provider.provider_type, model)
            if needs.missing_from(capabilities):
                continue
            able = Candidate(provider, model, capabilities, needs.degraded_by(capabilities))
            # One whose key a vendor has refused goes last: it may have been repaired there, but no call
            # should wait for it while another can answer, be it by a second-best way.
            groups[provider.is_flagged, bool(able.degraded), group_of(provider, task)].append(able)
            windows.append(capabilities.context_window or math.inf)
        by_priority = (_ranked(groups[group], lambda one: 0.0) for group in sorted(groups))
        return cls(tuple(by_priority), min(windows))

    def in_order(self, spread: Spread, *, input_tokens: int) -> Sequence[Candidate]:
        found = self._found(spread)
        if input_tokens <= self.narrowest:
            return Order(found)
        needs = Needs(input_tokens=input_tokens)
        return Order(one for one in found if "input_window" not in needs.missing_from(one.capabilities))

    def _found(self, spread: Spread) -> Iterator[Candidate]:
        for ranks in self.groups:
            for rank in ranks if spread.strategy == Strategy.WEIGHTED else _ranked_anew(ranks, spread):
                yield from rank.in_order(spread)


def _ranked(found: Iterable[Candidate], figure: Callable[[Candidate], float]) -> tuple[_Rank, ...]:
    """By the figure, then by priority."""
    ranks = defaultdict(list)
    for one in found:
        ranks[figure(one), -one.provider.priority].append(one)
    return tuple(_Rank.of(ranks[rank]) for rank in sorted(ranks))


def _ranked_anew(ranks: Iterable[_Rank], spread: Spread) -> tuple[_Rank, ...]:
    """The same candidates by what the strategy says of each now."""
    everyone = chain.from_iterable(rank.members for rank in ranks)
    return _ranked(everyone, lambda one: spread.figure(one.provider, one.model_name))


def is_asked(snapshot: RoutingSnapshot, *, identity: int | str | None, model_name: str) -> bool:
    """Whether there are calls that this model of this provider is a candidate for."""
    provider = next((one for one in snapshot.providers if one.identity == identity), None)
    if provider is None:
        return False
    arms = chain.from_iterable(running.arms for running in snapshot.experiments.values())
    in_trial = {arm.model_name for arm in arms if arm.provider_config_id == identity}
    return model_name in ({provider.fast_model, provider.quality_model} | in_trial) - {""}


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
    order: Sequence[Candidate], arm: Arm | None, snapshot: RoutingSnapshot, tier: Tier, needs: Needs
) -> Sequence[Candidate]:
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
    others = (one for one in order if one.provider.identity != provider.identity)
    return Order(chain((first,), others))


def with_vendor_last(
    order: Sequence[Candidate], identity: int | str | None, snapshot: RoutingSnapshot
) -> Sequence[Candidate]:
    """The order with the vendor of one provider, if any, at its end: its second key is no second opinion
    either."""
    last = next((one.address for one in snapshot.providers if one.identity == identity), None)
    if identity is None or last is None:
        return order
    others = (one for one in order if one.provider.address != last)
    return Order(chain(others, (one for one in order if one.provider.address == last)))
