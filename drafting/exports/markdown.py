"""A layout as Markdown (CommonMark), every word of the user escaped."""

from __future__ import annotations

import re

from drafting.exports.layout import CvLayout, Entry, Layout, LetterLayout, Section

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
# What makes a list, a quote, a rule or a heading of a line. A backslash before a digit would be shown.
_LINE_START = re.compile(r"^(\d{0,9})([-+>=.)])(?=\s|$|[-=\s]+$)")


def escaped(text: str) -> str:
    """The text such that a Markdown reader shows it as it is."""
    return _LINE_START.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", " ".join(text.split())))


def markdown_of(layout: Layout) -> str:
    blocks = _cv(layout) if isinstance(layout, CvLayout) else _letter(layout)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _cv(layout: CvLayout) -> list[str]:
    blocks = [f"# {escaped(layout.name)}", f"**{escaped(layout.label)}**" if layout.label else ""]
    blocks.append(" · ".join(escaped(line) for line in layout.contact))
    if layout.summary:
        blocks += [f"## {escaped(layout.summary_heading)}", escaped(layout.summary)]
    for section in layout.sections:
        blocks += _section(section)
    return blocks


def _section(section: Section) -> list[str]:
    rows = [
        f"- **{escaped(label)}:** {escaped(text)}" if label and text else f"- {escaped(label or text)}"
        for label, text in section.rows
    ]
    blocks = [f"## {escaped(section.heading)}", "\n".join(rows)]
    for entry in section.entries:
        blocks += _entry(entry)
    return blocks


def _entry(entry: Entry) -> list[str]:
    details = [*(escaped(detail) for detail in entry.details), escaped(entry.dates) if entry.title else ""]
    return [
        f"### {escaped(entry.title or entry.dates)}",
        " · ".join(detail for detail in details if detail),
        escaped(entry.text),
        _points(entry.points),
    ]


def _letter(layout: LetterLayout) -> list[str]:
    blocks = [
        _lines([layout.name, *layout.contact]),
        _lines(layout.recipient),
        escaped(layout.date),
        f"**{escaped(layout.subject)}**" if layout.subject else "",
        escaped(layout.salutation),
    ]
    for paragraph in layout.paragraphs:
        blocks += [escaped(paragraph.text), _points(paragraph.points)]
    return [*blocks, _lines([layout.sign_off, layout.signature])]


def _points(points: list[str]) -> str:
    return "\n".join(f"- {escaped(point)}" for point in points)


def _lines(lines: list[str]) -> str:
    """Lines that stay lines: two blanks at the end break one in Markdown."""
    return "  \n".join(escaped(line) for line in lines if line)
