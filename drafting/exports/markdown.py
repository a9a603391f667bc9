"""A draft as Markdown (CommonMark), every word of the user escaped."""

from __future__ import annotations

import re

from drafting.exports.layout import Entry, Section, lay_out
from drafting.models import Draft, Kind

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_LINE_START = re.compile(r"^(\s*)([-+>=]|\d{1,9}[.)])(?=\s|$)")


def escaped(text: str) -> str:
    """The text such that a Markdown reader shows it as it is."""
    return _LINE_START.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", " ".join(text.split())))


def markdown_of(draft: Draft) -> str:
    return _cv(draft) if draft.kind == Kind.CV else _letter(draft)


def _cv(draft: Draft) -> str:
    layout = lay_out(draft.content, draft.language, draft.sections)
    blocks = [f"# {escaped(layout.name)}"]
    if layout.label:
        blocks.append(f"**{escaped(layout.label)}**")
    blocks.append(" · ".join(escaped(line) for line in layout.contact))
    if layout.summary:
        blocks += [f"## {escaped(layout.summary_heading)}", escaped(layout.summary)]
    for section in layout.sections:
        blocks += _section(section)
    return "\n\n".join(block for block in blocks if block) + "\n"


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
    details = [*(escaped(detail) for detail in entry.details), escaped(entry.dates)]
    return [
        f"### {escaped(entry.title or entry.dates)}",
        " · ".join(detail for detail in details if detail),
        escaped(entry.text),
        "\n".join(f"- {escaped(point)}" for point in entry.points),
    ]


def _letter(draft: Draft) -> str:
    content = draft.content
    body = [
        "\n\n".join(
            part
            for part in (
                escaped(block["text"]),
                "\n".join(f"- {escaped(point)}" for point in block["points"]),
            )
            if part
        )
        for block in content["body"]
    ]
    blocks = [
        _lines([content["sender"]["name"], *content["sender"]["lines"]]),
        escaped(content["date_text"]),
        _lines(content["recipient"]),
        f"**{escaped(content['subject'])}**",
        escaped(content["salutation"]),
        escaped(content["opening"]),
        *body,
        escaped(content["closing"]),
        _lines([content["sign_off"], content["signature"]]),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _lines(lines: list[str]) -> str:
    """Lines that stay lines: two blanks at the end break one in Markdown."""
    return "  \n".join(escaped(line) for line in lines if line)
