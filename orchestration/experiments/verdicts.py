"""What an experiment's figures come to, in plain sentences."""

from __future__ import annotations

from decimal import Decimal

from accounts.percents import in_percent
from orchestration.experiments.intervals import Interval
from orchestration.experiments.results import LEAST_CALLS, LEAST_USERS, Difference, ExperimentResults, Measure

# For each measure: what it is called, what an arm is when its figure is lower, and when it is higher.
_WORDS = {
    Measure.SUCCESS: ("success", "succeeds less often", "succeeds more often"),
    Measure.COST: ("cost", "is cheaper", "is dearer"),
    Measure.LATENCY: ("latency", "is faster", "is slower"),
    Measure.FEEDBACK: ("feedback", "is rated lower", "is rated higher"),
}
# Something that costs as much to five digits costs the same.
_NEGLIGIBLE = 1e-5


def verdicts_of(results: ExperimentResults) -> tuple[str, ...]:
    """One sentence per measure that can be told, for each arm against the first."""
    if len(results.arms) < 2:
        return ("There is nothing to compare: an experiment needs two arms.",)
    differences = results.differences
    if not any(difference.is_enough for difference in differences):
        return (f"Not enough calls yet to tell: each arm needs {LEAST_CALLS} calls of {LEAST_USERS} users.",)
    return tuple(verdict(difference) for difference in differences)


def verdict(difference: Difference) -> str:
    """Such as "B is cheaper by 12 %: 0.00031 USD less a call (95 % CI 0.00012 to 0.0005)."."""
    name, less, more = _WORDS[difference.measure]
    arm, base = difference.arm.arm.name, difference.base.arm.name
    interval, value = difference.interval, difference.value
    if not difference.is_enough or interval is None or value is None:
        rated = "ratings" if difference.measure is Measure.FEEDBACK else "calls"
        return f"Not enough {rated} yet to tell {base} and {arm} apart in {name}."
    is_same = difference.relative is not None and abs(difference.relative) < _NEGLIGIBLE
    if not interval.excludes_zero or is_same:
        return f"No difference in {name} shows between {base} and {arm} ({_range(difference, interval)})."
    by, told = _by(difference, value), _told(interval)
    return f"{arm} {more if value > 0 else less} by {by} (95 % CI {_amounts(difference, told)})."


def _by(difference: Difference, value: float) -> str:
    if difference.measure is Measure.SUCCESS:
        return f"{abs(value) * 100:.1f} points"
    if difference.measure is Measure.FEEDBACK:
        return f"{abs(value):.2f} of 5"
    direction = "more" if value > 0 else "less"
    amount = _amount(difference.measure, abs(value))
    if difference.relative is None:
        return f"{amount} a call"
    return f"{in_percent(abs(difference.relative))}: {amount} {direction} a call"


def _told(interval: Interval) -> Interval:
    """As distances, the smaller first: the sentence has said the direction."""
    low, high = sorted((abs(interval.low), abs(interval.high)))
    return Interval(low, high)


def _range(difference: Difference, interval: Interval) -> str:
    arm, base = difference.arm.arm.name, difference.base.arm.name
    return f"{arm} minus {base}: 95 % CI {_amounts(difference, interval)}"


def _amounts(difference: Difference, interval: Interval) -> str:
    low, high = (_figure(difference.measure, value) for value in (interval.low, interval.high))
    unit = {Measure.SUCCESS: " points", Measure.COST: " USD", Measure.LATENCY: " ms", Measure.FEEDBACK: ""}
    return f"{low} to {high}{unit[difference.measure]}"


def _amount(measure: Measure, value: float) -> str:
    return f"{_figure(measure, value)} {'USD' if measure is Measure.COST else 'ms'}"


def _figure(measure: Measure, value: float) -> str:
    if measure is Measure.SUCCESS:
        return f"{value * 100:.1f}"
    if measure is Measure.COST:
        # Two digits that count, never in powers of ten.
        return f"{Decimal(f'{value:.2g}'):f}"
    return f"{value:.0f}" if measure is Measure.LATENCY else f"{value:.2f}"
