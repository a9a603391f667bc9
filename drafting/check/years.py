"""The years and months of a text, which count nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from babel.dates import get_month_names

from drafting.check.tokens import Text, Token

YEARS = range(1950, 2060)
_YEAR = re.compile(r"^(?:19|20)\d\d$")
_DATE = re.compile(r"^(?:19|20)\d\d-\d\d(?:-\d\d)?$")
# What makes an amount of the number before it.
SIGNS = frozenset("%٪$€£¥₹₦")


@dataclass(frozen=True, slots=True)
class Year:
    value: int
    month: int
    token: Token
    named: Token | None
    is_since: bool


@lru_cache(maxsize=20_000)
def years_of(text: Text) -> tuple[Year, ...]:
    """The years and months written as such ("2021", "2021-03")."""
    found = []
    for token in text.tokens:
        if is_year(token, text):
            parts = token.text.split("-")
            named = _month_before(token, text)
            month = (
                int(parts[1]) if len(parts) > 1 else months_of(text.language)[named.folded] if named else 0
            )
            first = named.index if named else token.index
            before = {one.folded for one in text.tokens[max(first - 2, 0) : first]}
            found.append(Year(int(parts[0]), month, token, named, text.grammar.since in before))
    return tuple(found)


def _month_before(year: Token, text: Text) -> Token | None:
    """The name of a month right before the year: Feb. 2014, marzo de 2021."""
    for token in reversed(text.tokens[max(year.index - 2, 0) : year.index]):
        if token.folded in months_of(text.language):
            return token
        if not token.is_neutral:
            break
    return None


@cache
def months_of(language: str) -> dict[str, int]:
    """Names and abbreviations of months in this language, folded."""
    names: dict[str, int] = {}
    for style in ("wide", "abbreviated"):
        for context in ("format", "stand-alone"):
            for number, name in get_month_names(style, context, language).items():
                names.setdefault(name.casefold().strip("."), number)
    return names


def is_year(token: Token, text: Text) -> bool:
    if not token.is_number:
        return False
    if _DATE.match(token.text):
        return True
    return bool(_YEAR.match(token.text)) and int(token.text) in YEARS and not _counts_something(token, text)


def _counts_something(token: Token, text: Text) -> bool:
    """Whether a sign or a word to be counted follows at once, as in "2000 customers"."""
    following = text.tokens[token.index + 1 : token.index + 2]
    if not following or following[0].mark_before:
        return False
    # A year is followed by a function word, a verb or nothing; of nouns, only what can be counted tells.
    one = following[0]
    return one.folded[0] in SIGNS or (one.is_only("thing", "role") and not one.is_neutral)
