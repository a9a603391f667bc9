"""How long things lasted: the durations that follow from the dates of a profile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

_DATE = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{1,2}))?")
_ROUNDED = 3


@dataclass(frozen=True, slots=True)
class Period:
    """First and last month, counted from year 0. `is_open` while it goes on; `is_exact` when both ends were
    given with their month."""

    first: int
    last: int
    is_open: bool
    is_exact: bool

    @property
    def months(self) -> int:
        return self.last - self.first + 1

    @property
    def years(self) -> tuple[int, int]:
        return self.first // 12, self.last // 12


def period_of(data: Mapping[str, Any], today: date) -> Period | None:
    """The period of an entry with a start date; one without an end goes on until `today`."""
    start = _DATE.match(str(data.get("startDate") or ""))
    if not start:
        return None
    written_end = str(data.get("endDate") or "")
    end = _DATE.match(written_end)
    first = int(start["year"]) * 12 + int(start["month"] or 1) - 1
    now = today.year * 12 + today.month - 1
    last = int(end["year"]) * 12 + int(end["month"] or 12) - 1 if end else now
    is_exact = bool(start["month"]) and (not end or bool(end["month"]))
    return Period(first, last, not end or last > now, is_exact) if first <= last else None


def whole_years(periods: Iterable[Period], *, at_least: bool, nearly: bool) -> frozenset[int]:
    """The numbers of years one may say these periods lasted, each and together. `at_least`: only what is
    passed ("over three years"); `nearly`: only what is about to be reached."""
    allowed: set[int] = set()
    for months in spans(list(periods)):
        full, rest = divmod(months, 12)
        if nearly:
            allowed |= {full + 1} if rest >= 12 - _ROUNDED else set()
        elif at_least:
            allowed |= set(range(1, full + 1)) if rest else set(range(1, full))
        else:
            allowed |= {full} | ({full + 1} if rest >= 12 - _ROUNDED else set())
    return frozenset(allowed - {0})


def whole_months(periods: Iterable[Period]) -> frozenset[int]:
    """The numbers of months, counted with and without the month of the end."""
    return frozenset(
        months for span in spans([one for one in periods if one.is_exact]) for months in (span, span - 1)
    )


def spans(periods: Sequence[Period]) -> set[int]:
    """Months of each period, of all of them together without counting a month twice, and from end to end."""
    if not periods:
        return set()
    worked = {month for period in periods for month in range(period.first, period.last + 1)}
    return {period.months for period in periods} | {len(worked)}
