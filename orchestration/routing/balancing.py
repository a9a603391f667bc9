"""In which order the candidates for a task are asked, and how fast they have been answering. The order is
pure: the same seed and figures give the same one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock

from orchestration.experiments.assignment import lot_of
from orchestration.models.policies import Strategy
from orchestration.routing.snapshot import ProviderSnapshot, RoutingSnapshot

# The share of the newest answer in the average: some twenty answers back count for little.
NEWEST = 0.1
# A place in the order; smaller is asked earlier.
Rank = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """How one call chooses among able providers. `seed` decides between equals: a call's own id spreads
    calls, a user's keeps that user where they were. `latency` (ms) and `cost` (USD of a typical call) tell
    what is known of a provider's model; None is unknown."""

    strategy: str = Strategy.WEIGHTED
    seed: str = ""
    latency: Callable[[ProviderSnapshot, str], float | None] = lambda provider, model: None
    cost: Callable[[ProviderSnapshot, str], Decimal | None] = lambda provider, model: None

    @classmethod
    def of(cls, snapshot: RoutingSnapshot, *, strategy: str, seed: str) -> Spread:
        """By what this process has timed and what the snapshot's prices say."""
        return cls(
            strategy=strategy,
            seed=seed,
            latency=lambda provider, model: latencies.of(provider.identity, model),
            cost=lambda provider, model: snapshot.typical_cost(provider.provider_type, model),
        )

    def rank(self, provider: ProviderSnapshot, model: str, task: str) -> Rank:
        """Those flagged for the task, then the default, then the rest; in each of these by the strategy."""
        group, lot = group_of(provider, task), self.lot(provider)
        if self.strategy == Strategy.LEAST_LATENCY:
            # What has not been timed yet is tried first, or it never would be.
            return group, self.latency(provider, model) or 0.0, -provider.priority, lot
        if self.strategy == Strategy.LEAST_COST:
            cost = self.cost(provider, model)
            dear = math.inf if cost is None else float(cost)
            return group, dear, -provider.priority, lot
        return group, -provider.priority, lot

    def lot(self, provider: ProviderSnapshot) -> float:
        """Decides between equals; a weight of 0 is asked after all others of its rank."""
        return lot_of(f"{self.seed}:{provider.identity}", provider.weight)


def group_of(provider: ProviderSnapshot, task: str) -> int:
    return 0 if task in provider.tasks else 1 if provider.is_default else 2


class Latencies:
    """Exponentially weighted moving averages in milliseconds. Per process on purpose: what counts is how fast
    a vendor is from here, and no call should pay for telling others."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._averages: dict[tuple[int | str, str], float] = {}

    def note(self, provider: int | str, model: str, milliseconds: float) -> None:
        with self._lock:
            before = self._averages.get((provider, model), milliseconds)
            self._averages[provider, model] = before + NEWEST * (milliseconds - before)

    def of(self, provider: int | str, model: str) -> float | None:
        return self._averages.get((provider, model))


latencies = Latencies()
