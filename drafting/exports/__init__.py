"""A draft as a file."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from accounts.concurrency import in_parsing_thread
from drafting.errors import ExportTimedOut
from drafting.exports.file_names import document_title
from drafting.exports.layout import Layout, layout_of
from drafting.exports.look import Look, Paper, Template
from drafting.exports.markdown import markdown_of
from drafting.exports.photo import photo_in
from drafting.exports.plain_text import plain_text_of
from drafting.models import Draft, Kind
from drafting.resume import Resume

__all__ = [
    "CONTENT_TYPES",
    "Export",
    "ExportWarning",
    "FileFormat",
    "Look",
    "Paper",
    "Template",
    "cv_pages",
    "export",
    "file_of",
]

TIMEOUT_SECONDS = 20


class FileFormat(StrEnum):
    PDF = "pdf"
    DOCX = "docx"
    TXT = "txt"
    MD = "md"
    JSON = "json"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class ExportWarning:
    """What a file had to do without: `characters_left_out` (those that no font draws), `no_photo` (it was
    asked for, and the profile holds none)."""

    code: str
    characters: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Export:
    data: bytes
    content_type: str
    file_name: str
    warnings: list[ExportWarning]


async def export(draft: Draft, file_format: FileFormat, look: Look, *, photo: bool = False) -> Export:
    """The draft as a file; template and paper hold for PDF and DOCX (which has one look, and the template's
    order), `photo` shows the profile's picture. Raises ExportTimedOut."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await in_parsing_thread(file_of, draft, file_format, look, photo=photo)
    except TimeoutError as error:
        raise ExportTimedOut from error


def file_of(draft: Draft, file_format: FileFormat, look: Look, *, photo: bool = False) -> Export:
    """`export` for who may wait."""
    work = _Work(draft, look, photo=photo)
    write, content_type = _FORMATS[file_format]
    return Export(write(work), content_type, f"{work.title}.{file_format}", work.warnings)


def cv_pages(content: Resume, language: str, sections: Sequence[str]) -> int:
    """How many pages the CV takes in the first template on A4, without a photo."""
    from drafting.exports.pdf import pages_of

    return pages_of(content, language, sections)


class _Work:
    """What the files of one draft have in common, and what came up while they were made."""

    def __init__(self, draft: Draft, look: Look, *, photo: bool) -> None:
        self.draft = draft
        self.look = look
        self.layout: Layout = layout_of(draft, look.template)
        self.title = document_title(draft, self.layout)
        self.warnings: list[ExportWarning] = []
        self.photo: bytes | None = None
        if photo and draft.kind == Kind.CV:
            self.photo = photo_in(draft.content)
            if self.photo is None:
                self.warnings.append(ExportWarning("no_photo"))


def _pdf(work: _Work) -> bytes:
    # Late, so that a process which makes no files does not hold the compiler and its fonts.
    from drafting.exports.pdf import pdf_of

    pdf = pdf_of(work.layout, work.look, title=work.title, made_at=work.draft.created_at, photo=work.photo)
    if pdf.missing:
        work.warnings.append(ExportWarning("characters_left_out", pdf.missing))
    return pdf.data


def _docx(work: _Work) -> bytes:
    from drafting.exports.docx import docx_of

    return docx_of(
        work.layout, work.look.paper, title=work.title, made_at=work.draft.created_at, photo=work.photo
    )


def _txt(work: _Work) -> bytes:
    return plain_text_of(work.layout).encode()


def _markdown(work: _Work) -> bytes:
    return markdown_of(work.layout).encode()


def _json(work: _Work) -> bytes:
    """A JSON Resume that imports again, or the letter's parts."""
    return json.dumps(work.draft.content, ensure_ascii=False, indent=2).encode()


def _zip(work: _Work) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file_format, (write, _) in _FORMATS.items():
            if file_format != FileFormat.ZIP:
                entry = zipfile.ZipInfo(f"{work.title}.{file_format}", work.draft.created_at.timetuple()[:6])
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, write(work))
    return out.getvalue()


_FORMATS: dict[FileFormat, tuple[Callable[[_Work], bytes], str]] = {
    FileFormat.PDF: (_pdf, "application/pdf"),
    FileFormat.DOCX: (_docx, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    FileFormat.TXT: (_txt, "text/plain; charset=utf-8"),
    FileFormat.MD: (_markdown, "text/markdown; charset=utf-8"),
    FileFormat.JSON: (_json, "application/json"),
    FileFormat.ZIP: (_zip, "application/zip"),
}
CONTENT_TYPES = tuple(content_type for _, content_type in _FORMATS.values())
