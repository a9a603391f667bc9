"""Texts at which an answer ends, also where the vendor's API has no word for them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from providers.adapters.base import ProviderReply


def cut(reply: ProviderReply, stops: tuple[str, ...]) -> ProviderReply:
    """The reply up to the first of `stops`."""
    end = _first(reply.text, stops)
    return reply if end is None else replace(reply, text=reply.text[:end], finish_reason="stop")


async def cut_pieces(
    stream: AsyncGenerator[str | ProviderReply], stops: tuple[str, ...]
) -> AsyncGenerator[str | ProviderReply]:
    """A stream's items up to the first of `stops`. It is read to its end all the same, for what it
    reports."""
    longest = max(map(len, stops))
    held, is_over = "", False
    async with aclosing(stream):
        async for item in stream:
            if isinstance(item, ProviderReply):
                if held and not is_over:
                    yield held
                yield cut(item, stops)
                return
            if is_over:
                continue
            held += item
            end = _first(held, stops)
            # What may be the beginning of one is held until more has come.
            safe = len(held) - longest + 1 if end is None else end
            is_over = end is not None
            if safe > 0:
                yield held[:safe]
                held = held[safe:]


def _first(text: str, stops: tuple[str, ...]) -> int | None:
    found = [place for stop in stops if (place := text.find(stop)) >= 0]
    return min(found, default=None)
