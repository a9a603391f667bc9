"""Tables that commands print: for people, as CSV, as JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from io import StringIO
from typing import Any, Literal

from accounts.spreadsheet_cells import cell

Format = Literal["table", "csv", "json"]
FORMATS: tuple[Format, ...] = ("table", "csv", "json")
Value = str | int | float | Decimal | None


def printed(
    columns: Sequence[str],
    rows: Sequence[Sequence[Value]],
    *,
    form: Format,
    total: Sequence[Value] | None = None,
    about: Mapping[str, Any] | None = None,
) -> str:
    """The rows under their columns; `total` is a last line of the table and a key of the JSON, and left out
    of the CSV, whose columns people add up. `about` goes into the JSON. Amounts are decimal text in JSON."""
    if form == "json":
        body = {**(about or {}), "rows": [_named(columns, row) for row in rows]}
        if total is not None:
            body["total"] = _named(columns, total)
        return json.dumps(body, ensure_ascii=False, indent=2)
    if form == "csv":
        out = StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([cell(value) for value in row] for row in rows)
        return out.getvalue().rstrip("\n")
    return _table(columns, [*rows, *([total] if total is not None else [])])


def _named(columns: Sequence[str], row: Sequence[Value]) -> dict[str, Any]:
    return {
        name: f"{value:f}" if isinstance(value, Decimal) else value
        for name, value in zip(columns, row, strict=True)
    }


def _table(columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> str:
    texts = [[_text(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    is_figure = [any(not isinstance(row[n], str | None) for row in rows) for n in range(len(columns))]
    lines = []
    for cells in (columns, *texts):
        placed = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(cells, widths, is_figure, strict=True)
        ]
        lines.append("  ".join(placed).rstrip())
    return "\n".join(lines)


def _text(value: Value) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, Decimal):
        return f"{value:,.6f}"
    if isinstance(value, int | float):
        return f"{value:,}"
    # What a name brings along must not move a terminal's cursor.
    return "".join(letter if letter.isprintable() else " " for letter in value)
