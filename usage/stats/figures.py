"""What is counted about calls, and what follows from the counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal

# Latencies are counted in classes that grow by 5 %, so a percentile read from them is off by 2.5 % at most.
LATENCY_GROWTH = 1.05

PICOS_PER_USD = 10**12


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over calls; two of them can be added. Tokens as in the usage rows.

    `calls` are ended attempts at a vendor: successes, errors, timeouts and aborted ones. `refusals` asked no
    vendor and are in no other count. `cost_picos` is the cost of the priced calls in 1e-12 USD, a whole
    number so that sums are exact on every database. Latency counts successful calls only. `latencies` is
    empty where a question does not ask for percentiles.
    """

    calls: int = 0
    successes: int = 0
    errors: int = 0
    timeouts: int = 0
    aborted: int = 0
    refusals: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    total_tokens: int = 0
    cost_picos: int = 0
    unpriced_calls: int = 0
    latency_sum_ms: int = 0
    latency_calls: int = 0
    latencies: Mapping[int, int] = field(default_factory=dict)

    def __add__(self, other: Figures) -> Figures:
        sums = {name: getattr(self, name) + getattr(other, name) for name in COUNTS}
        return Figures(**sums, latencies=merged([self.latencies, other.latencies]))

    def __sub__(self, other: Figures) -> Figures:
        """What is left when calls that are among these are taken out; without latencies."""
        return Figures(**{name: getattr(self, name) - getattr(other, name) for name in COUNTS})

    @property
    def total_cost_usd(self) -> Decimal | None:
        """Cost of the priced calls. None when nothing but unpriced calls was made: unknown is not 0."""
        if self.unpriced_calls and not self.cost_picos:
            return None
        return Decimal(self.cost_picos) / PICOS_PER_USD

    @property
    def cost_per_call_usd(self) -> Decimal | None:
        """Mean over the priced calls; None without any."""
        priced = self.calls - self.unpriced_calls
        return Decimal(self.cost_picos) / PICOS_PER_USD / priced if priced > 0 else None

    @property
    def success_rate(self) -> float | None:
        """Percent of the calls that a vendor could end (aborted ones left out); None without any."""
        ended = self.successes + self.errors + self.timeouts
        return round(100 * self.successes / ended, 2) if ended else None

    @property
    def error_rate(self) -> float | None:
        """Percent, the complement of `success_rate`."""
        rate = self.success_rate
        return None if rate is None else round(100 - rate, 2)

    @property
    def avg_latency_ms(self) -> int | None:
        return round(self.latency_sum_ms / self.latency_calls) if self.latency_calls else None

    @property
    def p50_latency_ms(self) -> int | None:
        return self.latency_percentile(50)

    @property
    def p95_latency_ms(self) -> int | None:
        return self.latency_percentile(95)

    def latency_percentile(self, percent: int) -> int | None:
        """Milliseconds that `percent` % of the successes stayed within, to 2.5 %; None when unknown."""
        total = sum(self.latencies.values())
        if not total:
            return None
        rank, seen = max(1, -(-total * percent // 100)), 0
        for latency_class in sorted(self.latencies):
            seen += self.latencies[latency_class]
            if seen >= rank:
                return latency_of(latency_class)
        return None


COUNTS = tuple(item.name for item in fields(Figures) if item.name != "latencies")


def latency_of(latency_class: int) -> int:
    """The middle of a class in milliseconds; class n holds what lies above 1.05^(n-1) and up to 1.05^n."""
    return round(float(LATENCY_GROWTH ** (latency_class - 0.5)))


def merged(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """The sum of latency histograms."""
    total: dict[int, int] = {}
    for histogram in histograms:
        for latency_class, calls in histogram.items():
            total[latency_class] = total.get(latency_class, 0) + calls
    return total
