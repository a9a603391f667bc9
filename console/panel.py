"""What a panel of a statistics page is: a table, and the charts drawn from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Kind = Literal["text", "count", "usd", "percent", "ms", "rating", "points"]
# The first cell of a row that says how much the two above it differ.
CHANGE = "Change"
Value = str | int | float | Decimal | None


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    label: str
    kind: Kind = "count"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of some columns of the table over its first; `tones` name a colour for each. The columns of
    an interval are its middle, low and high end, in one tone."""

    title: str
    columns: tuple[str, ...]
    tones: tuple[str, ...]
    shape: Literal["bar", "line", "ranking", "interval"] = "bar"
    kind: Kind = "count"


@dataclass(frozen=True, slots=True)
class Panel:
    """`rows` hold one value per column; None is a value nobody knows. `links` go with the first column.
    In a row called CHANGE a column of percents has points, every other one percents."""

    title: str
    columns: tuple[Column, ...]
    rows: list[list[Value]]
    charts: tuple[Chart, ...] = ()
    links: list[str] = field(default_factory=list)
    note: str = ""
    empty: str = "Nothing in this period."
    # Where to go while it is empty: a title and an address.
    leads_to: tuple[str, str] | None = None
