"""Years, months and durations against the dates of the entries a text rests on."""

from __future__ import annotations

from drafting.check.evidence import Evidence, Said
from drafting.check.periods import spans, whole_months, whole_years
from drafting.check.quantities import Quantity, quantities_of
from drafting.check.reasons import Reason, Refusal
from drafting.check.tokens import Text
from drafting.check.years import Year, years_of

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
