"""Reads a PDF in a process of its own: text layer first, pages as pictures where there is none.

The file is anybody's, and the library that reads it is written in C: what crashes, hangs or swells there
does so outside of ours, and is told as a file that cannot be read.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from extraction.errors import NotAPdf, PdfTooLarge
from extraction.visible.page import tidy
from providers.adapters.base import Image

MAX_BYTES = 10 * 1024 * 1024
MAX_PAGES = 20
MAX_PICTURES = 4
SECONDS = 20.0
_CHILD = Path(__file__).parent / "child.py"
# A page in vendors' size as PNG or JPEG in base64, and the text of twenty pages.
_MAX_OUTPUT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PdfContent:
    """`text` of the text layer; where there is none, `pictures` of the first of its `pages`."""

    text: str = field(repr=False)
    pictures: tuple[Image, ...] = field(default=(), repr=False)
    pages: int = 0


async def read_pdf(content: bytes) -> PdfContent:
    """Raises NotAPdf or PdfTooLarge."""
    if len(content) > MAX_BYTES:
        raise PdfTooLarge(details={"limit_bytes": MAX_BYTES})
    if b"%PDF-" not in content[:1024]:
        raise NotAPdf(details={"reason": "damaged"})
    answer = json.loads(await _ask_child(content))
    if reason := answer.get("refused"):
        if reason == "pages":
            raise PdfTooLarge(details={"limit_pages": MAX_PAGES})
        raise NotAPdf(details={"reason": reason})
    pictures = tuple(
        Image(data=base64.b64decode(picture), mime_type="image/png") for picture in answer.get("pictures", [])
    )
    text = tidy(answer.get("text", ""))
    if not text and not pictures:
        raise NotAPdf(details={"reason": "empty"})
    return PdfContent(text=text, pictures=pictures, pages=answer.get("pages", 0))


async def _ask_child(content: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(_CHILD), str(MAX_PAGES), str(MAX_PICTURES),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate(content)
    except TimeoutError as error:
        raise NotAPdf(details={"reason": "slow"}) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 or not output or len(output) > _MAX_OUTPUT:
        raise NotAPdf(details={"reason": "damaged"})
    return output
