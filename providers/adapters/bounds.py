"""How much of a vendor's answer is read: so many bytes, unpacked or not, and so many values.

Everything between the network and the reply (unpacking, JSON, the SDK's models) runs on the event loop that
all calls share, and takes time by the size of what it is given.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

import httpx2

# Of a reply, a list of models or a whole stream. The longest answer that a task may ask for takes a tenth.
MOST_BYTES = 8 * 1024 * 1024
# Of an error's body: its code stands at the beginning, and its status says most.
MOST_BYTES_OF_ERROR = 256 * 1024
# JSON values in one document: what reads them walks through each.
MOST_VALUES = 4_000
MOST_VALUES_OF_LIST = 50_000
# An SDK that waits for the end of an event copies what it has with each line: so many bytes in all.
MOST_BYTES_COPIED = 1024 * 1024 * 1024
# What is handed on in one go.
PIECE_BYTES = 8 * 1024

# What a value begins with or is followed by, and what begins a string, where neither counts.
_ALL_BUT_MARKS = bytes(set(range(256)) - set(b'",[{'))
_END_OF_EVENT = re.compile(rb"\n\n|\r\r|\r\n\r\n")


class TooMuch(httpx2.DecodingError):
    """The answer is larger than anything we asked for. A kind of httpx2's, which the SDKs let through."""

    def __init__(self) -> None:
        super().__init__("the answer is too large")


class BodyMeter:
    """Counts what has come of one body, and raises TooMuch when it is over the bounds. In an event stream
    each event is a JSON document of its own. A list is never streamed."""

    def __init__(self, *, is_list: bool, is_event_stream: bool) -> None:
        self._is_list = is_list
        self._is_event_stream = is_event_stream and not is_list
        self._most_values = MOST_VALUES_OF_LIST if is_list else MOST_VALUES
        self._bytes, self._line_ends = 0, b""
        self._start_document()

    def add(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            raise TooMuch
        if not self._is_event_stream:
            self._add_to_document(data)
            return
        # Line ends wait for what follows them: the end of an event may come in two pieces.
        data = self._line_ends + data
        self._line_ends = data[len(data.rstrip(b"\r\n")) :][-4:]
        for number, document in enumerate(_END_OF_EVENT.split(data[: len(data) - len(self._line_ends)])):
            if number:
                self._start_document()
            self._add_to_document(document)

    def _start_document(self) -> None:
        self._values, self._is_in_string, self._escape = 0, False, b""
        self._document_bytes = self._bytes_copied = 0

    def _add_to_document(self, data: bytes) -> None:
        self._document_bytes += len(data)
        self._bytes_copied += (data.count(b"\n") + data.count(b"\r")) * self._document_bytes
        if self._bytes_copied > MOST_BYTES_COPIED and not self._is_list:
            raise TooMuch
        self._add_values(data)

    def _add_values(self, data: bytes) -> None:
        data = (self._escape + data).replace(b"\\\\", b"").replace(b'\\"', b"")
        self._escape = b"\\" if data.endswith(b"\\") else b""
        in_turns = data.translate(None, _ALL_BUT_MARKS).split(b'"')
        self._values += sum(map(len, in_turns[self._is_in_string :: 2]))
        self._is_in_string ^= len(in_turns) % 2 == 0
        if self._values > self._most_values:
            raise TooMuch


class Unpacking:
    """A body in one of CODINGS, a bounded piece at a time: half a megabyte may hold half a gigabyte."""

    CODINGS = ("gzip", "deflate")

    def __init__(self, coding: str) -> None:
        self._decompressor = zlib.decompressobj(16 + zlib.MAX_WBITS if coding == "gzip" else zlib.MAX_WBITS)
        # Some servers take "deflate" for the bare format, without the frame that the RFC asks for.
        self._may_be_bare = coding == "deflate"

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        """Raises httpx2.DecodingError for what is not in the coding."""
        try:
            while not self._decompressor.eof:
                piece = self._unpack(packed)
                packed = self._decompressor.unconsumed_tail
                if piece:
                    yield piece
                # A full piece may have left more behind than what was not read.
                if not packed and len(piece) < PIECE_BYTES:
                    return
        except zlib.error as error:
            raise httpx2.DecodingError("the answer cannot be unpacked") from error

    def _unpack(self, packed: bytes) -> bytes:
        may_be_bare, self._may_be_bare = self._may_be_bare, False
        try:
            return self._decompressor.decompress(packed, PIECE_BYTES)
        except zlib.error:
            if not may_be_bare:
                raise
            self._decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._decompressor.decompress(packed, PIECE_BYTES)


def plain_pieces(data: bytes) -> Iterator[bytes]:
    """`data` as it is, in pieces no larger than those that are unpacked."""
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]
