"""The table in a PDF's font that says which text each code stands for, extended by codes of our own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, cast

from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    FloatObject,
    NameObject,
    NumberObject,
    StreamObject,
)

_MAPPED = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]*)>")
_MOST_IN_A_BLOCK = 100
_HEAD = b"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
"""
_TAIL = b"endcmap CMapName currentdict /CMap defineresource pop end end"


@dataclass
class GlyphTable:
    """A font whose codes are its glyphs' numbers, until a glyph needs a second text."""

    dictionary: Any
    texts: dict[int, str]
    widths: dict[int, float]
    last: int = 0
    codes: dict[tuple[int, str], int] = field(default_factory=dict)
    added: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, dictionary: Any) -> GlyphTable | None:
        if dictionary["/Subtype"] != "/Type0" or "/ToUnicode" not in dictionary:
            return None
        descendant = dictionary["/DescendantFonts"][0].get_object()
        if descendant.get("/CIDToGIDMap") != "/Identity":
            return None
        table = cast("StreamObject", dictionary["/ToUnicode"].get_object()).get_data()
        texts = {
            int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be")
            for code, text in _MAPPED.findall(table.partition(b"endcodespacerange")[2])
        }
        widths = _widths(descendant["/W"])
        codes = {(glyph, text): glyph for glyph, text in texts.items()}
        return cls(dictionary, texts, widths, max([0, *widths, *texts]), codes)

    def code(self, glyph: int, text: str) -> int:
        """The code that draws this glyph and stands for this text."""
        if (glyph, text) not in self.codes:
            if glyph not in self.texts:
                self.texts[glyph] = text
                self.codes[glyph, text] = glyph
            else:
                self.added.append(glyph)
                self.codes[glyph, text] = self.last + len(self.added)
        return self.codes[glyph, text]

    def store(self, writer: PdfWriter) -> None:
        descendant = self.dictionary["/DescendantFonts"][0].get_object()
        glyphs = [*range(self.last + 1), *self.added]
        glyph_map = StreamObject()
        glyph_map.set_data(b"".join(glyph.to_bytes(2, "big") for glyph in glyphs))
        descendant[NameObject("/CIDToGIDMap")] = writer._add_object(glyph_map.flate_encode())
        widths = ArrayObject(FloatObject(self.widths.get(glyph, 0)) for glyph in glyphs)
        descendant[NameObject("/W")] = ArrayObject([NumberObject(0), widths])
        # It lists the codes that are used, is optional, and would now be wrong.
        descendant["/FontDescriptor"].get_object().pop("/CIDSet", None)
        self.dictionary[NameObject("/ToUnicode")] = writer._add_object(self._table().flate_encode())

    def _table(self) -> StreamObject:
        rows = [
            f"<{code:04X}> <{text.encode('utf-16-be').hex().upper()}>\n".encode()
            for (_, text), code in sorted(self.codes.items(), key=lambda item: item[1])
        ]
        blocks = [rows[start : start + _MOST_IN_A_BLOCK] for start in range(0, len(rows), _MOST_IN_A_BLOCK)]
        table = StreamObject()
        table.set_data(
            _HEAD
            + b"".join(b"%d beginbfchar\n%bendbfchar\n" % (len(block), b"".join(block)) for block in blocks)
            + _TAIL
        )
        return table


def _widths(array: ArrayObject) -> dict[int, float]:
    """`/W` as glyph → width: `first last width` or `first [width …]`."""
    widths: dict[int, float] = {}
    values = [value.get_object() for value in array]
    at = 0
    while at < len(values):
        first = int(values[at])
        if isinstance(values[at + 1], list):
            widths |= {first + n: float(width) for n, width in enumerate(values[at + 1])}
            at += 2
        else:
            widths |= dict.fromkeys(range(first, int(values[at + 1]) + 1), float(values[at + 2]))
            at += 3
    return widths
