"""Pay as postings write it: amounts, ranges, currency, period, in every language of `languages/`.

Reads one line at a time; every pattern is bounded or plain alternatives, so the time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import islice

from extraction.schema import Salary, Unit
from extraction.values.currencies import code_of, is_currency, sign_pattern
from extraction.values.numbers import MULTIPLIERS, NUMBER, levelled, number
from extraction.vocabulary import alternatives, by_term, terms

# More distinct figures than this are a list of something else.
MAX_SALARIES = 20
MAX_AMOUNTS = 300
LEAST_WITHOUT_CURRENCY = 100
_REACH_BEFORE, _REACH_AFTER = 70, 48
_MILLION = 10**6

_UNIT_NAMES: dict[str, Unit] = {
    "ANN": "YEAR", "ANNUALLY": "YEAR", "YEARLY": "YEAR", "MON": "MONTH", "MONTHLY": "MONTH", "WEE": "WEEK",
    "WEEKLY": "WEEK", "DAILY": "DAY", "HUR": "HOUR", "HOURLY": "HOUR", "P1Y": "YEAR", "P1M": "MONTH",
    "PER_YEAR": "YEAR", "PER_MONTH": "MONTH", "PER_HOUR": "HOUR", "PER_DAY": "DAY", "PER_WEEK": "WEEK",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FoundPay:
    """A salary and where it stands in the text."""

    salary: Salary
    start: int
    end: int


@cache
def _grammar() -> re.Pattern[str]:
    sign = sign_pattern()
    times = "|".join(re.escape(word) for word in sorted(MULTIPLIERS, key=len, reverse=True))
    amount = rf"(?:{NUMBER})"
    multiplier = rf"(?:\s?(?:{times})(?![^\W\d_\u3040-\u9fff\uac00-\ud7af]))"
    between = rf"(?:-+|/|{alternatives(terms('to'))})"
    side = rf"(?P<before#>{sign})?\s?(?P<value#>{amount})(?P<times#>{multiplier})?"
    side += rf"(?P<small#>(?<=[万萬만])\d[\d,]{{0,6}})?(?:\s?(?P<after#>{sign}))?"
    one, two, four, five = (side.replace("#", str(number)) for number in (1, 2, 4, 5))
    return re.compile(
        rf"(?<![\w.,]){one}(?:\s{{0,2}}{between}\s{{0,2}}{two})?(?P<plus>\s?\+)?"
        rf"|(?P<before3>{sign})\s?(?P<value3>{amount})(?P<times3>{multiplier})?"
        rf"|(?<=[\u3040-\u9fff\uac00-\ud7af]){four}(?:\s{{0,2}}{between}\s{{0,2}}{five})?"
    )


@cache
def _after() -> re.Pattern[str]:
    """The period right after an amount: behind a word or slash for "per", or as a word of its own."""
    gross = alternatives(terms("gross"))
    return re.compile(
        rf"(?:/[=-])?[\s(),.·|]*(?:(?:{gross}|{sign_pattern()})[\s(),.]*){{0,3}}"
        rf"(?:(?:{alternatives(terms('per'))}|/)[\s(]*(?:{gross}\s*)?(?P<unit>{alternatives(terms('periods'))})"
        rf"|(?P<adverb>{alternatives(terms('adverbs'))}))"
    )


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {
        name: re.compile(alternatives(terms(name)))
        for name in ("adverbs", "pay", "other_money", "up_to", "from", "from_after", "up_to_after")
    }


def unit_of(word: str) -> Unit | None:
    """HOUR … YEAR from a unit's name or code ("per year", "ANNUALLY", "MON", "Monat"), else None."""
    name = word.strip().rsplit("/", 1)[-1].upper().replace(" ", "_")
    if name in {"HOUR", "DAY", "WEEK", "MONTH", "YEAR"}:
        return name  # type: ignore[return-value]
    if name in _UNIT_NAMES:
        return _UNIT_NAMES[name]
    low = levelled(word.strip()[:40]).replace("-", " ").removesuffix(" salary").removesuffix(" wage")
    if low in by_term("adverbs"):
        return by_term("adverbs")[low]  # type: ignore[return-value]
    if match := _after().match("/" + low) or _after().match(" " + low):
        return _unit(match)
    return None


