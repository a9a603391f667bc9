"""A tree of visible elements as lines of Markdown: headings, list items, paragraphs, and what a page sets out
as label and value (definition lists, tables, a label in bold) as "Label: value"."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from extraction.vocabulary import by_term, comparable

_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div",
        "dl", "dt",
        "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
        "hr",
        "html", "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "section", "summary", "table",
        "tbody",
        "tfoot", "thead", "tr", "ul", "button",
    }
)  # fmt: skip
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_SPACED = frozenset(
    {"p", "ul", "ol", "dl", "table", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article"}
)
_INLINE_LABELS = frozenset({"b", "strong", "em", "i", "span", "label", "u", "font", "small"})
_BULLETS = frozenset("-*•·●▪■–◦○►▶✓✔✅")
MAX_LABEL = 48
MAX_PIECES = 3


def is_label(text: str) -> bool:
    """Whether the words are a label that we know, in any language."""
    return len(text) <= MAX_LABEL and comparable(text).strip(" :*") in by_term("labels")


def lines_of(tree: Any) -> list[str]:
    """The lines of everything in the tree; empty ones part paragraphs."""
    writer = _Writer(_with_blocks_inside(tree))
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        if isinstance(element.tag, str):
            (writer.start if event == "start" else writer.end)(element)
        if event == "end" and element is not tree:
            writer.text(element.tail)
    writer.flush()
    return writer.lines


def _with_blocks_inside(tree: Any) -> set[Any]:
    """The cells that hold more than a line, found in one pass from below."""
    holding: set[Any] = set()
    for _, element in etree.iterwalk(tree, events=("end",)):
        parent = element.getparent()
        if parent is not None and (element in holding or (element.tag in _BLOCKS and element.tag != "div")):
            holding.add(parent)
    return {element for element in holding if element.tag in {"td", "th"}}


class _Writer:
    """Takes the events of one walk. A row of plain cells is kept until it ends, then written as pairs or
    parted by bars."""

    def __init__(self, holding: set[Any]) -> None:
        self.lines: list[str] = []
        self._holding = holding
        self._parts: list[str] = []
        self._prefix = ""
        self._rows: list[list[tuple[str, bool]] | None] = []
        self._heads: list[list[str]] = []
        self._term = ""
        self._bold: list[tuple[Any, int]] = []
        self._verbatim = 0

    def start(self, element: Any) -> None:
        tag = element.tag
        if tag == "br":
            self._break()
        elif tag in {"table", "tr", "td", "th"}:
            self._start_table_part(element)
        elif tag in _BLOCKS:
            self.flush()
            if tag in _SPACED:
                self._blank()
            self._prefix = _HEADINGS.get(tag, self._prefix)
            self._verbatim += tag == "pre"
            if tag == "li":
                self._prefix = "- "
        elif tag in _INLINE_LABELS:
            self._start_inline(element)
        self.text(element.text)

    def end(self, element: Any) -> None:
        tag = element.tag
        if tag == "dt":
            self._term = self._taken()
        elif tag == "dd":
            self._write_pair(self._term, self._taken())
            self._term = ""
        elif tag in {"td", "th"}:
            if element in self._holding or not self._rows or self._rows[-1] is None:
                self.flush()
            else:
                self._rows[-1].append((self._taken(), tag == "th"))
        elif tag == "tr":
            self._write_row(self._rows.pop() if self._rows else None)
        elif tag == "table":
            self.flush()
            self._heads = self._heads[:-1]
        elif tag in _BLOCKS:
            self.flush()
            self._verbatim -= tag == "pre"
            if tag in _SPACED:
                self._blank()
        elif tag in _INLINE_LABELS and self._bold and self._bold[-1][0] is element:
            self._end_inline(*self._bold.pop())

    def text(self, text: str | None) -> None:
        if not text:
            return
        if not self._verbatim:
            self._parts.append(re.sub(r"\s+", " ", text))
            return
        for number, line in enumerate(text.split("\n")):
            if number:
                self.flush()
            self._parts.append(line)

    def flush(self) -> None:
        line = self._taken()
        if line and self._term:
            self._write(f"{self._term}:")
            self._term = ""
        if line:
            self._write(self._prefix + line)
        self._prefix = ""

    def _start_table_part(self, element: Any) -> None:
        if element.tag == "tr":
            self.flush()
            self._rows.append([])
        elif element.tag == "table":
            self.flush()
            self._heads.append([])
        elif element in self._holding or not self._rows:
            if self._rows:
                # What stands beside it heads it.
                self._write_row(self._rows[-1])
                self._rows[-1] = []
            self.flush()

    def _start_inline(self, element: Any) -> None:
        """Where a piece of text begins as another ends, style keeps the two apart; not so single letters,
        which are one word in two colours."""
        before = element.getprevious()
        touches = before is not None and not before.tail and before.tag in _INLINE_LABELS
        if touches and len(element.text or "") > 1 and self._parts and len(self._parts[-1]) > 1:
            self._parts.append(" ")
        self._bold.append((element, len(self._parts)))

    def _end_inline(self, element: Any, begin: int) -> None:
        """ "<b>Location</b> Nairobi", "<span>Location</span><span>Nairobi</span>"."""
        if begin > 3:
            return
        before, inside = "".join(self._parts[:begin]).strip(), "".join(self._parts[begin:]).strip()
        tail = (element.tail or "").strip()
        has_colon = inside.endswith((":", "：")) or tail.startswith((":", "："))
        # Of more pieces in a row, each is something for itself.
        is_followed = (bool(tail) or element.getnext() is not None) and len(element.getparent()) <= MAX_PIECES
        is_link = any(
            near is not None and near.tag == "a" for near in (element.getparent(), element.getnext())
        )
        if is_followed and not is_link and inside and not before and not has_colon and is_label(inside):
            self._parts.append(": ")

    def _break(self) -> None:
        prefix = self._prefix
        self.flush()
        self._prefix = prefix if prefix.startswith("#") else ""

    def _taken(self) -> str:
        line = re.sub(r" {2,}", " ", "".join(self._parts)).strip()
        self._parts.clear()
        return line

    def _write(self, line: str) -> None:
        self.lines.append(line)

    def _blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def _write_pair(self, label: str, value: str) -> None:
        label = label.rstrip(" :：|")
        if label and value:
            self._write(f"{label}: {value}")
        elif value:
            self._write(value)

    def _write_row(self, row: list[tuple[str, bool]] | None) -> None:
        self.flush()
        cells = [(text, is_head) for text, is_head in _without_bars(row or [])]
        texts = [text for text, _ in cells]
        if not cells:
            return
        if len(cells) == 2 and texts[0] in _BULLETS:
            self._write(f"- {texts[1]}")
            return
        heads = self._heads[-1] if self._heads else []
        if len(cells) > 1 and (all(is_head for _, is_head in cells) or all(map(is_label, texts))):
            if self._heads:
                self._heads[-1] = texts
            return
        if heads and len(heads) == len(texts) and any(map(is_label, heads)):
            for label, value in zip(heads, texts, strict=True):
                self._write_pair(label, value)
        elif len(cells) % 2 == 0 and all(_heads_a_pair(*cell) for cell in cells[::2]):
            for (label, _), value in zip(cells[::2], texts[1::2], strict=True):
                self._write_pair(label, value)
        else:
            self._write(" | ".join(texts))


def _without_bars(row: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """The cells that say something; some pages draw their lines with cells of their own."""
    cells = [(text.strip(" |"), is_head) for text, is_head in row]
    return [(text, is_head) for text, is_head in cells if text not in {"", ":"}]


def _heads_a_pair(text: str, is_head: bool) -> bool:  # noqa: FBT001 - a cell's two facts
    return len(text) <= MAX_LABEL and (is_head or text.endswith((":", "：")) or is_label(text))
