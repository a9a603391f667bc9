"""What was sent, told by its content and not by its name, and read into a text or a resume."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from accounts.concurrency import in_parsing_thread
from accounts.nesting import refuse_deep
from drafting.imports.archives import Archive
from drafting.imports.docx import BODY, read_docx
from drafting.imports.errors import (
    DocumentTooLarge,
    DocumentWithMacros,
    EncryptedDocument,
    NotACv,
    ScannedDocument,
    UnreadableDocument,
    UnsupportedDocument,
)
from drafting.imports.linkedin import PROFILE, read_linkedin
from drafting.imports.review import Review
from drafting.resume import MAX_BYTES as MAX_RESUME
from drafting.resume import normalised_resume
from extraction import images
from extraction.charsets import decoded
from extraction.errors import ImageTooLarge, NotAnImage, NotAPdf, PdfTooLarge
from extraction.pdf.reader import MAX_BYTES, MAX_PICTURES, PdfContent, read_pdf
from extraction.visible.page import tidy
from providers.adapters.base import Image

MAX_CHARACTERS = 60_000
LEAST_CHARACTERS = 120
_LEAST_WORDS = 15
# Microsoft's older container: .doc, and every DOCX with a password.
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_PHOTOS = (b"\x89PNG", b"\xff\xd8\xff")
_OTHER_KINDS = (b"GIF8", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"MZ", b"\x7fELF")
_DIVIDED = re.compile(r"(?<=[^\W\d_])-\n(?=[a-zß-öø-ÿа-яα-ω])")
_ENDLESS = re.compile(r"(\S{400})(?=\S)")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MARKDOWN = re.compile(r"(?m)^#{1,6}\s+|(?<!\w)[*_]{2}(?=\S)|(?<=\S)[*_]{2}(?!\w)|^\s*(?:[-*_]\s*){3,}$")
_MARKDOWN_LINK = re.compile(r"\[([^\]\n]+)\]\(((?:https?://|mailto:)[^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Document:
    """`text` is for a model to read, `pictures` of pages for one that sees; a `review` needs none. One of the
    three is there."""

    kind: str
    text: str = field(default="", repr=False)
    pictures: tuple[Image, ...] = field(default=(), repr=False)
    review: Review | None = field(default=None, repr=False)


async def read_document(content: bytes, *, as_pictures: bool = False) -> Document:
    """What was uploaded. `as_pictures`: pages without a text may be shown to a model as they are. Raises the
    errors of `drafting.imports.errors`, and InvalidProfile for JSON that is no resume."""
    if len(content) > MAX_BYTES:
        raise DocumentTooLarge(details={"limit_bytes": MAX_BYTES})
    if b"%PDF-" in content[:1024]:
        pdf = await _pdf(content)
        if pdf.pictures:
            return await _scan([one.data for one in pdf.pictures], pages=pdf.pages, allowed=as_pictures)
        # A word divided at a line's end is one word.
        return Document("pdf", checked_text(_DIVIDED.sub("", pdf.text)))
    if content.startswith(_PHOTOS):
        return await _scan([content], pages=1, allowed=as_pictures)
    return await in_parsing_thread(_read_other, content)


def read_pasted(text: str) -> Document:
    """A text that was sent as such. Raises NotACv or DocumentTooLarge."""
    return Document("text", checked_text(_without_markdown(text)))


async def _scan(pages_shown: list[bytes], *, pages: int, allowed: bool) -> Document:
    if not allowed:
        raise ScannedDocument(details={"reason": "not_allowed"})
    if pages > len(pages_shown):
        raise DocumentTooLarge(details={"limit_pages_as_pictures": MAX_PICTURES})
    try:
        pictures = [await in_parsing_thread(images.prepare, page) for page in pages_shown]
    except ImageTooLarge as error:
        raise DocumentTooLarge(details=error.details) from error
    except NotAnImage as error:
        raise UnreadableDocument(details={"reason": "damaged"}) from error
    return Document("pictures", pictures=tuple(pictures))


async def _pdf(content: bytes) -> PdfContent:
    try:
        return await read_pdf(content)
    except PdfTooLarge as error:
        raise DocumentTooLarge(details=error.details) from error
    except NotAPdf as error:
        reason = error.details.get("reason")
        if reason == "encrypted":
            raise EncryptedDocument from error
        if reason == "empty":
            raise NotACv(details={"reason": "empty"}) from error
        raise UnreadableDocument(details={"reason": reason}) from error


def _read_other(content: bytes) -> Document:
    if content.startswith(_COMPOUND):
        if _ENCRYPTED_PACKAGE in content:
            raise EncryptedDocument
        raise UnsupportedDocument(details={"reason": "legacy_word"})
    if content.startswith(b"PK"):
        return _read_archive(Archive(content))
    if content.startswith(_OTHER_KINDS) or (b"\0" in content and not content.startswith(_UTF_16)):
        raise UnsupportedDocument(details={"reason": "binary"})
    if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
        return Document("json", review=_read_json(content))
    return read_pasted(decoded(content))


def _read_archive(archive: Archive) -> Document:
    if BODY in archive.names and "[Content_Types].xml" in archive.names:
        return Document("docx", checked_text(read_docx(archive)))
    if any(name.rpartition("/")[2].casefold() == PROFILE.casefold() for name in archive.names):
        return Document("linkedin", review=read_linkedin(archive))
    if any(name.endswith(("vbaProject.bin",)) for name in archive.names):
        raise DocumentWithMacros
    raise UnsupportedDocument(details={"reason": "archive"})


def _read_json(content: bytes) -> Review:
    if len(content) > MAX_RESUME:
        raise DocumentTooLarge(details={"limit_bytes": MAX_RESUME})
    try:
        document = json.loads(content.decode("utf-8-sig"))
        refuse_deep(document)
    except (ValueError, RecursionError) as error:
        raise UnreadableDocument(details={"reason": "damaged"}) from error
    read = normalised_resume(document)
    return Review(resume=read.resume, changes=read.changes)


def _without_markdown(text: str) -> str:
    return _MARKDOWN.sub("", _MARKDOWN_LINK.sub(r"\1 \2", text)).replace("mailto:", "")


def checked_text(text: str) -> str:
    """The text, tidied, when there is enough of it to be somebody's CV, and not more than is read."""
    if len(text) > MAX_CHARACTERS:
        raise DocumentTooLarge(details={"limit_characters": MAX_CHARACTERS})
    # No word is that long; looking for addresses in one takes time that grows with its square.
    text = _ENDLESS.sub(r"\1\n", tidy(text))
    if not text:
        raise NotACv(details={"reason": "empty"})
    has_spaces = len(text.split()) >= len(text) / 25
    if len(text) < (LEAST_CHARACTERS if has_spaces else 40) or (
        has_spaces and len(text.split()) < _LEAST_WORDS
    ):
        raise NotACv(details={"reason": "thin"})
    return text