def _unit(match: re.Match[str]) -> Unit | None:
    if match["unit"]:
        return by_term("periods").get(match["unit"])  # type: ignore[return-value]
    return by_term("adverbs").get(match["adverb"])  # type: ignore[return-value]


def parse_salary(text: str, *, language: str | None = None) -> Salary | None:
    """The one salary stated by a text that is known to be about pay, else None.

    Without a currency it takes a range or a period, and an amount that nobody would mistake for years.
    """
    text = text[:400]
    found = find_salaries(text, trusted=True, language=language)
    if not found:
        found = [pay.salary for pay in _found(text, language, trusted=True, bare=True)]
    ranges = [salary for salary in found if salary.min_value != salary.max_value]
    found = found if len(found) == 1 else ranges
    return found[0] if len(found) == 1 else None


def find_salaries(text: str, *, trusted: bool = False, language: str | None = None) -> list[Salary]:
    """The distinct salaries a text states.

    In prose an amount with a currency counts only with a range, a period, or a word for pay on its line, and
    not beside a word for another kind of money; `trusted` lets every one count.
    """
    salaries: list[Salary] = []
    for pay in find_pay(text, trusted=trusted, language=language):
        if pay.salary not in salaries:
            salaries.append(pay.salary)
    return salaries[:MAX_SALARIES]


def find_pay(text: str, *, trusted: bool = False, language: str | None = None) -> list[FoundPay]:
    """The same with their places in the text."""
    return list(islice(_found(text, language, trusted=trusted, bare=False), MAX_SALARIES))


def _found(text: str, language: str | None, *, trusted: bool, bare: bool) -> Iterator[FoundPay]:
    for offset, line, low, match in islice(_matches(text), MAX_AMOUNTS):
        amount = _Amount.of(match, line, low)
        if amount is not None and (bare or amount.sign) and amount.is_pay(trusted=trusted):
            salary = amount.salary(text, language)
            yield FoundPay(salary, offset + match.start(), offset + match.end())


def _matches(text: str) -> Iterator[tuple[int, str, str, re.Match[str]]]:
    """Every figure: where its line begins, the line, the same levelled, the match in it."""
    offset = 0
    for line in text.split("\n"):
        if any(char.isdigit() for char in line):
            low = levelled(line)
            for match in _grammar().finditer(low):
                yield offset, line, low, match
        offset += len(line) + 1


