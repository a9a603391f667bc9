"""Calendar dates as postings write them. A date that could be read two ways is not read at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

_MONTHS: dict[str, int] = {}
for _number, _names in enumerate(
    (
        "january jan januar janvier enero gennaio januari",
        "february feb februar février fevrier febrero febbraio februari",
        "march mar märz maerz mars marzo maart",
        "april apr avril abril aprile",
        "may mai mayo maggio mei",
        "june jun juni juin junio giugno",
        "july jul juli juillet julio luglio",
        "august aug août aout agosto augustus",
        "september sep sept septembre septiembre settembre",
        "october oct oktober okt octobre octubre ottobre",
        "november nov novembre noviembre",
        "december dec dezember dez décembre decembre diciembre dicembre",
    ),
    start=1,
):
    _MONTHS |= dict.fromkeys(_names.split(), _number)

_MONTH = "(" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_PATTERNS = (
    ("ymd", re.compile(r"(?<![\d])(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")),
    (
        "dMy",
        re.compile(
            rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|er|\.)?\s*(?:of\s+|de\s+)?[- ]?{_MONTH}"
            r"[-,\s]+(?:de\s+)?(\d{4})(?!\d)",
            re.IGNORECASE,
        ),
    ),
    ("Mdy", re.compile(rf"\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})(?!\d)", re.IGNORECASE)),
    ("dotted", re.compile(r"(?<!\d)(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\d)")),
    ("slashed", re.compile(r"(?<!\d)(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?!\d)")),
)


@dataclass(frozen=True, slots=True)
class FoundDate:
    """`value` is None when the text is a date that could mean two days. `start` is its place in the text."""

    value: date | None
    start: int


def parse_date(text: str) -> date | None:
    """The one date a short text states, else None. A time of day beside it is ignored."""
    values = {found.value for found in find_dates(text)}
    return values.pop() if len(values) == 1 else None


def find_dates(text: str) -> list[FoundDate]:
    """Every date in the text, in order."""
    found: dict[int, FoundDate] = {}
    for shape, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            readings = set(_readings(shape, match.groups()))
            if readings and match.start() not in found:
                value = readings.pop() if len(readings) == 1 else None
                found[match.start()] = FoundDate(value, match.start())
    return [found[start] for start in sorted(found)]


def _readings(shape: str, parts: tuple[str, ...]) -> Iterator[date]:
    first, second, third = parts
    if shape == "ymd":
        orders = [(int(first), int(second), int(third))]
    elif shape == "dMy":
        orders = [(int(third), _MONTHS[second.lower()], int(first))]
    elif shape == "Mdy":
        orders = [(int(third), _MONTHS[first.lower()], int(second))]
    elif shape == "dotted":
        orders = [(int(third), int(second), int(first))]
    else:
        # Day first in most of the world, month first in the United States.
        orders = [(int(third), int(second), int(first)), (int(third), int(first), int(second))]
    for year, month, day in orders:
        try:
            yield date(year, month, day)
        except ValueError:
            continue
