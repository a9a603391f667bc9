"""A layout as DOCX with Word's own styles, in one column whatever the PDF looks like: it is the file that
employers' systems take in."""

from __future__ import annotations

import io
import re
import unicodedata
from datetime import datetime
from typing import cast

from docx import Document
from docx.document import Document as DocumentType
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from drafting.exports.fonts import is_right_to_left
from drafting.exports.layout import CvLayout, Entry, Layout, LetterLayout, texts_in
from drafting.exports.look import Paper

_SIZES = {Paper.A4: (Mm(210), Mm(297)), Paper.LETTER: (Mm(215.9), Mm(279.4))}
# Word's names of its styles, and their sizes in points.
_STYLES = {
    "Normal": 10.5, "Title": 20, "Subtitle": 12, "Heading 1": 12.5, "Heading 2": 11, "List Bullet": 10.5,
}  # fmt: skip
_ACCENT = RGBColor(0x1F, 0x3A, 0x5F)
_MUTED = RGBColor(0x4A, 0x55, 0x63)
_MAIL = re.compile(r"^[^\s@]+@[^\s@]+\.[^\s@]+$")
_DOT = " · "


def docx_of(
    layout: Layout, paper: Paper, *, title: str, made_at: datetime, photo: bytes | None = None
) -> bytes:
    """The DOCX's bytes; `title` and the arguments of `pdf_of`."""
    document = Document()
    _set_up(document, layout, paper, title, made_at)
    writer = _Writer(document, is_from_right=is_right_to_left("\n".join(texts_in(layout))))
    if photo:
        document.add_picture(io.BytesIO(photo), width=Cm(2.8))
    if isinstance(layout, CvLayout):
        _write_cv(writer, layout)
    else:
        _write_letter(writer, layout)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _set_up(document: DocumentType, layout: Layout, paper: Paper, title: str, made_at: datetime) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = _SIZES[paper]
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(2)
    properties = document.core_properties
    properties.title, properties.author, properties.language = title, layout.author, layout.language
    properties.last_modified_by, properties.comments = layout.author, ""
    properties.created = properties.modified = made_at.replace(tzinfo=None)
    for name, size in _STYLES.items():
        style = cast("ParagraphStyle", document.styles[name])
        style.font.size = Pt(size)
        style.paragraph_format.space_after = Pt(4)
        if name not in ("Normal", "List Bullet"):
            style.font.color.rgb = _ACCENT
            style.paragraph_format.keep_with_next = True
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), layout.language)


class _Writer:
    def __init__(self, document: DocumentType, *, is_from_right: bool) -> None:
        self._document = document
        self._is_from_right = is_from_right

    def put(self, text: str, style: str = "Normal", *, label: str = "") -> None:
        """A paragraph; `label` stands before it in bold."""
        if text or label:
            paragraph = self._paragraph(style)
            if label and text:
                self._run(paragraph, f"{label}: ").bold = True
            self._piece(paragraph, text or label)

    def put_line(self, parts: list[str]) -> None:
        """The parts on one line, small, addresses as links."""
        paragraph: Paragraph | None = None
        for part in filter(None, parts):
            if paragraph is None:
                paragraph = self._paragraph("Normal")
            else:
                self._muted(self._run(paragraph, _DOT))
            self._piece(paragraph, part, is_muted=True)

    def put_points(self, points: list[str]) -> None:
        for point in points:
            self.put(point, "List Bullet")

    def _paragraph(self, style: str) -> Paragraph:
        paragraph = self._document.add_paragraph(style=style)
        if self._is_from_right:
            paragraph._p.get_or_add_pPr().append(OxmlElement("w:bidi"))
        return paragraph

    def _piece(self, paragraph: Paragraph, text: str, *, is_muted: bool = False) -> None:
        address = _address(text)
        run = self._run(paragraph, text)
        if is_muted:
            self._muted(run)
        if address:
            link = OxmlElement("w:hyperlink")
            relation = paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
            link.set(qn("r:id"), relation)
            run._r.addprevious(link)
            link.append(run._r)

    def _run(self, paragraph: Paragraph, text: str) -> Run:
        run = paragraph.add_run(text)
        if any(unicodedata.bidirectional(char) in ("R", "AL") for char in text):
            run.font.rtl = True
        return run

    @staticmethod
    def _muted(run: Run) -> None:
        run.font.size = Pt(9.5)
        run.font.color.rgb = _MUTED


def _address(text: str) -> str:
    """What the text leads to; nothing unless it is the address of a page or a mailbox."""
    if text.startswith(("https://", "http://")):
        return text
    return f"mailto:{text}" if _MAIL.match(text) else ""


def _write_cv(writer: _Writer, layout: CvLayout) -> None:
    writer.put(layout.name, "Title")
    writer.put(layout.label, "Subtitle")
    writer.put_line(layout.contact)
    if layout.summary:
        writer.put(layout.summary_heading, "Heading 1")
        writer.put(layout.summary)
    for section in layout.sections:
        writer.put(section.heading, "Heading 1")
        for entry in section.entries:
            _write_entry(writer, entry)
        for label, text in section.rows:
            writer.put(text, label=label)


def _write_entry(writer: _Writer, entry: Entry) -> None:
    writer.put(entry.title or entry.dates, "Heading 2")
    writer.put_line([*entry.details, entry.dates if entry.title else ""])
    writer.put(entry.text)
    writer.put_points(entry.points)


def _write_letter(writer: _Writer, layout: LetterLayout) -> None:
    writer.put(layout.name, "Title")
    writer.put_line(layout.contact)
    for line in (*layout.recipient, layout.date):
        writer.put(line)
    writer.put(layout.subject, "Heading 1")
    writer.put(layout.salutation)
    for paragraph in layout.paragraphs:
        writer.put(paragraph.text)
        writer.put_points(paragraph.points)
    writer.put(layout.sign_off)
    writer.put(layout.signature)
