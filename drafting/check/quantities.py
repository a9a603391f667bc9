"""The numbers of a text: how much, of what, and whether it is a limit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from drafting.check.grammar import Grammar
from drafting.check.tokens import Text, Token

YEARS = range(1950, 2060)
_CURRENCIES = frozenset("$€£¥₹₦")
_PERCENT = frozenset("%٪")
_SEPARATED = re.compile(r"^\d{1,3}(?:[.,'\u2019\u00a0\u202f ]\d{3})+$")
_YEAR = re.compile(r"^(?:19|20)\d\d$")
_DATE = re.compile(r"^(?:19|20)\d\d-\d\d(?:-\d\d)?$")
_GERMAN_TENS = re.compile(
    r"(?P<ones>ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und(?P<tens>\w+s?sig|\w+ig)"
)
_JOINED_BY = frozenset({"y", "e", "und", "et", "na", "and"})
_COUNTED = 3
_INNER = frozenset("-'\u2019")
_ALSO_DURING = frozenset({"over", "über"})
_FROM = frozenset(["from", "von", "vom", "de", "del", "des", "desde", "kutoka"])
_TO = frozenset(["to", "auf", "à", "a", "al", "ao", "para", "hadi", "bis", "au"])


@dataclass(frozen=True, slots=True)
class Quantity:
    """`unit` is "", "percent", "money" or a unit of time ("year"). `counted` are the words after the number
    (in Swahili before it) that it may count. `limit` is "bound" ("up to 25"), "more" ("over 25") or "".
    `role` is "from" or "to" where the number ends a change. `tokens` are the indices it takes up."""

    value: Fraction
    unit: str
    counted: tuple[Token, ...]
    limit: str
    role: str
    tokens: frozenset[int]
    said: str
    clause: int
    is_ratio: bool = False


@dataclass(frozen=True, slots=True)
class Year:
    value: int
    month: int
    token: Token
    is_since: bool


@lru_cache(maxsize=20_000)
def quantities_of(text: Text) -> tuple[Quantity, ...]:
    """The quantities of the text, in its order; years are not among them."""
    return tuple(_quantities(text))


@lru_cache(maxsize=20_000)
def years_of(text: Text) -> tuple[Year, ...]:
    """The years and months written as such ("2021", "2021-03")."""
    found = []
    for token in text.tokens:
        if _is_year(token, text):
            before = text.tokens[token.index - 1].folded if token.index else ""
            parts = token.text.split("-")
            month = int(parts[1]) if len(parts) > 1 else 0
            found.append(Year(int(parts[0]), month, token, before == text.grammar.since))
    return tuple(found)


def _is_year(token: Token, text: Text) -> bool:
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
    return one.folded[0] in _PERCENT | _CURRENCIES or (one.is_only("thing", "role") and not one.is_neutral)


def _quantities(text: Text) -> Iterator[Quantity]:
    grammar, tokens = text.grammar, text.tokens
    index = 0
    while index < len(tokens):
        token = tokens[index]
        end, value = _number_at(text, index)
        if value is not None:
            yield _quantity(text, index, end, value)
            index = end
            continue
        two = f"{token.folded} {tokens[index + 1].folded}" if index + 1 < len(tokens) else ""
        ratio = grammar.fractions.get(two) or grammar.fractions.get(token.folded)
        if ratio is not None:
            taken = {index, index + 1} if two in grammar.fractions else {index}
            yield Quantity(ratio, "", (), "", "", frozenset(taken), token.text, token.clause, is_ratio=True)
        index += 1


def _number_at(text: Text, index: int) -> tuple[int, Fraction | None]:
    """The number written from `index` on, in digits or words, and the index after it."""
    token, grammar = text.tokens[index], text.grammar
    if token.is_number:
        return index + 1, None if _is_year(token, text) else _digits(token.text)
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
        if following in (100, 1000, 1_000_000) and step == index:
            total *= following
        elif _continues(total, following, is_joined=step > index):
            total += following
        else:
            break
        index = step + 1
    return index, total


def _continues(total: Fraction, following: int, *, is_joined: bool) -> bool:
    """Twenty one, kumi na tatu, a hundred and five."""
    if following < 10 and total % 10 == 0:
        return total % 100 >= 20 or is_joined
    return total >= 100 and following < 100 and not is_joined


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


def _quantity(text: Text, start: int, end: int, value: Fraction) -> Quantity:
    tokens = text.tokens
    taken = set(range(start, end))
    unit = ""
    if start and tokens[start - 1].folded in _CURRENCIES:
        unit = "money"
        taken.add(start - 1)
    following = end
    if end < len(tokens) and tokens[end].folded[0] in _PERCENT | _CURRENCIES:
        unit = "percent" if tokens[end].folded in _PERCENT else "money"
        taken.add(end)
        following += 1
    elif found := _unit_after(text, end):
        unit = found[0]
        taken.add(found[1])
        following = found[1] + 1
    elif text.language == "sw" and start and tokens[start - 1].folded in text.grammar.units:
        unit = text.grammar.units[tokens[start - 1].folded]
        taken.add(start - 1)
    return Quantity(
        value=value,
        unit=unit,
        counted=_counted(text, start, following, unit),
        limit=_limit(text, start),
        role="" if _limit(text, start) else _role(text, start),
        tokens=frozenset(taken),
        said=" ".join(tokens[index].text for index in sorted(taken)),
        clause=tokens[start].clause,
    )


def _unit_after(text: Text, index: int) -> tuple[str, int] | None:
    if index < len(text.tokens) and not set(text.tokens[index].mark_before) - {"-"}:
        unit = text.grammar.units.get(text.tokens[index].folded)
        return (unit, index) if unit else None
    return None


def _counted(text: Text, start: int, index: int, unit: str) -> tuple[Token, ...]:
    if text.language == "sw":
        found = []
        for token in reversed(text.tokens[max(start - 2, 0) : start]):
            if token.folded in text.grammar.units or token.is_number:
                break
            if token.is_content:
                found.append(token)
        return tuple(found[:1])
    if unit:
        return ()
    counted: list[Token] = []
    for token in text.tokens[index:]:
        stops = token.is_number or set(token.mark_before) - _INNER
        # "90 couverts par service", "3 000 artigos": a preposition ends what is counted; "of the" does not
        # begin it.
        if stops or (token.is_neutral and counted) or token.folded in text.grammar.weighty:
            break
        if token.is_content:
            counted.append(token)
        if len(counted) == _COUNTED:
            break
    return tuple(counted)


def _limit(text: Text, start: int) -> str:
    for length in (3, 2, 1):
        if start < length:
            continue
        phrase = " ".join(token.folded for token in text.tokens[start - length : start])
        if phrase in text.grammar.more:
            return "" if phrase in _ALSO_DURING and _is_time(text, start) else "more"
        if phrase in text.grammar.bounds:
            return "bound"
    return ""


def _is_time(text: Text, start: int) -> bool:
    """Over three (school) years: during."""
    return any(token.folded in text.grammar.units for token in text.tokens[start + 1 : start + 3])


def _role(text: Text, start: int) -> str:
    for token in reversed(text.tokens[max(start - 2, 0) : start]):
        if token.is_number:
            break
        if token.folded in _FROM:
            return "from"
        if token.folded in _TO:
            return "to"
    return ""
