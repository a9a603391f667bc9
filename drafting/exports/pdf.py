"""A draft as a PDF, set by Typst from a template of ours.

The draft reaches the template as JSON and is placed as strings, so nothing in it is ever read as markup. Only
the fonts embedded in the compiler are used, so that the same draft gives the same PDF everywhere. They draw
Latin, Greek, Cyrillic, Armenian, Georgian and Hebrew; other scripts are refused rather than printed as boxes.
The output is tagged (PDF/UA-1): its text can be read aloud, and taken out in reading order.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import typst

from drafting.errors import UnprintableScript
from drafting.exports.layout import lay_out
from drafting.facts import texts_of
from drafting.models import Draft, Kind
from drafting.resume import Resume

_TEMPLATES = Path(__file__).parent.parent / "templates" / "typst"
# What Libertinus Serif, New Computer Modern and DejaVu Sans Mono have glyphs for, tried block by block.
_DRAWN = (
    (0x20, 0x7E), (0xA0, 0x4FF), (0x530, 0x58F), (0x5D0, 0x5EA), (0x10D0, 0x10FF), (0x1E00, 0x1FFF),
    (0x2010, 0x2040), (0x2042, 0x2052), (0x2070, 0x20C0), (0x2100, 0x215F), (0x2190, 0x2286),
    (0x2288, 0x22A9), (0x25A0, 0x25FF), (0x2C60, 0x2C7F), (0xFB00, 0xFB04),
)  # fmt: skip
# Emoji, invisible joiners and private characters say nothing a CV needs and may be left out.
_DISPENSABLE = frozenset({"So", "Sk", "Cf", "Co", "Cc", "Cn", "Cs"})
# They choose between the plain and the coloured form of an emoji.
_VARIATION_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
_CHARACTERS_SHOWN = 10


def pdf_of(draft: Draft) -> bytes:
    """The PDF's bytes. Raises UnprintableScript when the fonts lack letters of the draft."""
    if draft.kind == Kind.CV:
        template, data = "cv.typ", asdict(lay_out(draft.content, draft.language, draft.sections))
    else:
        template, data = "letter.typ", draft.content
    return typeset(template, printable(data) | {"document_title": str(draft)}, draft)


def cv_pages(content: Resume, language: str, sections: Sequence[str]) -> int:
    """How many pages the CV takes. Raises UnprintableScript when the fonts lack letters of it."""
    data = printable(asdict(lay_out(content, language, sections))) | {"document_title": ""}
    found = json.loads(_compiler("cv.typ", data).query("<pages>", field="value", one=True))
    return int(found)


def _compiler(template: str, data: dict[str, Any]) -> typst.Compiler:
    return typst.Compiler(
        _TEMPLATES / template,
        root=_TEMPLATES,
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )


def typeset(template: str, data: dict[str, Any], draft: Draft) -> bytes:
    compiler = _compiler(template, data)
    made_at = draft.created_at.replace(microsecond=0)  # Typst refuses fractions of a second.
    result = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=made_at)
    # The compiler returns one document; several only for formats of one page each.
    return cast("bytes", result)


def printable(value: Any) -> Any:
    """The JSON value without characters that can be spared; raises UnprintableScript for the others."""
    missing = sorted({char for text in texts_of(value) for char in text if _is_missing(char)})
    if missing:
        raise UnprintableScript(details={"characters": missing[:_CHARACTERS_SHOWN]})
    return _without_dispensable(value)


def _is_drawn(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _DRAWN)


def _is_missing(char: str) -> bool:
    is_dispensable = unicodedata.category(char) in _DISPENSABLE or char in _VARIATION_SELECTORS
    return not _is_drawn(char) and not is_dispensable and not char.isspace()


def _without_dispensable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_dispensable(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_dispensable(member) for member in value]
    if isinstance(value, str):
        kept = "".join(char for char in value if _is_drawn(char) or char.isspace())
        return re.sub(r"[^\S\n]+", " ", kept).strip()
    return value
