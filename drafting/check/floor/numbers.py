"""Numbers: the value, its unit, what it counts and whether it is a limit must all be the source's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from drafting.check.evidence import Evidence, Said
from drafting.check.floor.dates import follows_from_dates
from drafting.check.quantities import Quantity, quantities_of
from drafting.check.reasons import Reason, Refusal
from drafting.check.tokens import Text, Token

_TIMES = frozenset({"year", "month", "week", "day", "hour", "minute", "second", "decade"})


def wrong_number(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of the first number, number word, ratio, frequency or vague quantity that the sources do
    not have, or have of something else. For bridges see `bridges`."""
    if said.place == "bridge":
        return None
    given = [one for source in evidence.near for one in quantities_of(source)]
    for quantity in quantities_of(text):
        if refusal := _fault(quantity, given, text, evidence):
            return refusal
    if vague := _vague(text, evidence):
        return Refusal(Reason.NUMBER, vague)
    if frequency := _frequency(text, evidence, given):
        return Refusal(Reason.NUMBER, frequency)
    return _swapped_change(text, given)


def _fault(quantity: Quantity, given: Iterable[Quantity], text: Text, evidence: Evidence) -> Refusal | None:
    if quantity.is_ratio:
        return None if _has_ratio(quantity.value, given) else Refusal(Reason.NUMBER, (quantity.said,))
    same = [one for one in given if one.value == quantity.value and _units_agree(quantity, one)]
    if not same:
        if follows_from_dates(quantity, text, evidence):
            return None
        reason = Reason.DURATION if quantity.unit in ("year", "month", "decade") else Reason.NUMBER
        return Refusal(reason, (quantity.said,))
    if not any(_limits_agree(quantity, one) for one in same):
        return Refusal(Reason.BOUND, (quantity.said,))
    if all(_counts_another(quantity, one, evidence) for one in same):
        return Refusal(Reason.COUNTED, (quantity.said, *(token.text for token in quantity.counted)))
    return None


def _units_agree(said: Quantity, given: Quantity) -> bool:
    return said.unit == given.unit or (not said.unit and given.unit in _TIMES and not said.counted)


def _limits_agree(said: Quantity, given: Quantity) -> bool:
    return said.limit == given.limit or (said.limit == "bound" and given.limit == "bound")


def _counts_another(said: Quantity, given: Quantity, evidence: Evidence) -> bool:
    """Whether it is known that the two count different things. An unknown word may be another word for it."""
    if not said.counted or not given.counted:
        # "by 40%" became "40 developers": units tell; a bare number in a list counts nothing.
        return bool(said.counted) and not given.counted and bool(given.unit)
    if any(one.is_same_as(other) for one in said.counted for other in given.counted):
        return False
    return all(_means_something_else(token, given, evidence) for token in said.counted)


def _means_something_else(token: Token, given: Quantity, evidence: Evidence) -> bool:
    known_elsewhere = any(one.is_same_as(token) for source in evidence.all for one in source.content)
    if not token.rows:
        return known_elsewhere
    meanings_known = bool(token.rows) and any(one.rows for one in given.counted)
    return known_elsewhere or meanings_known


def _has_ratio(ratio: Fraction, given: Iterable[Quantity]) -> bool:
    """Whether the sources say "half" or "double" in the same or in other words: 50 %, from 12 to 6."""
    listed = list(given)
    for one in listed:
        if one.is_ratio and one.value == ratio:
            return True
        if one.unit == "percent" and ratio in _ratios_of_percent(one.value):
            return True
    starts = [one for one in listed if one.role == "from"]
    ends = [one for one in listed if one.role == "to"]
    return any(one.value and end.value / one.value == ratio for one in starts for end in ends)


def _ratios_of_percent(percent: Fraction) -> Iterator[Fraction]:
    yield percent / 100
    yield 1 + percent / 100
    if round(percent) == 33:
        yield Fraction(1, 3)


def _vague(text: Text, evidence: Evidence) -> tuple[str, ...]:
    """Dozens, hundreds: numbers without a number."""
    return tuple(
        token.text for token in text.tokens if token.folded in text.grammar.vague and not evidence.has(token)
    )


def _frequency(text: Text, evidence: Evidence, given: list[Quantity]) -> tuple[str, ...]:
    """Units of time that the sources do not have: "25 a day" for "25 a week", "weekly"."""
    proven = {
        index for quantity in quantities_of(text) if quantity.unit in _TIMES for index in quantity.tokens
    }
    known = {one.unit for one in given} | {
        unit
        for source in evidence.all
        for token in source.tokens
        if (unit := source.grammar.units.get(token.folded))
    }
    strange = [
        token
        for token in text.tokens
        if token.index not in proven
        and (unit := text.grammar.units.get(token.folded))
        and unit in _TIMES
        and unit not in known
        and not evidence.near_has(token)
    ]
    return tuple(token.text for token in strange)


def _swapped_change(text: Text, given: list[Quantity]) -> Refusal | None:
    """From 6 to 14 for from 14 to 6."""
    if {"from", "to"} - {one.role for one in quantities_of(text)}:
        return None
    roles: dict[tuple[Fraction, str], set[str]] = {}
    for one in given:
        roles.setdefault((one.value, one.unit), set()).add(one.role)
    for quantity in quantities_of(text):
        known = {
            role for (value, _), found in roles.items() if value == quantity.value for role in found if role
        }
        if quantity.role and known and quantity.role not in known:
            return Refusal(Reason.DIRECTION, (quantity.said,))
    return None
