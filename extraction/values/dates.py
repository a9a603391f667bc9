"""Calendar dates as postings write them. A date that could be read two ways is not read at all.

Month names are CLDR's (by Babel), of every language of `languages/` and of the Arabic countries' own
calendars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

from babel import Locale

from extraction.values.numbers import levelled
from extraction.vocabulary import alternatives, languages

# More dates than this are a calendar, not a posting.
MAX_DATES = 200
_YEARS = range(1990, 2101)
# Locales of one language that name the months differently.
_FURTHER_LOCALES = ("ar_SY", "ar_DZ", "ar_MA", "en_GB", "pt_PT", "de_AT", "es_PE", "no")
# Written in postings, though not by CLDR.
_FURTHER_NAMES = {
    "sept": 9, "okt": 10, "maerz": 3, "fevrier": 2, "aout": 8, "decembre": 12, "setiembre": 9, "marco": 3,
    "agust": 8, "agt": 8, "nopember": 11, "genn": 1, "sett": 9,
}  # fmt: skip
# Where the day always comes first; English has both orders.
_NOT_DAY_FIRST = frozenset({"en", "ja", "zh", "ko", "sv"})


@dataclass(frozen=True, slots=True)
class FoundDate:
    """`value` is None when the text is a date that could mean two days. `start` is its place in the text."""

    value: date | None
    start: int
    end: int


@cache
def month_numbers() -> dict[str, int]:
    """The number of a month by its name, levelled, where all languages agree on it."""
    found: dict[str, set[int]] = {}
    for code in (*languages(), *_FURTHER_LOCALES):
        months = Locale.parse(code).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    found.setdefault(levelled(name).strip(". "), set()).add(number)
    named = {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}
    return {name: number for name, number in named.items() if not name[0].isdigit()} | _FURTHER_NAMES


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    month = f"({alternatives(month_numbers())})" + r"\.?"
    link = r"(?:\s?(?:de|of|del|di|d'|ya|mwezi wa|tháng)\s)?"
    return (
        ("ymd", re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")),
        ("ymd", re.compile(r"(?<!\d)(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일号]?")),
        ("era", re.compile(r"令和\s?(\d{1,2}|元)年\s?(\d{1,2})月\s?(\d{1,2})日")),
        ("dmy", re.compile(r"ngày\s(\d{1,2})\stháng\s(\d{1,2})\snăm\s(\d{4})")),
        (
            "dMy",
            re.compile(
                rf"(?<![\d.,])(\d{{1,2}})(?:st|nd|rd|th|er|º|°|ª|-го|\.)?[ -]?{link}\s?{month}(?![^\W\d_])"
                rf"(?:[-,/ ]|\s(?:de|del|של|năm|mwaka)\s){{1,2}}(\d{{4}})(?!\d)"
            ),
        ),
        (
            "Mdy",
            re.compile(
                rf"(?<![^\W\d_]){month}[ -](\d{{1,2}})(?:st|nd|rd|th)?(?:,|\s\d\d:\d\d(?::\d\d)?"
                rf"(?:\s[a-z]{{2,5}})?(?:\s?[+-]\d{{2}}:?\d{{2}})?)?[ -]{{1,2}}(\d{{4}})(?!\d)"
            ),
        ),
        ("dotted", re.compile(r"(?<![\d.])(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2})(?![\d.]\d|\d)")),
        ("slashed", re.compile(r"(?<!\d)(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?!\d)")),
    )


def parse_date(text: str, *, language: str | None = None) -> date | None:
    """The one date a short text states, else None. A time of day beside it is ignored."""
    text = text.strip()[:200]
    if re.fullmatch(r"\d{8}|\d{10}|\d{13}", text):
        return _by_digits(text)
    values = {found.value for found in find_dates(text, language=language)}
    return values.pop() if len(values) == 1 else None


def _by_digits(text: str) -> date | None:
    """YYYYMMDD, or seconds or milliseconds since 1970."""
    try:
        if len(text) == 8:
            found = datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
        else:
            found = datetime.fromtimestamp(int(text[:10]), UTC).date()
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.year in _YEARS else None


def find_dates(text: str, *, language: str | None = None) -> list[FoundDate]:
    """Every date in the text, in order. `language` (ISO 639-1) decides 3/4/2026 where it has one order."""
    if not any(char.isdigit() for char in text):
        return []
    low = levelled(text)
    found: dict[int, FoundDate] = {}
    ends: set[int] = set()
    for shape, pattern in _patterns():
        for match in pattern.finditer(low):
            readings = set(_readings(shape, match.groups(), language))
            if not readings or match.start() in found or match.end() in ends:
                continue
            value = readings.pop() if len(readings) == 1 else None
            found[match.start()] = FoundDate(value, match.start(), match.end())
            ends.add(match.end())
            if len(found) >= MAX_DATES:
                break
    return [found[start] for start in sorted(found)]


def _readings(shape: str, parts: tuple[str, ...], language: str | None) -> Iterator[date]:
    first, second, third = parts
    if shape == "ymd":
        orders = [(int(first), int(second), int(third))]
    elif shape == "era":
        orders = [(2018 + (1 if first == "元" else int(first)), int(second), int(third))]
    elif shape == "dMy":
        orders = [(int(third), month_numbers()[second], int(first))]
    elif shape == "Mdy":
        orders = [(int(third), month_numbers()[first], int(second))]
    elif shape in {"dotted", "dmy"} or (language and language not in _NOT_DAY_FIRST):
        orders = [(int(third) + (2000 if len(third) == 2 else 0), int(second), int(first))]
    else:
        # Day first in most of the world, month first in the United States.
        orders = [(int(third), int(second), int(first)), (int(third), int(first), int(second))]
    for year, month, day in orders:
        if year in _YEARS:
            try:
                yield date(year, month, day)
            except ValueError:
                continue
