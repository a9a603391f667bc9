"""A profile as numbered facts: what the model may refer to, and where each rewritten line must come from;
and what of it a posting asks for, judged by the words they share. No model is asked.

Ids follow the order of the profile: `work-1` is its first job, `work-1.s` that job's summary, `work-1.h2` its
second highlight; `basics.summary` is the profile's own summary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from drafting.check.grammar import codes
from drafting.check.tokens import Text, Token, read
from drafting.errors import ProfileTooThin
from drafting.language import DEFAULT, detect
from drafting.resume import Resume
from extraction.schema import JobData

PROFILE_SUMMARY = "basics.summary"
_MINIMUM_TEXT = 40
_NOT_IN_TITLE = frozenset({"startDate", "endDate", "date", "releaseDate", "score", "courses", "keywords"})


@dataclass(frozen=True, slots=True)
class Section:
    """How one JSON Resume section is read. `header` names the members that code copies and no model may
    touch; `prose` is the member holding free text; `has_highlights` says whether it has a list of lines."""

    key: str
    prefix: str
    header: tuple[str, ...]
    prose: str = ""
    has_highlights: bool = False


SECTIONS = (
    Section("work", "work", ("position", "name", "location", "startDate", "endDate"), "summary", True),
    Section("volunteer", "volunteer", ("position", "organization", "startDate", "endDate"), "summary", True),
    Section("education", "education", ("studyType", "area", "institution", "startDate", "endDate", "score",
                                       "courses")),
    Section("projects", "project", ("name", "roles", "entity", "keywords", "startDate", "endDate"),
            "description", True),
    Section("certificates", "certificate", ("name", "issuer", "date")),
    Section("skills", "skill", ("name", "level", "keywords")),
    Section("languages", "language", ("language", "fluency")),
    Section("awards", "award", ("title", "awarder", "date"), "summary"),
    Section("publications", "publication", ("name", "publisher", "releaseDate"), "summary"),
    Section("interests", "interest", ("name", "keywords")),
    Section("references", "reference", ("name", "reference")),
)  # fmt: skip
_SUBSTANTIAL = ("work", "volunteer", "education", "projects")


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of prose that may be rewritten. `position` is its index among the highlights, -1 for prose."""

    id: str
    entry_id: str
    text: str
    position: int = -1


@dataclass(frozen=True, slots=True)
class Entry:
    """One job, degree, skill…: `data` is the profile's own object, never changed here."""

    id: str
    section: Section
    index: int
    data: dict[str, Any]
    lines: tuple[Line, ...]

    @property
    def header(self) -> str:
        """What code copies, on one line: "Engineer, Acme, Nairobi, 2019-06, 2022-02"."""
        return ", ".join(text for key in self.section.header for text in texts_of(self.data.get(key)))

    @property
    def title(self) -> str:
        """The header without dates, keywords and courses: "Bachelor of Science, Physics, MIT"."""
        names = [self.data.get(key) for key in self.section.header if key not in _NOT_IN_TITLE]
        return ", ".join(" ".join(name.split()) for name in names if isinstance(name, str) and name.strip())

    @property
    def text(self) -> str:
        return "\n".join(texts_of(self.data))

    @property
    def highlights(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.position >= 0)


@dataclass(frozen=True)
class FactSheet:
    resume: Resume
    entries: tuple[Entry, ...]

    @cached_property
    def entry_by_id(self) -> dict[str, Entry]:
        return {entry.id: entry for entry in self.entries}

    @cached_property
    def line_by_id(self) -> dict[str, Line]:
        return {line.id: line for entry in self.entries for line in entry.lines}

    @property
    def name(self) -> str:
        return str(self.resume.get("basics", {}).get("name", "")).strip()

    @property
    def summary(self) -> str:
        return str(self.resume.get("basics", {}).get("summary", "")).strip()

    @property
    def label(self) -> str:
        return str(self.resume.get("basics", {}).get("label", "")).strip()

    @property
    def text(self) -> str:
        """Every word of the profile, for detecting its language and for checking whole-profile prose."""
        return "\n".join(texts_of({key: value for key, value in self.resume.items() if key != "meta"}))

    def of(self, section_key: str) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.section.key == section_key)


def texts_of(value: Any) -> Iterator[str]:
    """Every non-blank string and number inside a JSON value, in order."""
    if isinstance(value, dict):
        for member in value.values():
            yield from texts_of(member)
    elif isinstance(value, list):
        for member in value:
            yield from texts_of(member)
    elif isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def read_facts(resume: Resume) -> FactSheet:
    """Number the facts of a JSON Resume that has been checked."""
    entries = tuple(
        _entry(section, index, data)
        for section in SECTIONS
        for index, data in enumerate(resume.get(section.key) or [])
    )
    return FactSheet(resume=resume, entries=entries)


