"""Numbers: the value, its unit, what it counts and whether it is a limit must all be the source's. Years,
months and durations stand against the dates of the entries a text rests on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

from drafting.check.evidence import Evidence, Said, spans, whole_months, whole_years
from drafting.check.floor.names import language_code
from drafting.check.quantities import SECONDS, Quantity, is_rate, quantities_of
from drafting.check.reasons import Reason, Refusal
from drafting.check.tokens import Text, Token
from drafting.check.years import Year, years_of

_TIMES = frozenset({"year", "month", "week", "day", "hour", "minute", "second", "decade"})


def wrong_number(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of the first number, number word, ratio, frequency or vague quantity that the sources do
    not have, or have of something else. For bridges see `form`."""
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


def _fault(quantity: Quantity, given: list[Quantity], text: Text, evidence: Evidence) -> Refusal | None:
    if quantity.is_ratio:
        return None if _has_ratio(quantity, given) else Refusal(Reason.NUMBER, (quantity.said,))
    if follows_from_dates(_as_years(quantity, text), text, evidence) or _is_computed(quantity, given):
        return None
    same = [one for one in given if _is_as_much(quantity, one)]
    if not same:
        reason = Reason.DURATION if quantity.unit in ("year", "month", "decade") else Reason.NUMBER
    elif not any(_limits_agree(quantity, one) for one in same):
        reason = Reason.BOUND
    elif _is_end_for_change(quantity, same, given):
        reason = Reason.NUMBER
    elif all(_counts_another(quantity, one, evidence) for one in same):
        return Refusal(Reason.COUNTED, (quantity.said, *(token.text for token in quantity.counted)))
    else:
        return None
    return Refusal(reason, (quantity.said,))


def _is_end_for_change(said: Quantity, same: list[Quantity], given: list[Quantity]) -> bool:
    """ "From 10 to 6 days" is not "by 6 days", and "by 12%" not "to 12%"."""
    is_pair = {"from", "to"} <= {one.role for one in given}
    if said.role == "by":
        return is_pair and all(one.role in ("from", "to") for one in same)
    return said.role == "to" and said.unit == "percent" and not any(one.role == "to" for one in same)


def _is_as_much(said: Quantity, given: Quantity) -> bool:
    if said.unit in SECONDS and given.unit in SECONDS:
        return said.value * SECONDS[said.unit] == given.value * SECONDS[given.unit]
    return said.value == given.value and _units_agree(said, given)


def _units_agree(said: Quantity, given: Quantity) -> bool:
    return said.unit == given.unit or (not said.unit and given.unit in _TIMES and not said.counted)


def _as_years(quantity: Quantity, text: Text) -> Quantity:
    """ "Eleven years, seven of them at …": the unit is said once."""
    if quantity.unit or quantity.counted:
        return quantity
    others = {one.unit for one in quantities_of(text)}
    return replace(quantity, unit="year") if "year" in others else quantity


def _is_computed(said: Quantity, given: list[Quantity]) -> bool:
    """Whether the number follows from two of the sources: the change from one to the other, the sum of two
    things counted, or so many groups of so many."""
    for one, other in combinations(given, 2):
        unit = one.unit or other.unit
        is_change = {one.role, other.role} == {"from", "to"} and {one.unit, other.unit} <= {"", unit}
        if is_change and said.value == abs(one.value - other.value) and said.unit in ("", unit):
            return True
        if not unit and not said.unit and said.value in (one.value + other.value, one.value * other.value):
            return True
    return False


def _limits_agree(said: Quantity, given: Quantity) -> bool:
    """A limit may be added that says less, not dropped, nor one added that says more."""
    return said.limit == given.limit or (said.limit == "bound" and not given.limit)


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


def _has_ratio(said: Quantity, given: list[Quantity]) -> bool:
    """Whether the sources say "half" or "double" in the same or in other words: 50 %, from 12 to 6."""
    for one in given:
        if one.is_ratio and one.value == said.value:
            return True
        if one.unit == "percent" and said.value in _ratios_of_percent(one.value):
            return True
    starts = [one for one in given if one.role == "from" and one.value]
    ends = [one for one in given if one.role == "to"]
    changes = [end.value / start.value for start in starts for end in ends]
    if said.limit:
        # More than halved, to less than half: what is said is passed.
        return any(change < said.value if said.value < 1 else change > said.value for change in changes)
    return said.value in changes


def _ratios_of_percent(percent: Fraction) -> Iterator[Fraction]:
    yield percent / 100
    yield 1 + percent / 100
    if round(percent) == 33:
        yield Fraction(1, 3)


