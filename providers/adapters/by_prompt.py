"""Structured output for models that have none: the schema goes into the prompt, and the reply is read as that
of any other model is."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import lru_cache

from pydantic import BaseModel

from providers.adapters.base import GenerationRequest, ProviderReply
from providers.adapters.reading import reading
from providers.adapters.replies import form_in, refuse_cut_off
from providers.adapters.schemas import AS_TEXT, vendor_schema
from providers.adapters.usage import billed_as

# After the prompt: what is said last is followed best, also by the untrusted text that the prompt may hold.
_INSTRUCTION = (
    "\n\nAnswer with one JSON object and nothing else: no explanation, no code fence. It has to fit this "
    "JSON Schema; what is not known is null where the schema allows it.\n{schema}"
)


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
    if form is None or reply.tool_calls:
        return reply
    with (
        reading(vendor, lambda: reply.usage),
        billed_as(model_name=reply.model_name, service_tier=reply.service_tier),
    ):
        refuse_cut_off(reply.finish_reason, request, vendor=vendor, usage=reply.usage)
        text, parsed = form_in(reply.text, form, vendor=vendor, usage=reply.usage)
    return replace(reply, text=text, parsed=parsed)


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
