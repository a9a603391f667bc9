"""The text of a DOCX in reading order: paragraphs, tables row by row, text boxes, the header before the body.

Read from its XML directly: no entity is resolved, nothing is fetched, and nothing but text is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from drafting.imports.archives import Archive
from drafting.imports.errors import DocumentWithMacros, UnreadableDocument

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_R_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PART = re.compile(r"word/header\d*\.xml")
_LINK_TARGETS = "word/_rels/document.xml.rels"
BODY = "word/document.xml"
_BREAKS = {f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}tab": "\t", f"{_W}noBreakHyphen": "-"}
# What was deleted, what fields are made of, and the older of two pictures of the same thing.
_SKIPPED = frozenset({f"{_W}del", f"{_W}moveFrom", f"{_W}instrText", f"{_COMPATIBILITY}Fallback"})
_MAX_DEPTH = 200


def read_docx(archive: Archive) -> str:
    """Raises DocumentWithMacros, UnreadableDocument, DocumentTooLarge."""
    if any(name.lower().endswith(("vbaproject.bin", "vbadata.xml")) for name in archive.names):
        raise DocumentWithMacros
    if b"macroEnabled" in archive.read("[Content_Types].xml"):
        raise DocumentWithMacros
    links = _links(archive)
    headers = sorted(name for name in archive.names if _PART.fullmatch(name))
    parts = [_tree(archive, name) for name in (*headers, BODY)]
    lines = [line for part in parts for line in _lines(part, links)]
    return "\n".join(_without_twins(lines, of=len(headers)))


def _links(archive: Archive) -> dict[str, str]:
    """Addresses that stand behind words, by relationship."""
    if _LINK_TARGETS not in archive.names:
        return {}
    return {
        str(relation.get("Id")): target.removeprefix("mailto:").removeprefix("tel:")
        for relation in _tree(archive, _LINK_TARGETS)
        if (target := str(relation.get("Target", ""))).startswith(("http", "mailto:", "tel:"))
    }


def _tree(archive: Archive, name: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(archive.read(name), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableDocument(details={"reason": "damaged"}) from error


def _without_twins(lines: list[str], *, of: int) -> list[str]:
    """First page and other pages often have the same header."""
    if of < 2:
        return lines
    return list(dict.fromkeys(lines[: of * 4])) + lines[of * 4 :]


def _lines(node: etree._Element, links: dict[str, str], depth: int = 0) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise UnreadableDocument(details={"reason": "damaged"})
    for child in node:
        if child.tag in _SKIPPED:
            continue
        if child.tag == f"{_W}p":
            yield from _paragraph(child, links, depth)
        elif child.tag == f"{_W}tr":
            yield from _row(child, links, depth)
        else:
            yield from _lines(child, links, depth + 1)


def _row(row: etree._Element, links: dict[str, str], depth: int) -> Iterator[str]:
    """Cells of a line each stand beside each other; where a cell is a column of text, one after another."""
    cells = [
        [line for line in _lines(cell, links, depth + 1) if line.strip()] for cell in row.iter(f"{_W}tc")
        if next(cell.iterancestors(f"{_W}tr"), None) is row
    ]  # fmt: skip
    cells = [cell for cell in cells if cell]
    if sum(len(cell) > 1 for cell in cells) > 1:
        for cell in cells:
            yield from cell
            yield ""
        return
    # Dates in one cell, what they are of in the other: they belong to its first line.
    firsts = [cell[0] for cell in cells]
    if firsts:
        yield " | ".join(firsts)
    for cell in cells:
        yield from cell[1:]


def _paragraph(paragraph: etree._Element, links: dict[str, str], depth: int) -> Iterator[str]:
    boxes = [box for box in paragraph.iter(f"{_W}txbxContent") if _is_seen(box, paragraph)]
    text = "".join(_pieces(paragraph, links))
    is_item = paragraph.find(f"{_W}pPr/{_W}numPr") is not None
    yield from (f"• {line}" if is_item and line.strip() else line for line in text.split("\n"))
    for box in boxes:
        yield from _lines(box, links, depth + 1)
        yield ""


def _is_seen(box: etree._Element, within: etree._Element) -> bool:
    """Not the older picture of the same box, and not a box in a box, which comes with its own."""
    for ancestor in box.iterancestors():
        if ancestor is within:
            return True
        if ancestor.tag in _SKIPPED or ancestor.tag == f"{_W}txbxContent":
            return False
    return False


def _pieces(node: etree._Element, links: dict[str, str]) -> Iterator[str]:
    for child in node:
        if child.tag in _SKIPPED or child.tag == f"{_W}txbxContent":
            continue
        if child.tag == f"{_W}t":
            yield child.text or ""
        elif child.tag in _BREAKS:
            yield _BREAKS[child.tag]
        elif child.tag == f"{_W}hyperlink":
            words = "".join(_pieces(child, links))
            target = links.get(str(child.get(_R_ID)), "")
            is_said = not target or target.split("://")[-1].strip("/") in words
            yield words if is_said else f"{words} {target}"
        elif child.tag != f"{_W}pPr":
            yield from _pieces(child, links)
