"""Whether each configured provider can be relied on right now, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from providers.health import HealthVerdict, RecentCalls, State, health_of
from providers.models import AIProviderConfig
from usage.stats.recent import recent_calls
from usage.stats.rollup import standing


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """One config, what is to be thought of it, and its calls of the last 24 hours, which that is based on."""

    config: AIProviderConfig
    verdict: HealthVerdict
    recent: RecentCalls

    @property
    def state(self) -> State:
        return self.verdict.state


def provider_health(*, now: datetime) -> list[ProviderHealth]:
    """Every config, in the console's order; in a number of queries that does not grow with them."""
    calls = recent_calls(now=now, standing=standing())
    found = []
    for config in AIProviderConfig.objects.all():
        recent = calls.get(config.pk, RecentCalls())
        found.append(ProviderHealth(config, health_of(config, recent, now=now), recent))
    return found
