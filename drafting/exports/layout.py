"""A CV or letter as a reader sees it: headings, entries and rows, the same for every file format.

Every field of JSON Resume appears except `image`, which only shows as a picture, and `meta`. Texts are
composed (Unicode NFC), so that a letter with its marks is one and the same in every file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from babel.dates import format_date, format_skeleton

from drafting.facts import texts_of
from drafting.language import language_of
from drafting.models import Draft, Kind
from drafting.resume import Resume

_DATE = re.compile(r"^(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)?$")


def written_date(text: str, language: str) -> str:
    """A date of JSON Resume (YYYY, YYYY-MM, YYYY-MM-DD) in the language, as exact as it is; any other text as
    it stands."""
    match = _DATE.match(text)
    if match is None or match["month"] is None:
        return text
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"] or 1))
    except ValueError:
        return text
    if match["day"] is None:
        return str(format_skeleton("yMMM", day, locale=language))
    return str(format_date(day, "medium", locale=language))


_ORDER = (
    "work", "projects", "education", "skills", "certificates", "languages", "volunteer", "awards",
    "publications", "interests", "references",
)  # fmt: skip
# What has templates of an order of its own.
_ORDERS = {
    "academic": (
        "publications", "education", "work", "awards", "projects", "volunteer", "certificates", "skills",
        "languages", "interests", "references",
    ),
}  # fmt: skip
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
# Control characters and lone surrogates, which no file format takes.
_UNWRITABLE = frozenset({"Cc", "Cs"})


@dataclass(frozen=True, slots=True)
class Entry:
    title: str
    dates: str = ""
    details: list[str] = field(default_factory=list)
    text: str = ""
    points: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Section:
    """Either `entries` or `rows` (label, text). `key` is its name in JSON Resume."""

    key: str
    heading: str
    entries: list[Entry] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CvLayout:
    language: str
    name: str
    label: str
    contact: list[str]
    summary_heading: str
    summary: str
    sections: list[Section]
    kind: str = "cv"

    @property
    def author(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    points: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LetterLayout:
    language: str
    name: str
    contact: list[str]
    recipient: list[str]
    date: str
    subject: str
    salutation: str
    paragraphs: list[Paragraph]
    sign_off: str
    signature: str
    kind: str = "letter"

    @property
    def author(self) -> str:
        return self.signature or self.name


Layout = CvLayout | LetterLayout


def layout_of(draft: Draft, template: str = "") -> Layout:
    """The draft laid out; a template may have an order of sections of its own."""
    if draft.kind == Kind.CV:
        return lay_out(draft.content, draft.language, draft.sections, template)
    return _letter(draft.content)


def lay_out(resume: Resume, language: str, sections: Sequence[str] = (), template: str = "") -> CvLayout:
    """The CV laid out; `sections` come first, in their order."""
    headings = language_of(language).headings
    basics = resume.get("basics", {})
    order = _ORDERS.get(template, _ORDER)
    return CvLayout(
        language=language,
        name=_text(basics.get("name")),
        label=_text(basics.get("label")),
        contact=_contact(basics),
        summary_heading=headings["summary"],
        summary=_text(basics.get("summary")),
        sections=[
            _section(key, resume[key], headings, language)
            for key in dict.fromkeys([*sections, *order])
            if key in order and any(texts_of(resume.get(key) or []))
        ],
    )


def texts_in(layout: Layout) -> Iterator[str]:
    """Every text that is shown, in the order of a layout in one column."""
    yield layout.name
    if isinstance(layout, CvLayout):
        yield layout.label
        yield from layout.contact
        if layout.summary:
            yield from (layout.summary_heading, layout.summary)
        for section in layout.sections:
            yield section.heading
            for entry in section.entries:
                yield from (entry.title, entry.dates, *entry.details, entry.text, *entry.points)
            for row in section.rows:
                yield from row
    else:
        yield from (*layout.contact, layout.date, *layout.recipient, layout.subject, layout.salutation)
        for paragraph in layout.paragraphs:
            yield from (paragraph.text, *paragraph.points)
        yield from (layout.sign_off, layout.signature)


def composed(text: str) -> str:
    """On one line, letters and their marks composed, without what no file may hold."""
    plain = "".join(char for char in text if char.isspace() or _is_writable(char))
    return unicodedata.normalize("NFC", " ".join(plain.split()))


def _is_writable(char: str) -> bool:
    # The last two of every plane are no characters, and XML takes none of them.
    return unicodedata.category(char) not in _UNWRITABLE and ord(char) & 0xFFFE != 0xFFFE


def _letter(content: dict[str, Any]) -> LetterLayout:
    sender = content["sender"]
    paragraphs = [
        Paragraph(composed(block["text"]), [composed(point) for point in block["points"]])
        for block in content["body"]
    ]
    return LetterLayout(
        language=content["language"],
        name=composed(sender["name"]),
        contact=[composed(line) for line in sender["lines"]],
        recipient=[composed(line) for line in content["recipient"]],
        date=composed(content["date_text"]),
        subject=composed(content["subject"]),
        salutation=composed(content["salutation"]),
        paragraphs=[
            Paragraph(composed(content["opening"])),
            *paragraphs,
            Paragraph(composed(content["closing"])),
        ],
        sign_off=composed(content["sign_off"]),
        signature=composed(content["signature"]),
    )


def _text(value: Any) -> str:
    return ", ".join(filter(None, (composed(text) for text in texts_of(value))))


def _contact(basics: dict[str, Any]) -> list[str]:
    place = basics.get("location", {})
    town = " ".join(filter(None, (_text(place.get("postalCode")), _text(place.get("city")))))
    parts = [", ".join(_text(line) for line in str(place.get("address", "")).splitlines() if line.strip())]
    parts += [town, _text(place.get("region")), _text(place.get("countryCode"))]
    lines = [", ".join(part for part in parts if part)]
    lines += [_text(basics.get(key)) for key in ("email", "phone", "url")]
    for profile in basics.get("profiles") or []:
        name = ": ".join(filter(None, (_text(profile.get("network")), _text(profile.get("username")))))
        lines += [name, _text(profile.get("url"))]
    return [line for line in lines if line]


def _section(key: str, items: list[dict[str, Any]], headings: dict[str, str], language: str) -> Section:
    filled = [item for item in items if any(texts_of(item))]
    if key in _ROWS:
        label, rest = _ROWS[key]
        rows = [(_text(item.get(label)), _text([item.get(name) for name in rest])) for item in filled]
        return Section(key, headings[key], rows=rows)
    entries = [_entry(key, item, headings["present"], language) for item in filled]
    return Section(key, headings[key], entries=entries)


def _entry(key: str, item: dict[str, Any], present: str, language: str) -> Entry:
    title_key, detail_keys, text_key = _ENTRIES[key]
    details = [text for name in detail_keys if (text := _text(item.get(name)))]
    title = _text(item.get(title_key)) or (details.pop(0) if details else "")
    return Entry(
        title=title,
        dates=_dates(key, item, present, language),
        details=details,
        text=_text(item.get(text_key)) if text_key else "",
        points=[_text(text) for name in _LISTS for text in item.get(name) or [] if _text(text)],
    )


def _dates(key: str, item: dict[str, Any], present: str, language: str) -> str:
    start, end, given, released = (
        written_date(_text(item.get(name)), language)
        for name in ("startDate", "endDate", "date", "releaseDate")
    )
    if start and not end and key == "work":
        end = present
    return " \u2013 ".join(filter(None, (start, end))) or given or released
