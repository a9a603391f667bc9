"""Structured output for models that have none: the schema goes into the prompt, the reply is read leniently.

Lenient about what stands around the JSON (prose, code fences, thoughts), not about the JSON: it is held to
the pydantic model like any other reply.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import lru_cache

from pydantic import BaseModel

from providers.adapters.base import GenerationRequest, ProviderReply
from providers.adapters.replies import parse, refuse_cut_off, unparsable
from providers.adapters.schemas import AS_TEXT, vendor_schema
from providers.adapters.usage import billed_as

# After the prompt: what is said last is followed best, also by the untrusted text that the prompt may hold.
_INSTRUCTION = (
    "\n\nAnswer with one JSON object and nothing else: no explanation, no code fence. It has to fit this "
    "JSON Schema; what is not known is null where the schema allows it.\n{schema}"
)
_DECODER = json.JSONDecoder()
_OPENING = re.compile(r"[\[{]")
_FIRST_KEY = re.compile(r'\{\s*"')
_END_OF_THOUGHT = "</think>"
# Brackets of prose in one reply. Each is tried, and each try looks at all the text before it.
_MOST_BRACKETS = 1_000


def asked(request: GenerationRequest) -> GenerationRequest:
    """The request for plain text that asks for the form in words. Raises UnsupportedSchema."""
    if request.response_model is None:
        return request
    return replace(request, prompt=request.prompt + _words_for(request.response_model), response_model=None)


def understood(reply: ProviderReply, request: GenerationRequest, *, vendor: str) -> ProviderReply:
    """The reply to `asked(request)` with the form in `parsed` and its JSON alone in `text`.

    Raises ProviderError (unparsable), with the usage, for a reply that is cut off, that holds no JSON object,
    or whose object does not fit.
    """
    form = request.response_model
    if form is None:
        return reply
    with billed_as(model_name=reply.model_name, service_tier=reply.service_tier):
        refuse_cut_off(reply.finish_reason, request, vendor=vendor, usage=reply.usage)
        text = _best_object(reply.text, form)
        if text is None:
            raise unparsable(vendor, "The reply holds no complete JSON object.", reply.usage)
        return replace(reply, text=text, parsed=parse(form, text, vendor=vendor, usage=reply.usage))


async def understood_at_the_end(
    stream: AsyncGenerator[str | ProviderReply], request: GenerationRequest, *, vendor: str
) -> AsyncGenerator[str | ProviderReply]:
    """The items of a stream for `asked(request)`, the last of them understood."""
    async with aclosing(stream):
        async for item in stream:
            yield item if isinstance(item, str) else understood(item, request, vendor=vendor)


@lru_cache(maxsize=64)
def _words_for(form: type[BaseModel]) -> str:
    schema = json.dumps(vendor_schema(form, AS_TEXT), ensure_ascii=False, separators=(",", ":"))
    return _INSTRUCTION.format(schema=schema)


def _best_object(text: str, form: type[BaseModel]) -> str | None:
    """Of the JSON objects in the text the one with most of the form's fields, the last of equals: models
    repeat the schema, or think aloud, before they answer."""
    fields = vendor_schema(form, AS_TEXT)["properties"].keys()
    best, most = None, -1
    for found, keys in _objects(text.rpartition(_END_OF_THOUGHT)[2]):
        shared = len(keys & fields)
        if shared >= most:
            best, most = found, shared
    return best


def _objects(text: str) -> list[tuple[str, set[str]]]:
    """The outermost JSON objects of the text, each with its keys. Empty when one of them is broken or nested
    too deeply to be read, or when they are the items of a list: no part of a reply may pass for the whole."""
    found: list[tuple[str, set[str]]] = []
    opening, brackets = _OPENING.search(text), 0
    while opening:
        start = opening.start()
        try:
            value, end = _DECODER.raw_decode(text, start)
        except RecursionError:
            return []
        except ValueError:
            brackets += 1
            if _FIRST_KEY.match(text, start) or brackets > _MOST_BRACKETS:
                return []
            # A bracket of the prose around it.
            end = start + 1
        else:
            if isinstance(value, dict):
                found.append((text[start:end], set(value)))
            elif any(isinstance(item, dict) for item in value):
                return []
        opening = _OPENING.search(text, end)
    return found
