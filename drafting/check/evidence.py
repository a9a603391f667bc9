"""What a text may rest on: the lines it names, the header of their entries, and what holds for the person;
and the durations that follow from the dates of a profile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

from drafting.check.meanings import classes
from drafting.check.tokens import Text, Token, read
from drafting.facts import PROFILE_SUMMARY, Entry, FactSheet
from extraction.schema import JobData

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


Place = Literal["line", "summary", "evidence", "bridge"]
_STANDING = ("skills", "languages")


@dataclass(frozen=True, slots=True)
class Claim:
    """Words of a sentence, and the words of the profile that they are said to rest on."""

    words: str
    quote: str


@dataclass(frozen=True, slots=True)
class Said:
    """A text as the model gave it. `sources` are ids of facts."""

    id: str
    place: Place
    text: str
    sources: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Ground:
    """Everything one draft may be made from, read once: profile, posting, and the day it is written on.
    `language` is the profile's, or the nearest that can be read."""

    facts: FactSheet
    job: JobData
    language: str
    today: date

    @cached_property
    def posting(self) -> Text:
        job = self.job
        parts = [
            job.title,
            job.hiring_organization,
            job.job_location,
            *job.skills,
            *job.qualifications,
            *job.responsibilities,
            job.description,
            job.experience_requirements,
        ]
        return read("\n".join(filter(None, parts)), self.language)

    @cached_property
    def whole(self) -> Text:
        return read(self.facts.text, self.language)

    @cached_property
    def standing(self) -> tuple[Text, ...]:
        """Skills, languages, label and summary: true of the person throughout."""
        texts = [entry.text for key in _STANDING for entry in self.facts.of(key)]
        return tuple(
            read(text, self.language) for text in [*texts, self.facts.label, self.facts.summary] if text
        )

    @cached_property
    def skill_keys(self) -> frozenset[str]:
        return keys_of(read(entry.text, self.language) for entry in self.facts.of("skills"))

    def posting_names(self, token: Token) -> bool:
        """Whether the posting has this word."""
        return any(one.is_same_as(token) for one in self.posting.tokens)

    def header(self, entry: Entry) -> Text:
        return read(entry.header, self.language)

    def lines(self, entry: Entry) -> tuple[Text, ...]:
        return tuple(read(line.text, self.language) for line in entry.lines)

    def evidence_for(self, said: Said) -> Evidence:
        """What this text may rest on; a summary rests on the whole profile, a bridge on nothing."""
        if said.place == "summary":
            lines = [line.text for entry in self.facts.entries for line in entry.lines]
            return Evidence(self, self.facts.entries, tuple(read(text, self.language) for text in lines))
        entries: dict[str, Entry] = {}
        texts: list[str] = []
        for source in dict.fromkeys(said.sources):
            line = self.facts.line_by_id.get(source)
            if entry := self.facts.entry_by_id.get(line.entry_id if line else source):
                entries[entry.id] = entry
            if line:
                texts.append(line.text)
            elif source == PROFILE_SUMMARY:
                texts.append(self.facts.summary)
        return Evidence(self, tuple(entries.values()), tuple(read(text, self.language) for text in texts))


@dataclass(frozen=True)
class Evidence:
    """What one text may rest on."""

    ground: Ground
    entries: tuple[Entry, ...]
    lines: tuple[Text, ...]

    @cached_property
    def headers(self) -> tuple[Text, ...]:
        return tuple(self.ground.header(entry) for entry in self.entries)

    @cached_property
    def near(self) -> tuple[Text, ...]:
        """Named lines and headers: what was done, where and when."""
        return (*self.lines, *self.headers)

    @cached_property
    def all(self) -> tuple[Text, ...]:
        return (*self.near, *self.ground.standing)

    @cached_property
    def keys(self) -> frozenset[str]:
        return keys_of(self.all)

    @cached_property
    def rows(self) -> frozenset[int]:
        return rows_of(self.all)

    @cached_property
    def classes(self) -> frozenset[str]:
        return frozenset(classes()[row] for row in rows_of(self.all))

    @cached_property
    def periods(self) -> tuple[Period, ...]:
        """When the named entries were; of a whole profile, only the jobs count as experience."""
        jobs = [entry for entry in self.entries if entry.section.key == "work"]
        counted = jobs if jobs and len(self.entries) > 1 else self.entries
        return tuple(filter(None, (period_of(entry.data, self.ground.today) for entry in counted)))

    def has(self, token: Token) -> bool:
        return bool(token.keys & self.keys or token.rows & self.rows)

    def near_has(self, token: Token) -> bool:
        return any(one.is_same_as(token) for text in self.near for one in text.tokens)

    def touched(self, tokens: Sequence[Token]) -> tuple[Text, ...]:
        """The named lines that share a word with these tokens; all of them when none does."""
        found = tuple(
            line
            for line in self.lines
            if any(one.is_same_as(token) for token in tokens for one in line.content)
        )
        return found or self.lines


def keys_of(texts: Iterable[Text]) -> frozenset[str]:
    return frozenset[str]().union(*(token.keys for text in texts for token in text.tokens))


def rows_of(texts: Iterable[Text]) -> frozenset[int]:
    return frozenset[int]().union(*(token.rows for text in texts for token in text.tokens))
