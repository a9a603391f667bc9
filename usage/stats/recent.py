"""The calls of the last 24 hours by provider, as its health is judged by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from providers.errors import FORMER_KINDS, ErrorKind
from providers.health import RECENT, RecentCalls
from usage.stats.cells import CellQuery, read
from usage.stats.dimensions import NO_PROVIDER, Dimension
from usage.stats.figures import Figures
from usage.stats.period import Period
from usage.stats.segments import Standing

# The request's own fault, or a bug of ours ("internal"): no other provider would have fared better.
NOT_THE_PROVIDERS = frozenset(
    {"internal"}
    | {kind.value for kind in ErrorKind if kind.meaning.is_excused}
    | {former for former, kind in FORMER_KINDS.items() if kind.meaning.is_excused}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a provider did in a stretch of time. `failed` are those of its calls that it is to blame for."""

    figures: Figures = field(default_factory=Figures)
    failed: int = 0

    @property
    def ended(self) -> int:
        """Calls that it answered or failed, whoever was to blame; nobody left them."""
        return self.figures.successes + self.figures.errors + self.figures.timeouts


def asked_in(
    period: Period, standing: Standing, *, among: Collection[int] = (), latency: bool = False
) -> dict[int, Asked]:
    """By config id, of the configs in `among` or of all; those without calls are left out. `latency`: with
    the times of the figures' calls."""
    excused: Counter[int] = Counter()
    by_kind = CellQuery(period, Dimension.ERROR, by_provider=True, among=tuple(among))
    for cell, figures in read(by_kind, standing).items():
        if cell.key in NOT_THE_PROVIDERS:
            excused[cell.provider] += figures.errors + figures.timeouts
    every = CellQuery(period, by_provider=True, among=tuple(among), latency=latency)
    return {
        cell.provider: Asked(figures, figures.errors + figures.timeouts - excused[cell.provider])
        for cell, figures in read(every, standing).items()
        if cell.provider != NO_PROVIDER
    }


def recent_calls(*, now: datetime, standing: Standing, among: Collection[int] = ()) -> dict[int, RecentCalls]:
    """By config id, of the configs in `among` or of all; those without calls are left out."""
    found = asked_in(Period.between(start=now - RECENT, end=now), standing, among=among)
    return {
        config_id: RecentCalls(asked.ended, asked.failed, asked.figures.avg_latency_ms)
        for config_id, asked in found.items()
        if asked.ended
    }
