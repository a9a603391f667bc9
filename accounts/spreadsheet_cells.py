"""Cells of CSV files that a spreadsheet may open."""

from __future__ import annotations

from decimal import Decimal

# A cell that begins so is a formula to a spreadsheet, and names and models are other people's words.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(value: str | int | float | Decimal | None) -> str:
    """Unknown values are empty, numbers plain (no thousands separators); what could be taken for a formula
    begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" ").startswith(_FORMULA_STARTS) else value
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