@dataclass(frozen=True, slots=True)
class _Amount:
    """One match of the grammar on its line. `sign` is the currency as written."""

    line: str
    low: str
    start: int
    end: int
    least: Decimal
    most: Decimal
    is_range: bool
    is_huge: bool
    has_plus: bool
    sign: str
    unit: Unit | None

    @classmethod
    def of(cls, match: re.Match[str], line: str, low: str) -> _Amount | None:
        first, second = _sides(match)
        ends = _ends(match, first, second)
        if ends is None:
            return None
        signs = [
            line[match.start(name) : match.end(name)]
            for name in (f"before{first}", f"after{first}", f"before{second}", f"after{second}")
            if name in match.groupdict() and match[name]
        ]
        signs = [sign for sign in signs if is_currency(sign)]
        # "$100,000 CAD": a code says more than a sign that several countries share.
        sign = max(signs, key=lambda written: written.isalpha() and len(written) == 3, default="")
        times = [match.groupdict().get(f"times{side}") or "" for side in (first, second)]
        tail = _after().match(low, match.end(), min(len(low), match.end() + _REACH_AFTER))
        unit = _unit(tail) if tail else None
        if "lpa" in "".join(times):
            unit = unit or "YEAR"
        return cls(
            line=line, low=low, start=match.start(), end=match.end(), least=ends[0], most=ends[1],
            is_range=bool(second and match.groupdict().get(f"value{second}")),
            is_huge=any(MULTIPLIERS.get(word.strip(), 1) >= _MILLION for word in times),
            has_plus=bool(match["plus"]), sign=sign,
            unit=unit or _unit_before(low, match.start()),
        )  # fmt: skip

    def is_pay(self, *, trusted: bool) -> bool:
        if self.most <= 0 or (self.is_huge and not (self.unit or trusted)):
            return False
        if not self.sign and (self.most < LEAST_WITHOUT_CURRENCY or not (self.is_range or self.unit)):
            return False
        if trusted:
            return True
        patterns = _patterns()
        before = self.low[max(0, self.start - 100) : self.start]
        if not (self.is_range or self.unit or patterns["pay"].search(before)):
            return False
        return not patterns["other_money"].search(self._clause())

    def _clause(self) -> str:
        """The words around the amount, up to the next comma or full stop on either side."""
        before = re.split(r"[,;.()\u3002\u3001]\s?", self.low[max(0, self.start - 60) : self.start])[-1]
        after = re.split(r"[,;.()\u3002\u3001](?:\s|$)", self.low[self.end : self.end + 48])[0]
        return f"{before} # {after}"

    def salary(self, text: str, language: str | None) -> Salary:
        before = self.low[max(0, self.start - 24) : self.start]
        after = self.low[self.end : self.end + 24]
        words = _patterns()
        capped = _ends_with(words["up_to"], before) or _begins_with(words["up_to_after"], after)
        open_end = (
            self.has_plus or _ends_with(words["from"], before) or _begins_with(words["from_after"], after)
        )
        capped, open_end = capped and not self.is_range, open_end and not self.is_range
        return Salary(
            currency=code_of(self.sign, text, language) if self.sign else None,
            unit_text=self.unit,
            min_value=None if capped else self.least,
            max_value=None if open_end and not capped else self.most,
        )


def _sides(match: re.Match[str]) -> tuple[int, int]:
    if match["value3"]:
        return 3, 0
    return (4, 5) if match["value4"] else (1, 2)


def _ends(match: re.Match[str], first: int, second: int) -> tuple[Decimal, Decimal] | None:
    """Lower and upper amount; "120-150k" means thousands in both."""
    groups = match.groupdict()
    low = number(groups[f"value{first}"])
    second_value = groups.get(f"value{second}")
    high = number(second_value) if second_value else low
    if low is None or high is None:
        return None
    times_low = MULTIPLIERS.get((groups.get(f"times{first}") or "").strip(), 1)
    times_high = MULTIPLIERS.get((groups.get(f"times{second}") or "").strip(), 1)
    if second_value and times_high > 1 and times_low == 1 and low < 1000:
        times_low = times_high
    if second_value and times_low > 1 and times_high == 1 and high < 1000:
        times_high = times_low
    low = low * times_low + _small(groups, first)
    high = high * times_high + _small(groups, second) if second_value else low
    return min(low, high), max(low, high)


def _small(groups: dict[str, str | None], side: int) -> Decimal:
    """ "19万5,000": what stands behind the ten thousands."""
    return number(groups.get(f"small{side}") or "0") or Decimal(0)


def _unit_before(low: str, start: int) -> Unit | None:
    """ "Annual salary:", "Hourly rate", "月給" before the amount, with no other figure in between."""
    before = re.split(r"\d", low[max(0, start - _REACH_BEFORE) : start])[-1]
    before = re.split(r"[.;]\s", before)[-1]
    found = [match[0] for match in _patterns()["adverbs"].finditer(before)]
    return by_term("adverbs").get(found[-1]) if found else None  # type: ignore[return-value]


def _begins_with(words: re.Pattern[str], after: str) -> bool:
    return words.match(after.lstrip(" ")) is not None


def _ends_with(words: re.Pattern[str], before: str) -> bool:
    return any(not before[match.end() :].strip(" :(") for match in words.finditer(before))
