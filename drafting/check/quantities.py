"""The numbers of a text: how much, of what, and whether it is a limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from drafting.check.numerals import number_at
from drafting.check.tokens import Text, Token

_CURRENCIES = frozenset("$€£¥₹₦")
_PERCENT = frozenset("%٪")
_COUNTED = 3
# Lengths of time that can be said in another unit.
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_LEADING_ON = frozenset(
    [
        "of",
        "the",
        "der",
        "des",
        "von",
        "de",
        "du",
        "d",
        "la",
        "le",
        "les",
        "los",
        "las",
        "o",
        "a",
        "os",
        "as",
        "do",
        "da",
        "dos",
        "das",
    ]
)
_INNER = frozenset("-'\u2019")
_ALSO_DURING = frozenset({"over", "über"})
_FROM = frozenset(["from", "von", "vom", "de", "del", "des", "desde", "kutoka"])
_UNTIL = frozenset(["hadi", "mpaka", "bis", "hasta", "até", "to"])
_BY = frozenset(["by", "um", "en", "em"])
_TO = frozenset(["to", "auf", "à", "a", "al", "ao", "para", "hadi", "bis", "au"])


@dataclass(frozen=True, slots=True)
class Quantity:
    """`unit` is "", "percent", "money" or a unit of time ("year"). `counted` are the words after the
    number (in Swahili before it) that it may count. `limit` is "bound" ("up to 25"), "more" ("over 25")
    or "". `role` is "from" or "to" where the number ends a change, "by" where it is the change. `tokens`
    are the indices it takes up."""

    value: Fraction
    unit: str
    counted: tuple[Token, ...]
    limit: str
    role: str
    tokens: frozenset[int]
    said: str
    clause: int
    is_ratio: bool = False


@lru_cache(maxsize=20_000)
def quantities_of(text: Text) -> tuple[Quantity, ...]:
    """The quantities of the text, in its order; years are not among them."""
    return tuple(_with_halves(_quantities(text), text))


def is_rate(token: Token, text: Text) -> bool:
    """Whether a unit of time says how often: "a year", "per shift and day", but not "within a year"."""
    if token.folded in text.grammar.rhythms:
        return True
    before = text.tokens[token.index - 1] if token.index else None
    if before is None or before.folded not in text.grammar.each:
        return False
    first = text.tokens[before.index - 1] if before.index else None
    return before.folded not in ("a", "an") or first is None or not first.is_neutral


def _quantities(text: Text) -> Iterator[Quantity]:
    grammar, tokens = text.grammar, text.tokens
    index = 0
    while index < len(tokens):
        token = tokens[index]
        end, value = number_at(text, index)
        if value is not None:
            yield _quantity(text, index, end, value)
            index = end
            continue
        two = f"{token.folded} {tokens[index + 1].folded}" if index + 1 < len(tokens) else ""
        ratio = grammar.fractions.get(two) or grammar.fractions.get(token.folded)
        if ratio is not None:
            taken = {index, index + 1} if two in grammar.fractions else {index}
            yield _ratio(text, ratio, taken)
        index += 1


def _ratio(text: Text, ratio: Fraction, taken: set[int]) -> Quantity:
    """Half of something; before a unit of time a length of time: half an hour."""
    first, after = min(taken), max(taken) + 1
    following = text.tokens[after : after + 2]
    unit = next((text.grammar.units[one.folded] for one in following if one.folded in text.grammar.units), "")
    if ratio >= 1 or unit not in SECONDS:
        unit = ""
    else:
        taken |= {one.index for one in following if text.grammar.units.get(one.folded) == unit}
    said = " ".join(text.tokens[index].text for index in sorted(taken))
    limit = _limit(text, first)
    return Quantity(
        ratio, unit, (), limit, "", frozenset(taken), said, text.tokens[first].clause, is_ratio=not unit
    )


def _with_halves(quantities: Iterable[Quantity], text: Text) -> Iterator[Quantity]:
    """Four and a half years, cuatro años y medio: one quantity."""
    last: Quantity | None = None
    for one in quantities:
        if last is not None and one.value == Fraction(1, 2) and _is_half_of(last, one, text):
            after = max(one.tokens) + 1
            following = text.tokens[after].folded if after < len(text.tokens) else ""
            unit = last.unit or one.unit or text.grammar.units.get(following, "")
            tokens = last.tokens | one.tokens
            last = replace(last, value=last.value + one.value, unit=unit, tokens=tokens, counted=())
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


def _is_half_of(whole: Quantity, half: Quantity, text: Text) -> bool:
    between = text.tokens[max(whole.tokens) + 1 : min(half.tokens)]
    is_near = len(between) <= 2 and all(token.is_neutral for token in between)
    return is_near and not whole.is_ratio and whole.unit in ("", "year", "month")


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
        limit=_limit(text, min(taken)),
        role="" if _limit(text, min(taken)) else _role(text, min(taken)),
        tokens=frozenset(taken),
        said=" ".join(tokens[index].text for index in sorted(taken)),
        clause=tokens[start].clause,
    )


def _unit_after(text: Text, index: int) -> tuple[str, int] | None:
    if index < len(text.tokens) and not set(text.tokens[index].mark_before) - {"-"}:
        word = text.tokens[index].folded
        following = text.tokens[index + 1].folded if index + 1 < len(text.tokens) else ""
        if text.grammar.percent and f"{word} {following}" == text.grammar.percent:
            return "percent", index + 1
        unit = text.grammar.units.get(word)
        # "Two yearly audits" are no two years.
        return (unit, index) if unit and word not in text.grammar.rhythms else None
    return None


def _counted(text: Text, start: int, index: int, unit: str) -> tuple[Token, ...]:
    if text.language == "sw" and unit != "percent":
        return _counted_before(text, start)
    if unit:
        return ()
    counted: list[Token] = []
    for token in text.tokens[index:]:
        stops = token.is_number or set(token.mark_before) - _INNER
        # "90 couverts par service": a preposition ends what is counted, an "of the" may lead on to it.
        if stops or (token.is_neutral and (counted or token.folded not in _LEADING_ON)):
            break
        if token.is_content:
            counted.append(token)
        if len(counted) == _COUNTED:
            break
    return tuple(counted)


def _counted_before(text: Text, start: int) -> tuple[Token, ...]:
    """In Swahili the number follows: vyama 32."""
    ends = text.grammar.units.keys() | text.grammar.numbers.keys()
    for token in reversed(text.tokens[max(start - 2, 0) : start]):
        if token.folded in ends or token.is_number:
            break
        if token.is_content:
            return (token,)
    return ()


def _limit(text: Text, start: int) -> str:
    for length in (3, 2, 1):
        if start < length:
            continue
        phrase = " ".join(token.folded for token in text.tokens[start - length : start])
        if phrase in text.grammar.more:
            return "" if phrase in _ALSO_DURING and _is_time(text, start) else "more"
        if phrase in text.grammar.bounds and not _ends_change(phrase, text, start):
            return "bound"
    return ""


def _ends_change(phrase: str, text: Text, start: int) -> bool:
    """Whether "hadi", "bis", "hasta" is the end of a change that began before, and no limit."""
    if phrase not in _UNTIL:
        return False
    before = text.tokens[max(start - 8, 0) : start]
    return any(
        token.folded in _FROM and any(one.is_number for one in before[number : number + 3])
        for number, token in enumerate(before)
    ) or any(one.folded in text.grammar.numbers for one in before)


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
        if token.folded in _BY:
            return "by"
    return ""
