"""In which order the candidates for a task are asked. Pure: the same seed and figures give the same order."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from orchestration.models.policies import Strategy
from orchestration.routing.snapshot import ProviderSnapshot

# Of a weight of 1 or more; none comes near it, because -ln(2**-64) is 44.4.
_AFTER_ALL_WAITS = 100.0
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

    def rank(self, provider: ProviderSnapshot, model: str, task: str) -> Rank:
        """Those flagged for the task, then the default, then the rest; in each of these by the strategy. One
        whose key a vendor has refused goes last: it may have been repaired there, but no call should wait for
        it while another can answer."""
        group = 0 if task in provider.tasks else 1 if provider.is_default else 2
        lot = _lot(self.seed, provider)
        if self.strategy == Strategy.LEAST_LATENCY:
            # What has not been timed yet is tried first, or it never would be.
            return provider.is_flagged, group, self.latency(provider, model) or 0.0, -provider.priority, lot
        if self.strategy == Strategy.LEAST_COST:
            cost = self.cost(provider, model)
            dear = math.inf if cost is None else float(cost)
            return provider.is_flagged, group, dear, -provider.priority, lot
        return provider.is_flagged, group, -provider.priority, lot


def _lot(seed: str, provider: ProviderSnapshot) -> float:
    """Weighted rendezvous hashing: the smallest of -ln(u)/weight wins in proportion to the weights, and a
    provider that comes or goes moves nobody else (Thaler and Ravishankar 1998; for weights, Schindelhauer and
    Schomaker 2005). A weight of 0 is asked after all others of its rank."""
    name = provider.config_id or provider.provider_type
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    wait = -math.log((int.from_bytes(digest[:8]) + 1) / (2**64 + 1))
    return wait / provider.weight if provider.weight else _AFTER_ALL_WAITS + wait
