"""How each provider is doing: its key and calls, its circuits, its pace, and its latest probe."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from accounts import concurrency
from orchestration.guards.admission import circuit_key, gate_of
from orchestration.guards.base import GateState, get_guards
from orchestration.guards.circuit import Circuit
from orchestration.guards.circuit import State as CircuitState
from orchestration.models import ProviderProbe
from orchestration.routing.candidates import Candidate
from orchestration.routing.snapshot import ProviderSnapshot, current_snapshot
from providers.capabilities.facts import UNKNOWN
from providers.errors import ErrorKind
from providers.health import RECENT, HealthVerdict, RecentCalls, State
from providers.models import AIProviderConfig
from usage.health import ProviderHealth, provider_health
from usage.stats import Figures, Period, breakdown


@dataclass(frozen=True, slots=True)
class ModelCircuit:
    """The circuit breaker of one model. `reason` is the ErrorKind that opened it and
    `because` the same in words; both are empty, and the moments None, while it is closed."""

    model_name: str
    state: CircuitState
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def because(self) -> str:
        return ErrorKind(self.reason).meaning.message if self.reason else ""

    @classmethod
    def of(cls, model_name: str, circuit: Circuit, *, at: float) -> ModelCircuit:
        state = circuit.state(at)
        if state == "closed":
            return cls(model_name, state)
        since = datetime.fromtimestamp(circuit.opened_at, UTC)
        return cls(model_name, state, circuit.reason, since, datetime.fromtimestamp(circuit.open_until, UTC))


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """`known` is what key and calls tell; `figures` have the percentiles of 24 hours; `probe` is None for one
    that was never probed."""

    known: ProviderHealth
    figures: Figures
    circuits: tuple[ModelCircuit, ...]
    gate: GateState
    probe: ProviderProbe | None

    @property
    def config(self) -> AIProviderConfig:
        return self.known.config

    @property
    def verdict(self) -> HealthVerdict:
        return self.known.verdict

    @property
    def recent(self) -> RecentCalls:
        return self.known.recent

    @property
    def state(self) -> State:
        return self.known.state


def provider_statuses(*, now: datetime) -> list[ProviderStatus]:
    """Every config, in the console's order; in a number of queries that does not grow with them.

    The guards answer for all processes where there is a Redis, else for this one.
    """
    healths = provider_health(now=now)
    figures = {
        row.key: row.figures
        for row in breakdown(period=Period.between(start=now - RECENT, end=now), by="provider")
    }
    probes = {probe.config_id: probe for probe in ProviderProbe.objects.all()}
    tried = _models_of_experiments()
    providers = [ProviderSnapshot.of(one.config) for one in healths]
    models = [_models_of(one.config, tried) for one in healths]
    guarded = concurrency.run(_look(providers, models))
    return [
        ProviderStatus(
            known=one,
            figures=figures.get(str(one.config.pk), Figures()),
            circuits=circuits,
            gate=gate,
            probe=probes.get(one.config.pk),
        )
        for one, (circuits, gate) in zip(healths, guarded, strict=True)
    ]


def circuits_of(configs: Sequence[AIProviderConfig]) -> list[tuple[ModelCircuit, ...]]:
    """Of each config, in the order given."""
    tried = _models_of_experiments()
    providers = [ProviderSnapshot.of(config) for config in configs]
    guarded = concurrency.run(_look(providers, [_models_of(config, tried) for config in configs]))
    return [circuits for circuits, _ in guarded]


async def _look(
    providers: Sequence[ProviderSnapshot], models: Sequence[Sequence[str]]
) -> list[tuple[tuple[ModelCircuit, ...], GateState]]:
    """Circuits and gate of each provider, as they are now."""
    guards = get_guards()
    pairs = [(provider, model) for provider, its in zip(providers, models, strict=True) for model in its]
    keys = [circuit_key(Candidate(provider, model, UNKNOWN)) for provider, model in pairs]
    now, circuits, gates = await asyncio.gather(
        guards.now(),
        guards.circuits(keys),
        asyncio.gather(*(guards.gate_state(gate_of(provider)) for provider in providers)),
    )
    of_provider: dict[int | str, list[ModelCircuit]] = defaultdict(list)
    for (provider, model), circuit in zip(pairs, circuits, strict=True):
        of_provider[provider.identity].append(ModelCircuit.of(model, circuit, at=now))
    return [
        (tuple(of_provider[provider.identity]), gate) for provider, gate in zip(providers, gates, strict=True)
    ]


def _models_of(config: AIProviderConfig, tried: Mapping[int, Sequence[str]]) -> list[str]:
    """What may be asked of it: its own models, and those that a running experiment tries."""
    names = [config.model_name, config.quality_model_name, *tried.get(config.pk, ())]
    return list(dict.fromkeys(name for name in names if name))


def _models_of_experiments() -> dict[int, list[str]]:
    tried: dict[int, list[str]] = defaultdict(list)
    for experiment in current_snapshot().experiments.values():
        for arm in experiment.arms:
            if arm.provider_config_id is not None:
                tried[arm.provider_config_id].append(arm.model_name)
    return tried
