"""The calls of the last 24 hours by provider, as its health is judged by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from providers.errors import FORMER_KINDS, ErrorKind
from providers.health import RECENT, RecentCalls
from usage.stats.cells import NO_PROVIDER, CellQuery, Dimension, read
from usage.stats.period import Period
from usage.stats.segments import Standing

# The request's own fault, or a bug of ours ("internal"): no other provider would have fared better.
_NOT_THE_PROVIDERS = frozenset(
    {"internal"}
    | {kind.value for kind in ErrorKind if kind.meaning.is_excused}
    | {former for former, kind in FORMER_KINDS.items() if kind.meaning.is_excused}
)


def recent_calls(*, now: datetime, standing: Standing, among: Collection[int] = ()) -> dict[int, RecentCalls]:
    """By config id, of the configs in `among` or of all; those without calls are left out."""
    period = Period.between(start=now - RECENT, end=now)
    every = read(CellQuery(period, by_provider=True, among=tuple(among)), standing)
    by_kind = CellQuery(period, Dimension.ERROR, by_provider=True, among=tuple(among))
    excused: Counter[int] = Counter()
    for cell, figures in read(by_kind, standing).items():
        if cell.key in _NOT_THE_PROVIDERS:
            excused[cell.provider] += figures.errors + figures.timeouts
    recent = {}
    for cell, figures in every.items():
        failed = figures.errors + figures.timeouts
        calls = figures.successes + failed
        if calls and cell.provider != NO_PROVIDER:
            failed -= excused[cell.provider]
            recent[cell.provider] = RecentCalls(calls, failed, figures.avg_latency_ms)
    return recent
