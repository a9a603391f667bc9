"""Which provider and model may answer, best first. Pure: same snapshot and question, same order."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.experiments.assignment import Arm
from orchestration.routing.balancing import Rank, Spread
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
    able = [
        Candidate(provider, model, capabilities, needs.degraded_by(capabilities))
        for provider in snapshot.providers
        for model in (provider.model_for(tier),)
        for capabilities in (snapshot.capabilities.of(provider.provider_type, model),)
        if not needs.missing_from(capabilities)
    ]

    def place(able: Candidate) -> tuple[bool, bool, Rank]:
        # One whose key a vendor has refused goes last: it may have been repaired there, but no call should
        # wait for it while another can answer, be it by a second-best way.
        rank = spread.rank(able.provider, able.model_name, task)
        return able.provider.is_flagged, bool(able.degraded), rank

    return tuple(sorted(able, key=place))


def missing_everywhere(snapshot: RoutingSnapshot, *, tier: Tier, needs: Needs) -> tuple[str, ...]:
    """What to tell a person when no candidate is left: the needs that not one provider's model meets, or all
    of them when each is met by some but no model meets them together. Only `input_window` where a model would
    do if the input were shorter."""
    gaps = [
        set(needs.missing_from(snapshot.capabilities.of(provider.provider_type, provider.model_for(tier))))
        for provider in snapshot.providers
    ]
    if {"input_window"} in gaps:
        return ("input_window",)
    common = set.intersection(*gaps) if gaps else set()
    return tuple(sorted(common or set().union(*gaps)))


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