def _vague(text: Text, evidence: Evidence) -> tuple[str, ...]:
    """Dozens, hundreds: numbers without a number."""
    ours = explained(text, evidence)
    return tuple(
        token.text
        for token in text.tokens
        if token.folded in text.grammar.vague and token.index not in ours and not evidence.has(token)
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
    # "For a year", "in the month of March" are about dates, which have a rule of their own.
    is_dated = bool(evidence.periods or years_of(text))
    rates = {
        source.grammar.units[token.folded]
        for source in evidence.near
        for token in source.tokens
        if token.folded in source.grammar.units and is_rate(token, source)
    }
    strange = []
    for token in text.tokens:
        unit = text.grammar.units.get(token.folded)
        if unit not in _TIMES or token.index in proven:
            continue
        if is_rate(token, text):
            is_given = unit in rates or (text.language != evidence.ground.language and unit in known)
        else:
            is_given = unit in known or (unit in ("year", "month") and is_dated) or evidence.near_has(token)
        if not is_given:
            strange.append(token.text)
    return tuple(strange)


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


_GIVE_OR_TAKE = 2
_SHORT_OF = 6
_NEARLY = frozenset(["almost", "nearly", "fast", "beinahe", "knapp", "presque", "casi", "quase", "karibu"])


def wrong_date(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of a year that the sources do not have, or a "since" that is no beginning."""
    if said.place == "bridge":
        return None
    wrong = tuple(year.token.text for year in years_of(text) if not _stands(year, text, evidence))
    return Refusal(Reason.DATE, wrong) if wrong else None


def _stands(year: Year, text: Text, evidence: Evidence) -> bool:
    written = [one for source in evidence.near for one in years_of(source)]
    if (
        year.is_since
        and evidence.periods
        and not any(one.is_since and one.value == year.value for one in written)
    ):
        starts = {period.years[0] for period in evidence.periods if period.is_open}
        return year.value in starts
    return any(one.value == year.value and year.month in (0, one.month) for one in written)


def follows_from_dates(quantity: Quantity, text: Text, evidence: Evidence) -> bool:
    """Whether a quantity is a number of years or months that the entries lasted."""
    if quantity.unit not in ("year", "month", "decade") or not evidence.periods:
        return False
    if quantity.value.denominator != 1:
        return _lasted_halves(quantity, evidence)
    value = int(quantity.value) * (10 if quantity.unit == "decade" else 1)
    if quantity.unit == "month":
        return not quantity.limit and value in whole_months(evidence.periods)
    return value in whole_years(
        evidence.periods, at_least=quantity.limit == "more", nearly=_is_nearly(quantity, text)
    )


def _lasted_halves(quantity: Quantity, evidence: Evidence) -> bool:
    """Four and a half years, give or take a month or two."""
    said = quantity.value * (12 if quantity.unit == "year" else 1)
    if quantity.limit == "more":
        return any(said <= months <= said + _SHORT_OF for months in spans(evidence.periods))
    return any(abs(months - said) <= _GIVE_OR_TAKE for months in spans(evidence.periods))


def _is_nearly(quantity: Quantity, text: Text) -> bool:
    first = min(quantity.tokens)
    return first > 0 and text.tokens[first - 1].folded in _NEARLY


def durations_of(text: Text, evidence: Evidence) -> tuple[Quantity, ...]:
    """The quantities that the dates of the entries prove."""
    return tuple(one for one in quantities_of(text) if follows_from_dates(one, text, evidence))


# Of what stands there one may say "certificate" or "degree".
PAPERS = ("certificates", "education")


def explained(text: Text, evidence: Evidence) -> frozenset[int]:
    """The tokens that numbers, durations, years and languages account for."""
    given = {(one.value, one.unit) for source in evidence.near for one in quantities_of(source)}
    found: set[int] = set()
    for one in quantities_of(text):
        if (one.value, one.unit) in given or one.is_ratio:
            found |= one.tokens
    for one in durations_of(text, evidence):
        found |= one.tokens
    found |= {one.index for year in years_of(text) for one in (year.token, year.named) if one}
    units = {
        source.grammar.units[token.folded]
        for source in evidence.near
        for token in source.tokens
        if token.folded in source.grammar.units
    }
    limits = {word for phrase in (*text.grammar.bounds, *text.grammar.more) for word in phrase.split()}
    is_dated = bool(evidence.periods or years_of(text))
    papers = any(entry.section.key in PAPERS for entry in evidence.entries)
    for token in text.tokens:
        unit = text.grammar.units.get(token.folded)
        code = language_code(token.folded, text.language)
        if (
            token.folded in limits
            or token.folded in text.grammar.negations
            or unit in units
            or (is_dated and unit in ("year", "month") and not is_rate(token, text))
            or (papers and token.has_class("paper"))
            or (code and any(language_code(t.folded) == code for s in evidence.all for t in s.tokens))
        ):
            found.add(token.index)
    return frozenset(found)
