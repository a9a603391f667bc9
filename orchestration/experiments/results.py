"""An experiment's figures: each arm with its uncertainty, and each against the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.core.cache import cache

from orchestration.experiments.counts import ArmCounts, counts_of
from orchestration.experiments.intervals import (
    LEAST_VALUES,
    LEVEL,
    Interval,
    Sample,
    newcombe,
    of_difference,
    of_mean,
    wilson,
)
from orchestration.models import Experiment, ExperimentArm
from usage.stats.figures import PICOS_PER_USD

# Below these an interval supposes more than it knows: costs are skewed, and calls of one user are alike.
LEAST_CALLS = LEAST_VALUES
LEAST_USERS = 5

RECENT_SECONDS = 60

_PICO = Decimal("1e-12")


class Measure(StrEnum):
    SUCCESS = "success"
    COST = "cost"
    LATENCY = "latency"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True)
class ArmResult:
    """Rates are shares (0 to 1), costs USD per request, latencies milliseconds, feedback 1 to 5; intervals
    cover 95 %. None is what cannot be known yet."""

    arm: ExperimentArm
    counts: ArmCounts

    @property
    def success_rate(self) -> float | None:
        return self.counts.successes / self.counts.ended if self.counts.ended else None

    @property
    def success_interval(self) -> Interval | None:
        return wilson(self.counts.successes, self.counts.ended)

    @property
    def total_cost(self) -> Decimal:
        """Exact, of the attempts whose price is known."""
        return Decimal(self.counts.cost_picos) / PICOS_PER_USD

    @property
    def unpriced(self) -> int:
        """Requests with an attempt of unknown price."""
        return self.counts.calls - self.counts.cost.n

    @property
    def cost(self) -> Decimal | None:
        """The mean, from an exact sum, to 12 places."""
        if not self.counts.cost.n:
            return None
        total = Decimal(self.counts.priced_cost_picos) / PICOS_PER_USD
        return (total / self.counts.cost.n).quantize(_PICO)

    @property
    def cost_interval(self) -> Interval | None:
        return _cut(of_mean(self.counts.cost), low=0)

    @property
    def latency(self) -> float | None:
        return self.counts.latency.mean

    @property
    def latency_interval(self) -> Interval | None:
        return _cut(of_mean(self.counts.latency), low=0)

    @property
    def feedback(self) -> float | None:
        return self.counts.feedback.mean

    @property
    def feedback_interval(self) -> Interval | None:
        return _cut(of_mean(self.counts.feedback), low=1, high=5)


@dataclass(frozen=True, slots=True)
class Difference:
    """`arm` minus `base` in one measure, in the units of ArmResult. `relative` is the share of the base's
    mean; None for rates and ratings, and where that is 0. `is_enough`: whether there is enough to go by."""

    measure: Measure
    arm: ArmResult
    base: ArmResult
    value: float | None
    relative: float | None
    interval: Interval | None
    is_enough: bool


@dataclass(frozen=True, slots=True)
class ExperimentResults:
    """`arms` in the order of the experiment, the control first. The intervals of all `differences` of a
    measure hold together at `level`: with more than two arms each of them is wider (Bonferroni)."""

    experiment: Experiment
    arms: tuple[ArmResult, ...]
    level: float = LEVEL

    @property
    def control(self) -> ArmResult | None:
        return self.arms[0] if self.arms else None

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(self._differences())

    def _differences(self) -> Iterator[Difference]:
        if self.control is None:
            return
        others = self.arms[1:]
        for other in others:
            for measure in Measure:
                yield _difference(measure, other, self.control, 1 - (1 - self.level) / len(others))


def results_of(experiment: Experiment) -> ExperimentResults:
    """As of now; three queries."""
    arms = list(experiment.arms.all())
    return _results(experiment, arms, counts_of(arm.pk for arm in arms))


def recent_results_of(experiment: Experiment) -> ExperimentResults:
    """`results_of` with counts that may be RECENT_SECONDS old: a page asks for them several times, and adding
    up a million calls takes seconds."""
    arms = list(experiment.arms.all())

    def count() -> dict[int, ArmCounts]:
        return counts_of(arm.pk for arm in arms)

    try:
        counts = cache.get_or_set(f"experiment-counts:{experiment.pk}", count, RECENT_SECONDS)
    except Exception:  # noqa: BLE001 - whatever the cache raises, the figures can be had without it
        counts = count()
    return _results(experiment, arms, counts or {})


def _results(
    experiment: Experiment, arms: list[ExperimentArm], counts: Mapping[int, ArmCounts]
) -> ExperimentResults:
    return ExperimentResults(
        experiment, tuple(ArmResult(arm, counts.get(arm.pk, ArmCounts())) for arm in arms)
    )


def _difference(measure: Measure, arm: ArmResult, base: ArmResult, level: float) -> Difference:
    if measure is Measure.SUCCESS:
        return _difference_in_success(arm, base, level)
    sample, control = _sample(measure, arm.counts), _sample(measure, base.counts)
    value = _minus(sample.mean, control.mean)
    relative = None
    if value is not None and control.mean and measure is not Measure.FEEDBACK:
        relative = value / control.mean
    interval = of_difference(sample, control, level=level)
    is_enough = _is_enough(arm, base, min(sample.n, control.n))
    return Difference(measure, arm, base, value, relative, interval, is_enough)


def _difference_in_success(arm: ArmResult, base: ArmResult, level: float) -> Difference:
    own, other = arm.counts, base.counts
    return Difference(
        measure=Measure.SUCCESS,
        arm=arm,
        base=base,
        value=_minus(arm.success_rate, base.success_rate),
        relative=None,
        interval=newcombe(own.successes, own.ended, other.successes, other.ended, level=level),
        is_enough=_is_enough(arm, base, min(own.ended, other.ended)),
    )


def _sample(measure: Measure, counts: ArmCounts) -> Sample:
    samples = {
        Measure.COST: counts.cost,
        Measure.LATENCY: counts.latency,
        Measure.FEEDBACK: counts.feedback,
    }
    return samples[measure]


def _is_enough(arm: ArmResult, base: ArmResult, values: int) -> bool:
    return values >= LEAST_CALLS and min(arm.counts.users, base.counts.users) >= LEAST_USERS


def _minus(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base


def _cut(interval: Interval | None, **bounds: float) -> Interval | None:
    return interval.within(**bounds) if interval else None
