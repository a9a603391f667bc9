"""Dates as CVs write them: a year, a month, a day, or "today". Nothing is guessed.

Days and the names of months are `extraction.values.dates`'s, of every language that it knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from drafting.imports.words import words_for_now
from extraction.values.dates import find_dates, month_numbers
from extraction.values.numbers import levelled
from extraction.vocabulary import alternatives

_YEAR = r"(?<!\d)((?:19|20)\d\d)(?!\d)"
_SIGN = re.compile(
    r"^\s*(?:-{1,2}|\u2013|\u2014|\u2192|~|〜|～|/"
    r"|(?:to|until|till|bis|à|au|al?|até|hasta|fino al?|hadi|tot|do"
    r"|по|до|έως)\b|から|至|إلى|حتى|עד|से|ถึง)\s*"
)


@dataclass(frozen=True, slots=True)
class ReadDate:
    """`value` is YYYY, YYYY-MM or YYYY-MM-DD, empty where the words say no date; `is_open` when they say that
    it goes on; `why` names what kept more of it from being read ("not_a_date", "day_or_month_first")."""

    value: str = ""
    is_open: bool = False
    why: str = ""


@lru_cache(maxsize=4096)
def read_date(words: str, *, language: str | None = None) -> ReadDate:
    """What date some words say."""
    low = " ".join(levelled(words).split()).strip(" .,;()[]|")
    if low in words_for_now():
        return ReadDate(is_open=True)
    days = find_dates(low, language=language)
    if len(days) > 1:
        return ReadDate(why="not_a_date")
    if days:
        year = re.search(_YEAR, low)
        if days[0].value:
            return ReadDate(days[0].value.isoformat())
        return ReadDate(year[1] if year else "", why="day_or_month_first")
    found = {month for pattern in _month_patterns() if (month := pattern(low))}
    if len(found) == 1:
        return ReadDate(found.pop())
    years = set(re.findall(_YEAR, low))
    return ReadDate(years.pop()) if len(years) == 1 and not found else ReadDate(why="not_a_date")


def date_after(text: str, *, language: str | None = None) -> tuple[str, ReadDate] | None:
    """The end of a period of which `text` is what follows its start: the words and the date; None where no
    period goes on there."""
    sign = _SIGN.match(levelled(text))
    if not sign:
        return None
    rest = text[sign.end() : sign.end() + 40].split("\n", maxsplit=1)[0]
    # The longest beginning that is a date: "March 2019" rather than "March".
    ends = [match.end() for match in re.finditer(r"[^\s|,;()]+", rest)][:4]
    for end in reversed(ends):
        date = read_date(rest[:end], language=language)
        if date.value or date.is_open:
            return rest[:end], date
    return None


@cache
def _month_patterns() -> tuple[_MonthOf, ...]:
    name = alternatives(month_numbers())
    return (
        _MonthOf(rf"{_YEAR}[-/.](\d{{1,2}})(?![\d./-])", year=1, month=2),
        _MonthOf(rf"(?<![\d./-])(\d{{1,2}})\s?[-/.]\s?{_YEAR}", year=2, month=1),
        _MonthOf(rf"{_YEAR}\s?[年년]\s?(\d{{1,2}})\s?[月월]", year=1, month=2),
        _MonthOf(rf"(?<![^\W\d_])({name})\.?,?\s(?:de |del |of |mwaka |năm )?{_YEAR}", year=2, month=1),
        _MonthOf(rf"{_YEAR}\s({name})(?![^\W\d_])", year=1, month=2),
    )


class _MonthOf:
    """One way of writing a month."""

    def __init__(self, pattern: str, *, year: int, month: int) -> None:
        self._pattern, self._year, self._month = re.compile(pattern), year, month

    def __call__(self, text: str) -> str | None:
        matches = list(self._pattern.finditer(text))
        if len(matches) != 1:
            return None
        written = matches[0][self._month]
        number = int(written) if written.isdigit() else month_numbers()[written]
        return f"{matches[0][self._year]}-{number:02}" if 1 <= number <= 12 else None
