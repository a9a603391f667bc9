"""What can be read out of an exported file, held against what was put in: every field, in reading order."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from docx import Document
from pypdf import PdfReader

from drafting.exports import Template
from drafting.exports.layout import CvLayout, Layout, Section

# What stands beside the story in two columns.
_ASIDE = frozenset({"skills", "languages", "interests", "certificates"})


@dataclass(slots=True)
class Count:
    fields: int = 0
    found: int = 0
    missed: list[str] = field(default_factory=list)

    def __add__(self, other: Count) -> Count:
        return Count(self.fields + other.fields, self.found + other.found, self.missed + other.missed)

    @property
    def share(self) -> float:
        return self.found / self.fields if self.fields else 1.0


def pypdf_text(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def poppler_text(data: bytes) -> str:
    found = subprocess.run(
        [str(shutil.which("pdftotext")), "-q", "-", "-"], input=data, capture_output=True, check=True
    )
    return found.stdout.decode()


def docx_text(data: bytes) -> str:
    return "\n".join(paragraph.text for paragraph in Document(io.BytesIO(data)).paragraphs)


def pdf_readers() -> dict[str, Callable[[bytes], str]]:
    """pypdf, and poppler where it is installed."""
    return {"pypdf": pypdf_text} | ({"poppler": poppler_text} if shutil.which("pdftotext") else {})


def reading_orders(layout: Layout, template: Template | None) -> list[list[str]]:
    """The fields in the order in which a person reads them, a list for each column; without a template, as
    files in one column have them."""
    if not isinstance(layout, CvLayout):
        lines = [layout.name, *layout.contact, *layout.recipient, layout.date, layout.subject]
        body = [text for part in layout.paragraphs for text in (part.text, *part.points)]
        return [[*lines, layout.salutation, *body, layout.sign_off, layout.signature]]
    summary = [layout.summary_heading, layout.summary] if layout.summary else []
    head = [layout.name, layout.label]
    if template is not Template.TWO_COLUMN:
        return [[*head, *layout.contact, *summary, *_fields(layout.sections)]]
    aside = [section for section in layout.sections if section.key in _ASIDE]
    story = [section for section in layout.sections if section.key not in _ASIDE]
    return [
        [*head, *layout.contact, *_fields(aside)],
        [*head, *summary, *_fields(story)],
    ]


def _fields(sections: list[Section]) -> list[str]:
    found: list[str] = []
    for section in sections:
        found.append(section.heading)
        for entry in section.entries:
            found += [entry.title, *entry.details, entry.dates, entry.text, *entry.points]
        found += [text for row in section.rows for text in row]
    return found


def read_back(text: str, orders: Sequence[Sequence[str]]) -> Count:
    """How many of the fields stand in the text, each behind the one before it."""
    flat = _flat(text)
    count = Count()
    for order in orders:
        at = 0
        for value in filter(None, order):
            wanted = _flat(value)
            place = flat.find(wanted, at)
            count.fields += 1
            if place < 0:
                count.missed.append(value)
            else:
                count.found += 1
                at = place + len(wanted)
    return count


def _flat(text: str) -> str:
    """Without blanks, and without what directs or joins letters and is not seen."""
    seen = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return re.sub(r"\s+", "", unicodedata.normalize("NFC", seen))
