"""Answers that are made or read piece by piece, so that none is held whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from django.http import FileResponse, StreamingHttpResponse

from accounts.concurrency import in_database_thread


class Pieces(StreamingHttpResponse):
    """Django's own reads all pieces of an ordinary iterator before it sends the first, where it serves on an
    event loop. Here each is taken in a database thread, whichever is free: the iterator may ask the database
    for a piece, and may hold no cursor from one to the next."""

    async def __aiter__(self) -> AsyncIterator[Any]:
        pieces = iter(self)
        while (piece := await in_database_thread(next, pieces, None)) is not None:
            yield piece


class FileInPieces(Pieces, FileResponse):
    block_size = 64 * 1024
