"""CVs as PDF, and PDFs that are none."""

from __future__ import annotations

import io
import json

import typst
from PIL import Image, ImageDraw

from bench.imports_corpus.blocks import Blocks, Entry


def pdf(blocks: Blocks, layout: str) -> bytes:
    side = _sections(blocks.side, layout)
    main = _sections(blocks.sections, layout)
    body = f"#grid(columns: (1fr, 2fr), gutter: 1em, [{side}], [{main}])" if side else main
    head = "\n\n".join([_said(blocks.name), *map(_said, blocks.header)])
    return typst.compile(f"#set page(margin: 2cm)\n{_said(blocks.title)}\n\n{head}\n\n{body}".encode())


def _sections(sections: list[tuple[str, list[Entry]]], layout: str) -> str:
    return "\n\n".join(
        f"#strong[{_said(heading)}]\n\n" + "\n\n".join(_entry(entry, layout) for entry in entries)
        for heading, entries in sections
    )


def _entry(entry: Entry, layout: str) -> str:
    bullets = "\n".join(f"- {_said(bullet)}" for bullet in entry.bullets)
    if layout == "firm_first" and "\t" in entry.lines[-1]:
        title, dates = entry.lines[-1].split("\t")
        return f"{_said(entry.lines[0])}\n\n{_said(title)} #h(1fr) {_said(dates)}\n\n{bullets}"
    text = " \\\n".join(map(_said, entry.lines)) + f"\n\n{bullets}"
    if entry.left:
        return f"#grid(columns: (4cm, 1fr), {_said(entry.left, mark='')}, [{text}])"
    return text


def _said(text: str, mark: str = "#") -> str:
    return f"{mark}text({json.dumps(text, ensure_ascii=False)})"


def scanned() -> bytes:
    """A picture of a page."""
    picture = Image.new("RGB", (800, 1000), "white")
    ImageDraw.Draw(picture).text((40, 40), "Jane Otieno, Data Engineer", fill="black")
    buffer = io.BytesIO()
    picture.save(buffer, "PDF")
    return buffer.getvalue()


def long(pages: int) -> bytes:
    text = "\n#pagebreak()\n".join(["Data engineer at Savanna Grid since 2019."] * pages)
    return typst.compile(text.encode())


def locked() -> bytes:
    import pypdf

    writer = pypdf.PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("secret")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def pdf_of_text(text: str) -> bytes:
    """Its lines, one below the other."""
    lines = " \\\n".join(_said(line) if line.strip() else "" for line in text.split("\n"))
    return typst.compile(f"#set page(margin: 2cm)\n{lines}".encode())
