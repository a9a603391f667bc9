"""The one guard between a vendor's bytes and us, how single values of theirs are read, and what no text of
ours may hold: characters that no database, export or terminal takes as text, and those that let it look like
another text than it is."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import orjson

from providers.adapters import failures
from providers.adapters.base import ProviderReply, TokenUsage
from providers.errors import ProviderError

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
