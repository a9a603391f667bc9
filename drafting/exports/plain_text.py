"""A layout as plain text, for forms that take nothing else."""

from __future__ import annotations

from drafting.exports.layout import CvLayout, Entry, Layout, LetterLayout, Section


def plain_text_of(layout: Layout) -> str:
    blocks = _cv(layout) if isinstance(layout, CvLayout) else _letter(layout)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _cv(layout: CvLayout) -> list[str]:
    blocks = [_lines([layout.name, layout.label]), _lines(layout.contact)]
    if layout.summary:
        blocks.append(_lines([_heading(layout.summary_heading), layout.summary]))
    for section in layout.sections:
        blocks += _section(section)
    return blocks


def _heading(text: str) -> str:
    return f"{text}\n{'-' * len(text)}"


def _section(section: Section) -> list[str]:
    rows = [f"{label}: {text}" if label and text else label or text for label, text in section.rows]
    first, *others = [_entry(entry) for entry in section.entries] or [_lines(rows)]
    return [_lines([_heading(section.heading), first]), *others]


def _entry(entry: Entry) -> str:
    details = [*entry.details, entry.dates if entry.title else ""]
    return _lines(
        [
            entry.title or entry.dates,
            " · ".join(detail for detail in details if detail),
            entry.text,
            *(f"- {point}" for point in entry.points),
        ]
    )


def _letter(layout: LetterLayout) -> list[str]:
    paragraphs = [
        _lines([paragraph.text, *(f"- {point}" for point in paragraph.points)])
        for paragraph in layout.paragraphs
    ]
    return [
        _lines([layout.name, *layout.contact]),
        _lines(layout.recipient),
        layout.date,
        layout.subject,
        layout.salutation,
        *paragraphs,
        _lines([layout.sign_off, layout.signature]),
    ]


def _lines(lines: list[str]) -> str:
    return "\n".join(line for line in lines if line)
