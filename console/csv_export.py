"""A panel's table as a CSV file that a spreadsheet may open."""

from __future__ import annotations

import csv
from io import StringIO

from accounts.spreadsheet_cells import cell
from console.panel import Panel


def as_csv(panel: Panel) -> str:
    """Header and all rows."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow([cell(column.label or column.key) for column in panel.columns])
    writer.writerows([cell(value) for value in row] for row in panel.rows)
    return out.getvalue()
