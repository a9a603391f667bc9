"""The one guard between a vendor's bytes and us: how much of an answer is read (so many bytes, unpacked or
not, and so many values), how single values are read, and what no text of ours may hold: characters that no
database, export or terminal takes as text, and those that let it look like another text than it is.

Everything between the network and the reply (unpacking, JSON, the SDK's models) runs on the event loop that
all calls share, and takes time by the size of what it is given.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import httpx2
import orjson

from providers.adapters import failures
from providers.adapters.base import ProviderReply, TokenUsage
from providers.errors import ProviderError

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


# Controls except tab and line ends, bidirectional embeddings, overrides and isolates, halves of characters,
# and the two code points that are none.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# They part what stands before and after them.
_LINE_ENDS = {"\x0b": "\n", "\x0c": "\n", "\x85": "\n"}
_FIRST_HALF = ("\ud800", "\udbff")


def _nothing_so_far() -> TokenUsage | None:
    return None


_so_far: ContextVar[Callable[[], TokenUsage | None]] = ContextVar("so_far", default=_nothing_so_far)


def reported_so_far() -> TokenUsage | None:
    """What the vendor has reported to the stream that this task read last, also when the stream was left
    before its end. Most vendors report output at the end alone, some report the first token and then the
    last."""
    with suppress(Exception):
        return _so_far.get()()
    return None


@contextmanager
def reading(vendor: str, so_far: Callable[[], TokenUsage | None] = _nothing_so_far) -> Iterator[None]:
    """Around the SDK's call and the mapping of what it returns, and nothing else: there, whatever is raised
    becomes a ProviderError.

    A vendor's JSON may hold any value at any place (a list for an object, half a character, a number of 5,001
    digits, 200,000 brackets), and the mapping, or the SDK below it, may raise any exception there is; no list
    of them would ever be complete. What we send is built before the guard is entered, so that a bug of ours
    in it is seen as one. `so_far` is what a stream has reported to
    have used: a stream that breaks is billed for it.
    """
    _so_far.set(so_far)
    try:
        yield
    except ProviderError as error:
        _add_usage(error, so_far)
        raise
    except Exception:  # noqa: BLE001 - whatever their bytes raise
        unread = failures.malformed(vendor)
        _add_usage(unread, so_far)
        # Not chained: the text of what was raised may repeat the reply, and with it the prompt.
        raise unread from None


class UnreadablePart(ValueError):
    """A value that cannot be what it stands for. The guard makes a ProviderError of it."""


def decoded(body: bytes | str) -> Any:
    """A vendor's JSON. Raises ValueError or RecursionError for what is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # Halves of characters, a byte order mark, numbers that are none: vendors send what orjson refuses.
        return json.loads(body)


def encoded(payload: Mapping[str, Any]) -> bytes:
    """What is sent to a vendor."""
    try:
        return orjson.dumps(payload)
    except TypeError:
        # Half a character in a prompt, a bound of 30 digits in a schema.
        return json.dumps(payload).encode()


def member(value: object, name: str) -> Any:
    """What an object of a vendor's JSON holds by this name; None where it holds none, or is no object."""
    return value.get(name) if isinstance(value, dict) else None


def text_of(content: object) -> str:
    """A message's text: a string, nothing, or a list of parts, of which those that are text are joined (some
    servers send reasoning as a part beside them). Raises UnreadablePart."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise UnreadablePart
    texts = []
    for part in content:
        kind = member(part, "type") or "text"
        text = part if isinstance(part, str) else member(part, "text")
        if kind in ("text", "output_text"):
            if not isinstance(text, str):
                raise UnreadablePart
            texts.append(text)
    return "".join(texts)


def word(value: object, *, most: int = 200) -> str:
    """A name or a code, cleaned and no longer than `most`; empty for anything but text."""
    return clean(value).strip()[:most] if isinstance(value, str) else ""


def _add_usage(error: ProviderError, so_far: Callable[[], TokenUsage | None]) -> None:
    if error.usage is None:
        with suppress(Exception):
            error.usage = so_far()


def clean(text: str) -> str:
    """The text without them. Two halves of a character, as JSON escapes may write it, become one again."""
    if not _UNWANTED.search(text):
        return text
    text = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
    return _UNWANTED.sub(lambda found: _LINE_ENDS.get(found[0], ""), text)


def cleaned(value: object) -> object:
    """A JSON value with every text in it, keys too, cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): cleaned(item) for key, item in value.items()}
    return value


async def cleaned_pieces(
    stream: AsyncGenerator[str | ProviderReply],
) -> AsyncGenerator[str | ProviderReply]:
    """A stream's items with the text cleaned, also where a character is cut in two between pieces."""
    held = ""
    async with aclosing(stream):
        async for item in stream:
            if isinstance(item, str):
                text, held = held + item, ""
                if _FIRST_HALF[0] <= text[-1:] <= _FIRST_HALF[1]:
                    text, held = text[:-1], text[-1]
                if text := clean(text):
                    yield text
            else:
                yield item
