"""CVs as DOCX, written as the XML it is, and files that only look like one."""

from __future__ import annotations

import io
import zipfile
from html import escape

from bench.imports_corpus.blocks import Blocks, Entry

_SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/word/document.xml" ContentType="{type}"/></Types>'
)
_PLAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_MACROS = "application/vnd.ms-word.document.macroEnabled.main+xml"
_ITEM = '<w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr>'


def docx(blocks: Blocks, layout: str) -> bytes:
    head = "".join(map(_paragraph, [blocks.title, "", blocks.name, *blocks.header]))
    main, side = _sections(blocks.sections), _sections(blocks.side)
    if layout == "sidebar":
        main = f"<w:tbl><w:tr><w:tc>{side}</w:tc><w:tc>{main}</w:tc></w:tr></w:tbl>"
    elif layout == "firm_first":
        # The name in a text box, twice, as Word writes it for its older selves.
        box = f"<w:txbxContent>{_paragraph(blocks.name)}</w:txbxContent>"
        shape = (
            "<w:p><w:r><mc:AlternateContent>"
            f'<mc:Choice Requires="wps"><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing></mc:Choice>'
            f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"
        )
        head = _paragraph(blocks.title) + shape + "".join(map(_paragraph, blocks.header))
    return packed(head + main)


def packed(body: str, *, kind: str = _PLAIN, members: dict[str, bytes] | None = None) -> bytes:
    xml = f'<?xml version="1.0" encoding="UTF-8"?><w:document {_SPACES}><w:body>{body}</w:body></w:document>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES.format(type=kind))
        archive.writestr("word/document.xml", xml)
        for name, content in (members or {}).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_macros() -> bytes:
    return packed(_paragraph("Data engineer"), kind=_MACROS, members={"word/vbaProject.bin": b"macro"})


def bomb() -> bytes:
    """Some kilobytes that unpack to a hundred megabytes."""
    return packed(_paragraph("Data engineer"), members={"word/media/a.bin": b"\0" * (100 * 1024 * 1024)})


def large_body() -> bytes:
    """A body alone that is more than is read."""
    return packed(_paragraph("a" * (20 * 1024 * 1024)))


def encrypted() -> bytes:
    """What Word makes of a DOCX with a password: a container of the older kind."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000 + "EncryptedPackage".encode("utf-16-le")


def _sections(sections: list[tuple[str, list[Entry]]]) -> str:
    parts = []
    for heading, entries in sections:
        parts.append(_paragraph("") + _paragraph(heading))
        if entries and entries[0].left:
            rows = "".join(
                f"<w:tr><w:tc>{_paragraph(entry.left)}</w:tc><w:tc>{_lines(entry)}</w:tc></w:tr>"
                for entry in entries
            )
            parts.append(f"<w:tbl>{rows}</w:tbl>")
        else:
            parts += [_lines(entry) for entry in entries]
    return "".join(parts)


def _lines(entry: Entry) -> str:
    bullets = (_paragraph(bullet, properties=_ITEM) for bullet in entry.bullets)
    return "".join([*map(_paragraph, entry.lines), *bullets])


def _paragraph(text: str, *, properties: str = "") -> str:
    # Word cuts words into runs wherever somebody once put the cursor.
    cut = len(text) // 3
    runs = "".join(
        f'<w:r><w:t xml:space="preserve">{escape(part)}</w:t></w:r>'
        for part in (text[:cut], text[cut:])
        if part
    )
    tabbed = runs.replace("\t", '</w:t><w:tab/><w:t xml:space="preserve">')
    return f"<w:p>{properties}{tabbed}</w:p>"


def docx_of_text(text: str) -> bytes:
    """A paragraph for each of its lines."""
    lines = (line.removeprefix("• ") for line in text.split("\n"))
    marks = (_ITEM if line.startswith("• ") else "" for line in text.split("\n"))
    return packed("".join(_paragraph(line, properties=mark) for line, mark in zip(lines, marks, strict=True)))
