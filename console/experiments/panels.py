"""An experiment's results as the console's tables and charts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from console.panel import Chart, Column, Kind, Panel, Value
from orchestration.experiments.intervals import Interval
from orchestration.experiments.results import ArmResult, Difference, ExperimentResults, Measure

_NOTE = "From and to: 95 % confidence intervals (docs/experiments.md). Figures may be a minute old."

_ARM_COLUMNS = (
    Column("arm", "Arm", "text"),
    Column("weight", "Weight"),
    Column("users", "Users"),
    Column("calls", "Calls"),
    Column("success", "Success", "percent"),
    Column("success_low", "from", "percent"),
    Column("success_high", "to", "percent"),
    Column("cost", "Cost per call", "usd"),
    Column("cost_low", "from", "usd"),
    Column("cost_high", "to", "usd"),
    Column("total_cost", "Cost of all", "usd"),
    Column("unpriced", "Unpriced calls"),
    Column("latency", "Latency", "ms"),
    Column("latency_low", "from", "ms"),
    Column("latency_high", "to", "ms"),
    Column("p95", "p95", "ms"),
    Column("feedback", "Feedback, 1 to 5", "rating"),
    Column("feedback_low", "from", "rating"),
    Column("feedback_high", "to", "rating"),
    Column("ratings", "Ratings"),
)


def _chart(title: str, name: str, kind: Kind) -> Chart:
    columns = (name, f"{name}_low", f"{name}_high")
    return Chart(title, columns, ("first",), shape="interval", kind=kind)


_CHARTS = (
    _chart("Success", "success", "percent"),
    _chart("Cost per call", "cost", "usd"),
    _chart("Latency", "latency", "ms"),
    _chart("Feedback", "feedback", "rating"),
)


def arms(results: ExperimentResults) -> Panel:
    rows = [_arm_row(result) for result in results.arms]
    return Panel("The arms", _ARM_COLUMNS, rows, _CHARTS, note=_NOTE, empty="It has no arms.")


def _arm_row(result: ArmResult) -> list[Value]:
    counts = result.counts
    return [
        result.arm.name,
        result.arm.weight,
        counts.users,
        counts.calls,
        _percent(result.success_rate),
        *_ends(result.success_interval, _percent),
        result.cost,
        *_ends(result.cost_interval, _usd),
        result.total_cost,
        result.unpriced,
        _whole(result.latency),
        *_ends(result.latency_interval, _whole),
        counts.p95_latency_ms,
        _hundredths(result.feedback),
        *_ends(result.feedback_interval, _hundredths),
        counts.feedback.n,
    ]


_DIFFERENCE_COLUMNS = (
    Column("arm", "Arm", "text"),
    Column("success", "Success, points", "points"),
    Column("success_low", "from", "points"),
    Column("success_high", "to", "points"),
    Column("cost", "Cost per call", "usd"),
    Column("cost_low", "from", "usd"),
    Column("cost_high", "to", "usd"),
    Column("latency", "Latency", "ms"),
    Column("latency_low", "from", "ms"),
    Column("latency_high", "to", "ms"),
    Column("feedback", "Feedback", "rating"),
    Column("feedback_low", "from", "rating"),
    Column("feedback_high", "to", "rating"),
)


def differences(results: ExperimentResults) -> Panel:
    """Every other arm minus the first."""
    control = results.control.arm.name if results.control else ""
    rows: dict[str, list[Value]] = {}
    for difference in results.differences:
        cells = rows.setdefault(difference.arm.arm.name, [f"{difference.arm.arm.name} minus {control}"])
        cells += _difference_cells(difference)
    title = f"Against {control}" if control else "Differences"
    empty = "There is nothing to compare: an experiment needs two arms."
    return Panel(title, _DIFFERENCE_COLUMNS, list(rows.values()), note=_NOTE, empty=empty)


def _difference_cells(difference: Difference) -> list[Value]:
    rounded = _ROUNDED[difference.measure]
    return [rounded(difference.value), *_ends(difference.interval, rounded)]


def _ends(interval: Interval | None, rounded: Callable[[float | None], Value]) -> list[Value]:
    return [rounded(interval.low), rounded(interval.high)] if interval else [None, None]


def _percent(share: float | None) -> Value:
    return None if share is None else round(100 * share, 2)


def _usd(amount: float | None) -> Value:
    return None if amount is None else Decimal(f"{amount:.12f}")


def _whole(milliseconds: float | None) -> Value:
    return None if milliseconds is None else round(milliseconds)


def _hundredths(rating: float | None) -> Value:
    return None if rating is None else round(rating, 2)


_ROUNDED: dict[Measure, Callable[[float | None], Value]] = {
    Measure.SUCCESS: _percent,
    Measure.COST: _usd,
    Measure.LATENCY: _whole,
    Measure.FEEDBACK: _hundredths,
}

PANELS: dict[str, tuple[str, Callable[[ExperimentResults], Panel]]] = {
    "arms": ("The arms", arms),
    "differences": ("Differences", differences),
}
