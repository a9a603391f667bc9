"""The panels of what calls cost against what they bring in."""

from __future__ import annotations

from collections.abc import Callable

from django.urls import reverse

from console.panel import Chart, Column, Panel, Value
from console.usage.selection import Selection
from usage.forecast import month_forecast
from usage.margins import By, margins

_MARGIN = (
    Column("margin", "Margin", "usd"),
    Column("margin_percent", "Of the revenue", "percent"),
    Column("revenue", "Revenue", "usd"),
    Column("cost", "Cost", "usd"),
    Column("unpriced", "Unpriced calls"),
    Column("months", "Months subscribed"),
    Column("calls", "Calls"),
    Column("open_ended", "Ended, nobody knows when"),
)


def margin(dimension: By, title: str) -> Callable[[Selection], Panel]:
    """The panel of margins by plan or by user."""

    def panel(selection: Selection) -> Panel:
        found = margins(period=selection.period, by=dimension, now=selection.now)
        rows: list[list[Value]] = [
            [
                one.label,
                one.margin_usd,
                one.margin_percent,
                one.revenue_usd,
                one.cost_usd,
                one.unpriced_calls,
                float(one.months),
                one.calls,
                one.open_ended,
            ]
            for one in found
        ]
        page = "admin:accounts_plan_change" if dimension == "plan" else "admin:accounts_user_change"
        return Panel(
            f"Margin by {title}",
            (Column("name", title.capitalize(), "text"), *_MARGIN),
            rows,
            links=[reverse(page, args=[one.key]) if one.key else "" for one in found],
            note="The smallest first; of all providers. Revenue is the months subscribed at the plan's price "
            "of today; a plan without a price has none that is known.",
        )

    return panel


def forecast(selection: Selection) -> Panel:
    """What the running month will come to."""
    found = month_forecast(now=selection.now, tz=selection.period.zone.key, provider=selection.provider)
    columns = (
        Column("month", "Month", "text"),
        Column("spent", "Spent so far", "usd"),
        Column("expected", "Expected", "usd"),
        Column("low", "from", "usd"),
        Column("high", "to", "usd"),
        Column("unpriced", "Unpriced calls"),
        Column("days", "Days seen"),
    )
    row: list[Value] = [
        found.month,
        found.spent_usd,
        found.expected_usd,
        found.low_usd,
        found.high_usd,
        found.unpriced_calls,
        found.days_seen,
    ]
    note = found.reason or (
        "Each weekday as it was on average over the last four weeks; nine of ten such months end within the "
        "range. Growth and holidays are not foreseen. The running month, whatever period is chosen above."
    )
    chart = Chart("This month", ("expected", "low", "high"), ("first",), shape="interval", kind="usd")
    return Panel("Forecast", columns, [row], (chart,) if found.expected_usd is not None else (), note=note)
