"""In which order the candidates for a task are asked, and how fast they have been answering. The order is
pure: the same seed and figures give the same one."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from threading import Lock

from orchestration.experiments.assignment import lot_of, point_of
from orchestration.models.policies import Strategy
from orchestration.routing.snapshot import ProviderSnapshot, RoutingSnapshot

# The share of the newest answer in the average: some twenty answers back count for little.
NEWEST = 0.1
# More equals than these are drawn from one by one, unless a user is to stay with one of them.
FEW = 8
# So many draws, of which those that hit somebody again are lost; who is left then draws lots.
DRAWS = 8


@dataclass(frozen=True, slots=True)
class Spread:
    """How one call chooses among able providers. `seed` decides between equals: a call's own id spreads
    calls, a user's keeps that user where they were, if `is_sticky` also while others come and go. `latency`
    (ms) and `cost` (USD of a typical call) tell what is known of a provider's model; None is unknown."""

    strategy: str = Strategy.WEIGHTED
    seed: str = ""
    is_sticky: bool = False
    latency: Callable[[ProviderSnapshot, str], float | None] = lambda provider, model: None
    cost: Callable[[ProviderSnapshot, str], Decimal | None] = lambda provider, model: None

    @classmethod
    def of(cls, snapshot: RoutingSnapshot, *, strategy: str, seed: str, is_sticky: bool = False) -> Spread:
        """By what this process has timed and what the snapshot's prices say."""
        return cls(
            strategy=strategy,
            seed=seed,
            is_sticky=is_sticky,
            latency=lambda provider, model: latencies.of(provider.identity, model),
            cost=lambda provider, model: snapshot.typical_cost(provider.provider_type, model),
        )

    def figure(self, provider: ProviderSnapshot, model: str) -> float:
        """What decides before priority does; smaller is asked earlier."""
        if self.strategy == Strategy.LEAST_LATENCY:
            # What has not been timed yet is tried first, or it never would be.
            return self.latency(provider, model) or 0.0
        if self.strategy == Strategy.LEAST_COST:
            cost = self.cost(provider, model)
            return math.inf if cost is None else float(cost)
        return 0.0

    def places(self, equals: Equals) -> Iterator[int]:
        """In which order equals are asked, by their places among them: by weight, those of weight 0 after all
        others. Each is found when it is asked for, because a call seldom needs more than the first.

        A lot of each (`lot_of`) and a draw for each place give the same shares at every place: of independent
        exponential waiting times, who comes first among those that are left comes so by weight alone. With
        lots nobody changes between those that stay; only with few is that cheap.
        """
        drawn: set[int] = set()
        if len(equals.names) > FEW and not self.is_sticky and equals.total:
            for number in range(DRAWS):
                place = bisect(equals.sums, point_of(f"{self.seed}:draw {number}") * equals.total)
                if place not in drawn:
                    drawn.add(place)
                    yield place
        left = [place for place in range(len(equals.names)) if place not in drawn]
        # Alone in its rank, nobody draws a lot.
        yield from left if len(left) == 1 else sorted(left, key=lambda place: self._lot(equals, place))

    def _lot(self, equals: Equals, place: int) -> float:
        return lot_of(f"{self.seed}:{equals.names[place]}", equals.weights[place])


@dataclass(frozen=True, slots=True)
class Equals:
    """Providers between which weight alone decides; `sums` are those of the weights up to each, for draws."""

    names: tuple[int | str, ...]
    weights: tuple[int, ...]
    sums: tuple[int, ...]

    @classmethod
    def of(cls, providers: Sequence[ProviderSnapshot]) -> Equals:
        weights = tuple(one.weight for one in providers)
        return cls(tuple(one.identity for one in providers), weights, tuple(accumulate(weights)))

    @property
    def total(self) -> int:
        return self.sums[-1]


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
