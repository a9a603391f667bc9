"""Numbers as they are written, in digits or in words."""

from __future__ import annotations

import re
from fractions import Fraction

from drafting.check.grammar import Grammar
from drafting.check.tokens import Text
from drafting.check.years import is_year

_SEPARATED = re.compile(r"^\d{1,3}(?:[.,'\u2019\u00a0\u202f ]\d{3})+$")
_GERMAN_TENS = re.compile(
    r"(?P<ones>ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und(?P<tens>\w+s?sig|\w+ig)"
)
_JOINED_BY = frozenset({"y", "e", "und", "et", "na", "and"})


def number_at(text: Text, index: int) -> tuple[int, Fraction | None]:
    """The number written from `index` on, in digits or words, and the index after it."""
    token, grammar = text.tokens[index], text.grammar
    if token.is_number:
        return index + 1, None if is_year(token, text) else _digits(token.text)
    value = _word_value(token.folded, grammar)
    if value is None:
        return index, None
    index += 1
    total = Fraction(value)
    while index < len(text.tokens):
        step = index + 1 if text.tokens[index].folded in _JOINED_BY and total < 100 else index
        following = _word_value(text.tokens[step].folded, grammar) if step < len(text.tokens) else None
        if following is None or text.tokens[step].mark_before not in ("", "-"):
            break
        if total == 4 and following == 20 and grammar.code == "fr":
            total = Fraction(80)
        elif following in (100, 1000, 1_000_000) and step == index:
            total *= following
        elif _continues(total, following, is_joined=step > index):
            total += following
        else:
            break
        index = step + 1
    return index, total


def _continues(total: Fraction, following: int, *, is_joined: bool) -> bool:
    """Twenty one, kumi na tatu, a hundred and five."""
    if total in (60, 80) and 10 <= following < 20:
        return True  # soixante-quinze, quatre-vingt-dix
    if following < 10 and total % 10 == 0:
        return total % 100 >= 20 or is_joined
    return total >= 100 and following < 100


def _word_value(word: str, grammar: Grammar) -> int | None:
    if word in grammar.numbers:
        return grammar.numbers[word]
    if grammar.code == "de" and (match := _GERMAN_TENS.fullmatch(word)):
        tens = grammar.numbers.get(match["tens"])
        ones = 1 if match["ones"] == "ein" else grammar.numbers.get(match["ones"])
        return tens + ones if tens and ones else None
    return None


def _digits(written: str) -> Fraction:
    if _SEPARATED.match(written):
        return Fraction(re.sub(r"\D", "", written))
    plain = re.sub(r"[\s'\u2019\u00a0\u202f]", "", written).replace(",", ".")
    try:
        return Fraction(plain)
    except ValueError:
        # A version or an hour (3.11.2, 8:30): no amount, yet it must be somewhere in the source.
        return Fraction(int(re.sub(r"\D", "", written) or 0), 7_919)
