"""The text that each glyph of a PDF stands for, put right for readers that take a PDF apart glyph by glyph.

Where several glyphs make one character (marks, conjuncts), the compiler says what they stand for beside them
(ActualText), or says it of each of them. Many programs that read CVs heed neither: they look every glyph up
in its font's table, and find a mark doubled, or a letter that another word needed. Here every glyph and text
get a code of their own: the first glyph of a cluster stands for all of it, the others for nothing.
"""

from __future__ import annotations

import io
import itertools
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

from pypdf import PageObject, PdfWriter
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    ContentStream,
    DictionaryObject,
    NameObject,
    TextStringObject,
)

from drafting.exports.glyph_table import GlyphTable
from drafting.exports.glyphs import Glyph, glyphs_in

_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_OTHERWISE = frozenset({"L", "EN", "AN"})


def with_exact_text(pdf: bytes, text: str, *, is_right_to_left: bool) -> bytes:
    """The PDF, drawn the same, in which glyph after glyph gives each character once, in reading order.

    Takes what `typst.Compiler` makes with TrueType fonts; other fonts are left as they are. `text` is what
    those fonts draw; if one of its characters did not come out, the PDF is given back unchanged.
    `is_right_to_left` says in which direction its paragraphs run."""
    writer = PdfWriter(clone_from=io.BytesIO(pdf))
    fonts: dict[int, GlyphTable | None] = {}
    # All glyphs are seen before any gets a second code, which must be nobody else's.
    pages = [_Page.of(page, fonts) for page in writer.pages]
    said: Counter[str] = Counter()
    for page in pages:
        page.rewrite(is_right_to_left=is_right_to_left)
        said.update(char for glyph in page.glyphs for char in glyph.text)
    if Counter("".join(text.split())) - said:
        return pdf
    for font in fonts.values():
        if font is not None:
            font.store(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@dataclass(slots=True)
class _Page:
    page: PageObject
    content: ContentStream
    glyphs: list[Glyph]

    @classmethod
    def of(cls, page: PageObject, fonts: dict[int, GlyphTable | None]) -> _Page:
        by_name = {}
        resources = cast("DictionaryObject", page["/Resources"])
        for name, reference in cast("DictionaryObject", resources.get("/Font", {})).items():
            key = reference.idnum
            if key not in fonts:
                fonts[key] = GlyphTable.of(reference.get_object())
            by_name[name] = fonts[key]
        content = cast("ContentStream", page.get_contents())
        return cls(page, content, glyphs_in(content.operations, by_name))

    def rewrite(self, *, is_right_to_left: bool) -> None:
        for line in _lines(self.glyphs):
            _forget_repeats(line)
            runs = _right_to_left(line, is_right_to_left=is_right_to_left)
            for run in runs:
                _say_in_order(run)
            if runs or is_right_to_left:
                _mark_ends(line, runs, is_right_to_left=is_right_to_left)
        by_place: dict[int, list[Glyph]] = {}
        for glyph in self.glyphs:
            by_place.setdefault(glyph.operation, []).append(glyph)
        rewritten: list[Any] = []
        for place, operation in enumerate(self.content.operations):
            rewritten += _recoded(operation, by_place[place]) if place in by_place else [operation]
        self.content.operations = rewritten
        self.page.replace_contents(self.content)
        self.page.compress_content_streams()


def _lines(glyphs: list[Glyph]) -> list[list[Glyph]]:
    lines: list[list[Glyph]] = []
    for glyph in glyphs:
        if lines and glyph.is_on_line_of(lines[-1][-1]):
            lines[-1].append(glyph)
        else:
            lines.append([glyph])
    return lines


def _forget_repeats(line: list[Glyph]) -> None:
    """A mark above or below its place is drawn by itself, and says again what its letter says; so does what
    is left of the letter behind it."""
    in_one_hand: dict[tuple[int, float], list[Glyph]] = {}
    for glyph in line:
        in_one_hand.setdefault((id(glyph.font), glyph.size), []).append(glyph)
    for glyphs in in_one_hand.values():
        heights = [round(glyph.y, 2) for glyph in glyphs]
        _forget_repeats_beside(glyphs, level=max(dict.fromkeys(heights), key=heights.count))


def _forget_repeats_beside(glyphs: list[Glyph], *, level: float) -> None:
    pieces = [list(piece) for _, piece in itertools.groupby(glyphs, key=lambda glyph: glyph.operation)]
    base: Glyph | None = None
    was_raised = False
    for place, piece in enumerate(pieces):
        if round(piece[0].y, 2) == level:
            rest = piece[0]
            if was_raised and base and base.cluster == rest.cluster and base.number != rest.number:
                rest.forget()
            base, was_raised = piece[-1], False
            continue
        after = next((other[0] for other in pieces[place:] if round(other[0].y, 2) == level), None)
        clusters = {other.cluster for other in (base, after) if other is not None}
        if clusters.issuperset(glyph.cluster for glyph in piece):
            was_raised = True
            for glyph in piece:
                glyph.forget()


def _right_to_left(line: list[Glyph], *, is_right_to_left: bool) -> list[list[Glyph]]:
    """The runs of right-to-left text. The compiler draws each from left to right, in as many pieces as it
    has words and raised marks, and the next run to the left of it."""
    runs: list[list[Glyph]] = []
    last: Glyph | None = None
    between: list[Glyph] = []

    def end(between: list[Glyph]) -> None:
        # In a text from right to left, what stands to the right of a word stands before it.
        if is_right_to_left and between:
            runs[-1].extend(between)

    for glyph in line:
        follows = last is not None and glyph.x >= (between or [last])[-1].x
        if glyph.is_reversed or _has(glyph.cluster, _RIGHT_TO_LEFT):
            if follows:
                runs[-1] += [*between, glyph]
            else:
                end(between)
                runs.append([glyph])
            last, between = glyph, []
        elif follows and not _has(glyph.cluster, _OTHERWISE):
            between.append(glyph)
        else:
            end(between)
            last, between = None, []
    end(between)
    return runs


def _has(text: str, classes: frozenset[str]) -> bool:
    return any(unicodedata.bidirectional(char) in classes for char in text)


def _say_in_order(run: list[Glyph]) -> None:
    """Let the first glyph stand for the whole run as it is read, for programs that take glyphs as they come,
    and each say beside the table what it is, for those that go by places and turn round what they find."""
    text = "".join(glyph.text for glyph in reversed(run))
    for glyph in run:
        if glyph.passage is None:
            glyph.says = glyph.text[::-1]
        elif glyph.text:
            glyph.passage.say(glyph.text[::-1])
        glyph.text = ""
    # A single letter turns the direction of what follows in pypdf; a mark of direction beside it does not.
    run[0].text = text if len(text) > 1 else text + "\N{RIGHT-TO-LEFT MARK}"


def _mark_ends(line: list[Glyph], runs: list[list[Glyph]], *, is_right_to_left: bool) -> None:
    """Close what ends on a sign with a mark of its direction, which poppler reads beside the table: it takes
    a sign between words of two directions for part of the one that it comes from."""
    in_runs = {id(glyph) for run in runs for glyph in run}
    pieces: list[list[Glyph]] = [[]]
    for glyph in line:
        if id(glyph) in in_runs:
            pieces.append([])
        elif pieces[-1] and glyph.x < pieces[-1][-1].x:
            pieces.append([glyph])
        else:
            pieces[-1].append(glyph)
    if not is_right_to_left:
        for piece in filter(None, pieces[1:]):
            _enclose(piece, before="\N{LEFT-TO-RIGHT MARK}")
        return
    for run in runs:
        _enclose(run, before="\N{RIGHT-TO-LEFT MARK}", after="\N{RIGHT-TO-LEFT MARK}")
    for piece in filter(None, pieces):
        if any(_has(glyph.cluster, _OTHERWISE) for glyph in piece):
            _enclose(piece, after="\N{LEFT-TO-RIGHT MARK}")
        else:
            _enclose(piece, before="\N{RIGHT-TO-LEFT MARK}", after="\N{RIGHT-TO-LEFT MARK}")


def _enclose(glyphs: list[Glyph], *, before: str = "", after: str = "") -> None:
    """Let the first sign say the one mark and the last the other, where signs stand first and last; and part
    signs that stand together."""
    seen = [glyph for glyph in glyphs if glyph.cluster.strip()]
    for place, glyph in enumerate(seen):
        if glyph.passage is not None or not _is_sign(glyph):
            continue
        is_led = place == 0 or (before == after and _is_sign(seen[place - 1]))
        left, right = before if is_led else "", after if place == len(seen) - 1 else ""
        if left or right:
            glyph.says = left + (glyph.says if glyph.says is not None else glyph.text) + right


def _is_sign(glyph: Glyph) -> bool:
    return not _has(glyph.cluster, _RIGHT_TO_LEFT | _OTHERWISE)


def _recoded(operation: Any, glyphs: list[Glyph]) -> list[Any]:
    operands, operator = operation
    parts = list(operands[0]) if operator == b"TJ" else list(operands)
    out: list[Any] = []
    pending = ArrayObject()
    for place, part in enumerate(parts):
        here = [glyph for glyph in glyphs if glyph.part == place]
        if not here:
            pending.append(part)
            continue
        for glyph in here:
            code = ByteStringObject(glyph.font.code(glyph.number, glyph.text).to_bytes(2, "big"))
            if glyph.says is None:
                pending.append(code)
                continue
            if any(isinstance(waiting, bytes) for waiting in pending):
                out.append(([_joined(pending)], b"TJ"))
                pending = ArrayObject()
            properties = DictionaryObject({NameObject("/ActualText"): TextStringObject(glyph.says)})
            out += [
                ([NameObject("/Span"), properties], b"BDC"),
                ([ArrayObject([*pending, code])], b"TJ"),
                ([], b"EMC"),
            ]
            pending = ArrayObject()
    return [*out, ([_joined(pending)], b"TJ")] if pending else out


def _joined(parts: ArrayObject) -> ArrayObject:
    """The array with neighbouring codes in one string."""
    joined = ArrayObject()
    for part in parts:
        if isinstance(part, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] = ByteStringObject(joined[-1] + part)
        else:
            joined.append(part)
    return joined
