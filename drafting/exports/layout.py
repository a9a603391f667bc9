"""A CV as a reader sees it: headings, entries and rows, the same for every file format.

Dates stay as the profile has them (2022-03): the one form that every reader and every parser takes the same
way. Every field of JSON Resume appears except `image` and `meta`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from drafting.facts import texts_of
from drafting.language import language_of
from drafting.resume import Resume

_ORDER = (
    "work", "projects", "education", "skills", "certificates", "languages", "volunteer", "awards",
    "publications", "interests", "references",
)  # fmt: skip
# Sections whose entries are one line each: a label and what belongs to it.
_ROWS = {
    "skills": ("name", ("level", "keywords")),
    "languages": ("language", ("fluency",)),
    "interests": ("name", ("keywords",)),
    "references": ("name", ("reference",)),
}
# For the others: title, what stands beneath it, text.
_ENTRIES = {
    "work": ("position", ("name", "description", "location", "url"), "summary"),
    "volunteer": ("position", ("organization", "url"), "summary"),
    "education": ("studyType", ("area", "institution", "score", "url"), ""),
    "projects": ("name", ("roles", "entity", "type", "url", "keywords"), "description"),
    "certificates": ("name", ("issuer", "url"), ""),
    "awards": ("title", ("awarder",), "summary"),
    "publications": ("name", ("publisher", "url"), "summary"),
}
_LISTS = ("highlights", "courses")


@dataclass(frozen=True, slots=True)
class Entry:
    title: str
    dates: str = ""
    details: list[str] = field(default_factory=list)
    text: str = ""
    points: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Section:
    """Either `entries` or `rows` (label, text)."""

    heading: str
    entries: list[Entry] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    language: str
    name: str
    label: str
    contact: list[str]
    summary_heading: str
    summary: str
    sections: list[Section]


def lay_out(resume: Resume, language: str, sections: Sequence[str] = ()) -> Layout:
    """The CV laid out; `sections` come first, in their order."""
    headings = language_of(language).headings
    basics = resume.get("basics", {})
    return Layout(
        language=language,
        name=_text(basics.get("name")),
        label=_text(basics.get("label")),
        contact=_contact(basics),
        summary_heading=headings["summary"],
        summary=_text(basics.get("summary")),
        sections=[
            _section(key, resume[key], headings)
            for key in dict.fromkeys([*sections, *_ORDER])
            if key in _ORDER and any(texts_of(resume.get(key) or []))
        ],
    )


def _text(value: Any) -> str:
    return ", ".join(" ".join(text.split()) for text in texts_of(value))


def _contact(basics: dict[str, Any]) -> list[str]:
    place = basics.get("location", {})
    town = " ".join(filter(None, (_text(place.get("postalCode")), _text(place.get("city")))))
    parts = [", ".join(_text(line) for line in str(place.get("address", "")).splitlines() if line.strip())]
    parts += [town, _text(place.get("region")), _text(place.get("countryCode"))]
    lines = [", ".join(part for part in parts if part)]
    lines += [_text(basics.get(key)) for key in ("email", "phone", "url")]
    for profile in basics.get("profiles") or []:
        name = ": ".join(filter(None, (_text(profile.get("network")), _text(profile.get("username")))))
        lines.append(", ".join(filter(None, (name, _text(profile.get("url"))))))
    return [line for line in lines if line]


def _section(key: str, items: list[dict[str, Any]], headings: dict[str, str]) -> Section:
    filled = [item for item in items if any(texts_of(item))]
    if key in _ROWS:
        label, rest = _ROWS[key]
        rows = [(_text(item.get(label)), _text([item.get(name) for name in rest])) for item in filled]
        return Section(headings[key], rows=rows)
    return Section(headings[key], entries=[_entry(key, item, headings["present"]) for item in filled])


def _entry(key: str, item: dict[str, Any], present: str) -> Entry:
    title_key, detail_keys, text_key = _ENTRIES[key]
    details = [text for name in detail_keys if (text := _text(item.get(name)))]
    title = _text(item.get(title_key)) or (details.pop(0) if details else "")
    return Entry(
        title=title,
        dates=_dates(key, item, present),
        details=details,
        text=_text(item.get(text_key)) if text_key else "",
        points=[_text(text) for name in _LISTS for text in item.get(name) or [] if _text(text)],
    )


def _dates(key: str, item: dict[str, Any], present: str) -> str:
    start, end = _text(item.get("startDate")), _text(item.get("endDate"))
    if start and not end and key == "work":
        end = present
    return (
        " \u2013 ".join(filter(None, (start, end)))
        or _text(item.get("date"))
        or _text(item.get("releaseDate"))
    )
