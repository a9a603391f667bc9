"""The glyphs of a page of a PDF: where each is drawn, and which text it was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from drafting.exports.glyph_table import GlyphTable


@dataclass(slots=True)
class Passage:
    """Marked content: whether it is a right-to-left word, and the text that stands for it, if one does."""

    is_reversed: bool
    properties: DictionaryObject | None = None
    is_taken: bool = False

    @property
    def text(self) -> str:
        return str(self.properties["/ActualText"]) if self.properties is not None else ""

    def say(self, text: str) -> None:
        if self.properties is not None:
            self.properties[NameObject("/ActualText")] = TextStringObject(text)


@dataclass(slots=True)
class Glyph:
    """A glyph where it is drawn. `cluster` is the text it was given, alone or with others; `text` its own."""

    operation: int
    part: int
    font: GlyphTable
    number: int
    x: float
    y: float
    size: float
    is_reversed: bool
    passage: Passage | None
    cluster: str
    text: str
    says: str | None = None

    def is_on_line_of(self, other: Glyph) -> bool:
        return abs(self.y - other.y) < self.size / 2

    def forget(self) -> None:
        self.text = ""
        if self.passage is not None:
            self.passage.say("")


def glyphs_in(operations: list[Any], fonts: dict[str, GlyphTable | None]) -> list[Glyph]:
    """The glyphs in the order in which they are drawn; of a passage's, the first has its text."""
    reader = _Reader(fonts)
    for place, (operands, operator) in enumerate(operations):
        reader.take(place, operands, operator)
    return reader.found


@dataclass(slots=True)
class _Reader:
    fonts: dict[str, GlyphTable | None]
    found: list[Glyph] = field(default_factory=list)
    _font: GlyphTable | None = None
    _size: float = 0
    _origin: tuple[float, float] = (0, 0)
    _at: tuple[float, float] = (0, 0)
    _passages: list[Passage] = field(default_factory=list)

    def take(self, place: int, operands: list[Any], operator: bytes) -> None:
        match operator:
            case b"cm":
                self._origin = (float(operands[4]), float(operands[5]))
            case b"Tf":
                self._font, self._size = self.fonts.get(operands[0]), float(operands[1])
            case b"Tm":
                left, top = self._origin
                self._at = (left + float(operands[4]), top - float(operands[5]))
            case b"BDC" | b"BMC":
                self._passages.append(_passage(operands))
            case b"EMC":
                self._passages.pop()
            case b"Tj" | b"TJ" if self._font is not None:
                for part, shown in enumerate(operands[0] if operator == b"TJ" else operands):
                    self.found += [self._glyph(self._font, place, part, number) for number in _numbers(shown)]

    def _glyph(self, font: GlyphTable, place: int, part: int, number: int) -> Glyph:
        font.last = max(font.last, number)
        said = next((one for one in reversed(self._passages) if one.properties is not None), None)
        cluster = said.text if said else font.texts.get(number, "")
        text = "" if said and said.is_taken else cluster
        if said:
            said.is_taken = True
        is_reversed = any(passage.is_reversed for passage in self._passages)
        return Glyph(place, part, font, number, *self._at, self._size, is_reversed, said, cluster, text)


def _passage(operands: list[Any]) -> Passage:
    properties = operands[1] if len(operands) > 1 else None
    has_text = isinstance(properties, DictionaryObject) and "/ActualText" in properties
    return Passage(operands[0] == "/ReversedChars", properties if has_text else None)


def _numbers(shown: Any) -> list[int]:
    raw = getattr(shown, "original_bytes", b"")
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
