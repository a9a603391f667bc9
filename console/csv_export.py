"""A panel's table as a CSV file that a spreadsheet may open."""

from __future__ import annotations

import csv
from io import StringIO

from console.panel import Panel, Value

# A cell that begins so is a formula to a spreadsheet, and names and models are other people's words.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_csv(panel: Panel) -> str:
    """Header and all rows; unknown values are empty cells, numbers are plain (no thousands separators)."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow([_cell(column.label or column.key) for column in panel.columns])
    writer.writerows([_cell(value) for value in row] for row in panel.rows)
    return out.getvalue()


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" ").startswith(_FORMULA_STARTS) else value
    return f"{value:f}" if not isinstance(value, int | float) else str(value)