def _entry(section: Section, index: int, data: dict[str, Any]) -> Entry:
    entry_id = f"{section.prefix}-{index + 1}"
    lines = []
    prose = data.get(section.prose) if section.prose else None
    if isinstance(prose, str) and prose.strip():
        lines.append(Line(f"{entry_id}.s", entry_id, prose.strip()))
    if section.has_highlights:
        for position, text in enumerate(data.get("highlights") or []):
            if text.strip():
                lines.append(Line(f"{entry_id}.h{position + 1}", entry_id, text.strip(), position))
    return Entry(entry_id, section, index, data, tuple(lines))


def require_substance(facts: FactSheet) -> None:
    """Raise ProfileTooThin unless a truthful draft is possible: a name, one substantial entry, some text."""
    substantial = [entry for key in _SUBSTANTIAL for entry in facts.of(key) if entry.text.strip()]
    amount = sum(len(entry.text) for entry in facts.entries) + len(facts.summary)
    if not facts.name or not substantial or amount < _MINIMUM_TEXT:
        raise ProfileTooThin


_SKILL_WEIGHT = 3
# Share of the words of a requirement that one line must have for the line to support it.
_SHARE = 0.5
_MOST_LINES = 3


def posting_text(job: JobData) -> str:
    """Every word of the posting."""
    return "\n".join(texts_of(job.model_dump(mode="json", exclude={"url", "base_salary"})))


def readable_language(text: str, otherwise: str = DEFAULT) -> str:
    """The language of the text if its words can be compared, else another that can."""
    found = detect(text)
    return found if found in codes() else otherwise if otherwise in codes() else DEFAULT


@dataclass(frozen=True)
class Relevance:
    """Scores texts against one posting; a word of its skills or title counts three times. Words are compared
    by lemma and meaning: "leading a team" asks for "Lead a team of engineers", in another language too."""

    weights: dict[str | int, int]
    language: str

    @classmethod
    def to(cls, job: JobData, language: str = DEFAULT) -> Relevance:
        """Relevance for texts in `language`, one of `check.grammar.codes()`."""
        own = readable_language(posting_text(job), language)
        weights: dict[str | int, int] = {}
        for text, weight in ((posting_text(job), 1), (_wanted(job), _SKILL_WEIGHT)):
            for token in read(text, own).content:
                for mark in _marks(token):
                    weights[mark] = max(weights.get(mark, 0), weight)
        return cls(weights, language)

    def score(self, value: Any) -> int:
        """The sum of the weights of the distinct posting words in a text or JSON value."""
        found: dict[str, int] = {}
        for token in read("\n".join(texts_of(value)), self.language).content:
            if not _marks(token):
                continue
            weight = max((self.weights.get(mark, 0) for mark in _marks(token)), default=0)
            name = min(_marks(token), key=str)
            found[str(name)] = max(weight, found.get(str(name), 0))
        return sum(found.values())


def _wanted(job: JobData) -> str:
    return "\n".join([job.title or "", *job.skills, *job.qualifications])


def _marks(token: Token) -> set[str | int]:
    return {*token.keys, *token.rows} if len(token.folded) > 1 else set()


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing asked for; `lines` are ids of the facts that support it, the best first; `is_skill` when it
    stands among the profile's skills."""

    text: str
    lines: tuple[str, ...]
    is_skill: bool

    @property
    def is_met(self) -> bool:
        return self.is_skill or bool(self.lines)


@dataclass(frozen=True)
class MatchReport:
    requirements: tuple[Requirement, ...] = field(default=())

    def as_dict(self) -> list[dict[str, Any]]:
        """Rows as the API shows them."""
        return [
            {
                "asked": one.text,
                "is_supported": one.is_met,
                "is_skill": one.is_skill,
                "facts": list(one.lines),
            }
            for one in self.requirements
        ]


def match(facts: FactSheet, job: JobData) -> MatchReport:
    """The posting's skills, qualifications and responsibilities against the lines and skills of the
    profile."""
    language = readable_language(facts.text)
    asked = dict.fromkeys(
        " ".join(text.split()) for text in (*job.skills, *job.qualifications, *job.responsibilities)
    )
    posting_language = readable_language("\n".join(asked), language)
    shown = [entry for entry in facts.entries if entry.section.key != "references"]
    sources = {line.id: read(line.text, language) for entry in shown for line in entry.lines}
    sources |= {entry.id: read(entry.header, language) for entry in shown if entry.section.key != "skills"}
    skills = [read(entry.text, language) for entry in facts.of("skills")]
    return MatchReport(
        tuple(
            _requirement(text, read(text, posting_language), sources, skills)
            for text in asked
            if text and read(text, posting_language).content
        )
    )


def _requirement(text: str, asked: Text, sources: dict[str, Text], skills: list[Text]) -> Requirement:
    is_skill = all(any(_has(skill, token) for skill in skills) for token in asked.content)
    shares = {
        source_id: sum(_has(source, token) for token in asked.content) / len(asked.content)
        for source_id, source in sources.items()
    }
    best = sorted((one for one in shares if shares[one] >= _SHARE), key=lambda one: -shares[one])
    return Requirement(text, tuple(best[:_MOST_LINES]), is_skill)


def _has(source: Text, token: Token) -> bool:
    return any(one.is_same_as(token) for one in source.content)
