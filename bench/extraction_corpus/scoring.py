"""How far a record says what a labelled case says, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bench.extraction_corpus.cases import Case
from extraction.schema import JobData
from extraction.vocabulary import comparable

_NOT_SCORED = frozenset({"url", "direct_apply", "job_location"})
_FREE_TEXTS = frozenset({"experience_requirements", "education_requirements", "industry"})


@dataclass
class Tally:
    """Values rightly given, wrongly given, and missing."""

    right: int = 0
    wrong: int = 0
    missing: int = 0

    def add(self, other: Tally) -> None:
        self.right += other.right
        self.wrong += other.wrong
        self.missing += other.missing

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missing) if self.right + self.missing else 1.0

    @property
    def f1(self) -> float:
        total = 2 * self.right + self.wrong + self.missing
        return 2 * self.right / total if total else 1.0


@dataclass
class Score:
    """Tallies by field, and what went wrong in words."""

    fields: dict[str, Tally] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    wrong_job: int = 0

    def add(self, other: Score) -> None:
        for name, tally in other.fields.items():
            self.fields.setdefault(name, Tally()).add(tally)
        self.notes += other.notes
        self.wrong_job += other.wrong_job

    @property
    def whole(self) -> Tally:
        total = Tally()
        for tally in self.fields.values():
            total.add(tally)
        return total


def score(case: Case, data: JobData | None) -> Score:
    """Hold a record (None: refused) against a case."""
    result = Score()
    record = data.model_dump(mode="json") if data else {}
    names = {name for name, value in record.items() if value not in (None, [], "")} | set(case.expected)
    for name in sorted(names - _NOT_SCORED - set(case.unscored) - {"description_lacks"}):
        wanted, given = case.expected.get(name), record.get(name)
        if name == "description" and wanted is None:
            continue
        tally = _tally(name, wanted, given)
        if name == "description":
            tally.wrong += sum(_says(given, phrase) for phrase in case.expected.get("description_lacks", []))
        result.fields[name] = tally
        if tally.wrong or tally.missing:
            result.notes.append(f"{case.name}: {name} wanted {_short(wanted)} given {_short(given)}")
    if data is not None:
        result.wrong_job = int(any(_is_value(other, record) for other in case.other_jobs))
        if result.wrong_job:
            result.notes.append(f"{case.name}: another job's data")
    return result


def _short(value: Any) -> str:
    return repr(value)[:220]


def _tally(name: str, wanted: Any, given: Any) -> Tally:
    if name == "description":
        found = sum(_says(given, phrase) for phrase in wanted)
        return Tally(found, 0, len(wanted) - found)
    if name == "job_locations":
        return _matched(wanted or [], given or [], _same_place)
    if isinstance(wanted or given, list):
        return _matched(wanted or [], given or [], _same_item)
    same = {"base_salary": _same_pay}.get(name, _same_text if name in _FREE_TEXTS else _same)
    if wanted is None:
        return Tally(wrong=1)
    if given in (None, ""):
        return Tally(missing=1)
    return Tally(right=1) if same(wanted, given) else Tally(wrong=1, missing=1)


def _matched(wanted: list[Any], given: list[Any], same: Any) -> Tally:
    left = list(given)
    right = 0
    for one in wanted:
        match = next((other for other in left if same(one, other)), None)
        if match is not None:
            left.remove(match)
            right += 1
    return Tally(right, len(left), len(wanted) - right)


def _plain(text: Any) -> str:
    return re.sub(r"[\s.,;:!?()\"'|/*#·•。、，；：]+", " ", comparable(str(text))).strip()


def _says(text: Any, phrase: str) -> bool:
    return _plain(phrase) in _plain(text or "")


def _same(one: Any, other: Any) -> bool:
    return _plain(one) == _plain(other)


def _same_item(one: Any, other: Any) -> bool:
    first, second = _plain(one), _plain(other)
    short, long = sorted((first, second), key=len)
    return first == second or (short in long and len(short) >= 0.7 * len(long))


def _same_text(one: Any, other: Any) -> bool:
    first, second = _plain(one), _plain(other)
    if first == second or first in second or second in first:
        return True
    words, others = set(first.split()), set(second.split())
    return 2 * len(words & others) >= 0.6 * (len(words) + len(others))


def _same_place(one: dict[str, str], other: dict[str, str | None]) -> bool:
    if one.get("country") and other.get("country") != one["country"]:
        return False
    name = one.get("locality") or one.get("region")
    if not name:
        return not (other.get("locality") and one.get("country") is None)
    names = [other.get("locality"), other.get("region"), other.get("text")]
    return any(written and (_plain(name) == _plain(written) or _holds(written, name)) for written in names)


def _holds(text: str, part: str) -> bool:
    return f" {_plain(part)} " in f" {_plain(text)} " or _plain(text).startswith(_plain(part))


def _same_pay(one: dict[str, Any], other: dict[str, Any]) -> bool:
    def amount(pay: dict[str, Any], end: str) -> Decimal | None:
        return None if pay.get(end) is None else Decimal(str(pay[end]))

    return all(amount(one, end) == amount(other, end) for end in ("min_value", "max_value")) and all(
        one.get(part) == other.get(part) for part in ("currency", "unit_text")
    )


def _is_value(other: str, record: dict[str, Any]) -> bool:
    return any(_plain(other) == _plain(value) for value in _values(record))


def _values(record: dict[str, Any]) -> Iterable[str]:
    for name, value in record.items():
        if name == "description" or value is None:
            continue
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict):
                yield from (str(part) for part in entry.values() if part)
            else:
                yield str(entry)
