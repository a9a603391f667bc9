"""File names that an employer can keep: "Amina Otieno - CV - Northwind Freight.pdf"."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from anyascii import anyascii

from drafting.exports.layout import Layout, composed
from drafting.language import language_of
from drafting.models import Draft

# What Windows, macOS or a header refuses, and what only directs text and is not seen.
_REFUSED = re.compile(r'[\\/:*?"<>|%;]+')
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LONGEST_PART = 60


def document_title(draft: Draft, layout: Layout) -> str:
    """Whose document it is, what it is, and for whom: the employer, else the job."""
    headings = language_of(draft.language).headings
    parts = [layout.author, headings[draft.kind], draft.hiring_organization or draft.title]
    return " - ".join(part for part in map(_part, parts) if part)


def _part(text: str) -> str:
    seen = "".join(char for char in composed(text) if unicodedata.category(char) not in _UNSEEN)
    plain = " ".join(_REFUSED.sub(" ", seen).split()).strip(" .-")
    return (
        plain
        if len(plain) <= _LONGEST_PART
        else plain[:_LONGEST_PART].rpartition(" ")[0] or plain[:_LONGEST_PART]
    )


def content_disposition(file_name: str) -> str:
    """RFC 6266: the name in UTF-8 for today's programs, and in ASCII letters for the others."""
    ascii_name = " ".join(_REFUSED.sub(" ", anyascii(file_name)).split())
    if ascii_name == file_name:
        return f'attachment; filename="{file_name}"'
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(file_name, safe='')}"
