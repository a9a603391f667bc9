"""A profile as numbered facts: what the model may refer to, and where each rewritten line must come from.

Ids follow the order of the profile: `work-1` is its first job, `work-1.s` that job's summary, `work-1.h2` its
second highlight; `basics.summary` is the profile's own summary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from drafting.errors import ProfileTooThin
from drafting.resume import Resume

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
