"""A draft as a PDF, set by Typst from one of our templates.

The draft reaches the template as JSON and is placed as strings, so nothing in it is ever read as markup. The
output is tagged (PDF/UA-1): its text can be read aloud, and taken out in reading order.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import typst

from drafting.exports.fonts import (
    SANS,
    SERIF,
    families_for,
    family_of,
    fonts,
    is_in_our_fonts,
    is_right_to_left,
)
from drafting.exports.glyph_text import with_exact_text
from drafting.exports.layout import Layout, lay_out, texts_in
from drafting.exports.look import Look, Paper, Template
from drafting.resume import Resume

_TEMPLATES = Path(__file__).parent.parent / "templates" / "typst"
# In place of a letter that no font draws; signs and emoji are left out.
_INSTEAD = "?"
# They join letters in Persian and Hindi, and are drawn as nothing.
_JOINERS = frozenset("\u200c\u200d")


@dataclass(frozen=True, slots=True)
class Pdf:
    data: bytes
    missing: list[str]


def pdf_of(layout: Layout, look: Look, *, title: str, made_at: datetime, photo: bytes | None = None) -> Pdf:
    """The layout as PDF, and the characters that no font draws. `title` is the document's, `photo` a JPEG."""
    compiler, missing = _compiler(layout, look, title=title, photo=photo)
    made_at = made_at.replace(microsecond=0)  # Typst refuses fractions of a second.
    # The compiler returns one document; several only for formats of one page each.
    data = cast("bytes", compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=made_at))
    text = _text_of(layout)
    drawn = "".join(char for char in text if is_in_our_fonts(char))
    return Pdf(with_exact_text(data, drawn, is_right_to_left=is_right_to_left(text)), missing)


def pictures_of(layout: Layout, look: Look, *, ppi: int, photo: bytes | None = None) -> list[bytes]:
    """The pages as PNG."""
    compiler, _ = _compiler(layout, look, title="", photo=photo)
    found = compiler.compile(format="png", ppi=ppi)
    return list(found) if isinstance(found, list) else [cast("bytes", found)]


def pages_of(content: Resume, language: str, sections: Sequence[str]) -> int:
    """How many pages the CV takes in the first template on A4, without a photo."""
    compiler, _ = _compiler(lay_out(content, language, sections), Look(), title="", photo=None)
    return int(json.loads(compiler.query("<pages>", field="value", one=True)))


def _compiler(
    layout: Layout, look: Look, *, title: str, photo: bytes | None
) -> tuple[typst.Compiler, list[str]]:
    text = _text_of(layout)
    missing = [char for char in dict.fromkeys(text) if not _is_drawn(char)]
    data = asdict(layout) | {
        "author": layout.author,
        "title": title,
        "paper": "us-letter" if look.paper == Paper.LETTER else "a4",
        "is_right_to_left": is_right_to_left(text),
        "fonts": families_for(text, SERIF if look.template == Template.ACADEMIC else SANS),
        "photo": list(photo) if photo else None,
    }
    compiler = typst.Compiler(
        _TEMPLATES / f"{look.template}.typ",
        root=_TEMPLATES,
        font_paths=fonts(),
        sys_inputs={"data": json.dumps(_drawable(data, frozenset(missing)), ensure_ascii=False)},
    )
    return compiler, missing


def _text_of(layout: Layout) -> str:
    return "\n".join(texts_in(layout))


def _is_drawn(char: str) -> bool:
    return char.isspace() or char in _JOINERS or family_of(char) is not None


def _drawable(value: Any, missing: frozenset[str]) -> Any:
    """The JSON value without the missing characters."""
    if isinstance(value, dict):
        return {key: _drawable(member, missing) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_drawable(member, missing) for member in value]
    if isinstance(value, str) and not missing.isdisjoint(value):
        kept = "".join(_in_place_of(char) if char in missing else char for char in value)
        return re.sub(r"\s+", " ", kept).strip()
    return value


def _in_place_of(char: str) -> str:
    return _INSTEAD if unicodedata.category(char)[0] in "LN" else ""
