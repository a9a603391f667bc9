"""A draft as a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from accounts.concurrency import in_parsing_thread
from drafting.errors import ExportTimedOut, UnsupportedFormat
from drafting.exports.markdown import markdown_of
from drafting.exports.pdf import pdf_of
from drafting.models import Draft

TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Export:
    data: bytes
    content_type: str
    extension: str


def _json(draft: Draft) -> bytes:
    """A JSON Resume that imports again, or the letter's parts."""
    return json.dumps(draft.content, ensure_ascii=False, indent=2).encode()


def _markdown(draft: Draft) -> bytes:
    return markdown_of(draft).encode()


EXPORTS: dict[str, tuple[Callable[[Draft], bytes], str]] = {
    "pdf": (pdf_of, "application/pdf"),
    "md": (_markdown, "text/markdown; charset=utf-8"),
    "json": (_json, "application/json"),
}


async def export(draft: Draft, file_format: str) -> Export:
    """The draft as pdf, md or json. Raises UnsupportedFormat, UnprintableScript or ExportTimedOut."""
    if file_format not in EXPORTS:
        raise UnsupportedFormat(details={"formats": sorted(EXPORTS)})
    write, content_type = EXPORTS[file_format]
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            data = await in_parsing_thread(write, draft)
    except TimeoutError as error:
        raise ExportTimedOut from error
    return Export(data, content_type, file_format)
