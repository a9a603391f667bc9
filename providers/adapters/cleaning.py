"""What a vendor's text may hold and ours may not: characters that no database, export or terminal takes as
text, and those that let it look like another text than it is."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from providers.adapters.base import ProviderReply

# Controls except tab and line ends, bidirectional embeddings, overrides and isolates, halves of characters,
# and the two code points that are none.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# They part what stands before and after them.
_LINE_ENDS = {"\x0b": "\n", "\x0c": "\n", "\x85": "\n"}
_FIRST_HALF = ("\ud800", "\udbff")


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
