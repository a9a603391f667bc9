"""From a vendor's text and counts to a ProviderReply, or to the error that it did not give one; and the
reply up to the texts at which it ends, also where the vendor's API has no word for them.

The JSON of a form is read leniently as to what stands around it (prose, code fences, a byte order mark,
thoughts) and as to characters that nobody can store, not as to the JSON: it is held to the pydantic model in
any case.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from dataclasses import replace
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from providers.adapters.base import GenerationRequest, ProviderReply, TokenUsage
from providers.adapters.conversation import ToolCall
from providers.adapters.reading import UnreadablePart, clean, cleaned, word
from providers.adapters.schemas import AS_TEXT, vendor_schema
from providers.errors import ErrorKind, ProviderError

CUT_OFF = "length"
COMPLETE = "stop"
_MOST_PROBLEMS_TOLD = 5
# Of a vendor's own word for why a reply ended or what tier it was made in.
_LONGEST_CODE = 30

_DECODER = json.JSONDecoder()
_OPENING = re.compile(r"[\[{]")
_FIRST_KEY = re.compile(r'\{\s*"')
_END_OF_THOUGHT = "</think>"
# Brackets of prose in one reply. Each is tried, and each try looks at all the text before it.
_MOST_BRACKETS = 1_000


def whole_number(value: object) -> int | None:
    """A count that a vendor's list gives; None for anything that is not one, or that no column takes."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else None


def reply_from(
    request: GenerationRequest,
    *,
    vendor: str,
    text: str,
    usage: TokenUsage | None,
    model_name: str,
    finish_reason: str,
    request_id: str = "",
    service_tier: str = "",
    tool_calls: Iterable[ToolCall] = (),
) -> ProviderReply:
    """The reply, cleaned, and parsed when a form was asked for. Raises ProviderError (unparsable) with the
    usage, which is billed, for an empty reply and for one that is cut off inside the form or does not fit it.
    `tool_calls` are heard where tools were offered; with some there need be no text, and no form.
    """
    text, finish_reason = clean(text), word(finish_reason, most=_LONGEST_CODE)
    calls = tuple(tool_calls) if request.toolbox else ()
    if not text.strip() and not calls:
        problem = "it was cut off before it began" if finish_reason == CUT_OFF else "it is empty"
        raise unparsable(vendor, f"The reply has no text: {problem}.", usage)
    parsed = None
    if request.response_model is not None and not calls:
        refuse_cut_off(finish_reason, request, vendor=vendor, usage=usage)
        text, parsed = form_in(text, request.response_model, vendor=vendor, usage=usage)
    return ProviderReply(
        text=text,
        usage=usage,
        model_name=word(model_name),
        parsed=parsed,
        finish_reason=finish_reason,
        vendor_request_id=word(request_id),
        service_tier=word(service_tier, most=_LONGEST_CODE),
        tool_calls=calls,
    )


def tool_call(call_id: object, name: object, arguments: object) -> ToolCall:
    """A tool call as a vendor wrote it, its arguments as text or as an object. Raises UnreadablePart."""
    if isinstance(arguments, dict):
        arguments = json.dumps(arguments, ensure_ascii=False)
    if not isinstance(arguments, str) or not word(name):
        raise UnreadablePart
    # Some servers give their calls no names.
    return ToolCall(word(call_id) or f"call_{uuid4().hex}", word(name), cleaned_json(clean(arguments)))


def blocked(
    vendor: str, usage: TokenUsage | None, *, code: str = "", was_billed: bool = True
) -> ProviderError:
    """A safety refusal. `was_billed` False: the prompt was stopped before a model saw it."""
    return ProviderError(
        ErrorKind.BLOCKED,
        vendor=vendor,
        vendor_code=code,
        usage=usage,
        may_have_cost=was_billed,
    )


def refuse_cut_off(
    finish_reason: str, request: GenerationRequest, *, vendor: str, usage: TokenUsage | None
) -> None:
    """Raise ProviderError (unparsable) for a form that ends where the output did."""
    if finish_reason == CUT_OFF:
        message = f"The reply was cut off at {request.max_output_tokens} tokens, in the middle of its form."
        raise unparsable(vendor, message, usage)


def form_in(
    text: str, form: type[BaseModel], *, vendor: str, usage: TokenUsage | None
) -> tuple[str, BaseModel]:
    """The form that a reply holds: its JSON alone, and the instance. Whether a model has structured output or
    was asked by prompt, some wrap the JSON in prose, a code fence or thoughts.

    Raises ProviderError (unparsable) for a reply that holds no JSON object or one that does not fit.
    """
    whole = cleaned_json(text)
    with suppress(ValidationError):
        return whole, form.model_validate_json(whole)
    found = best_object(text, form)
    if found is None:
        raise unparsable(vendor, "The reply holds no complete JSON object.", usage)
    found = cleaned_json(found)
    return found, _parse(form, found, vendor=vendor, usage=usage)


def _parse(form: type[BaseModel], text: str, *, vendor: str, usage: TokenUsage | None) -> BaseModel:
    """`text` as an instance of `form`; raises ProviderError (unparsable) that says what is wrong where."""
    try:
        return form.model_validate_json(text)
    except ValidationError as error:
        message = f"{ErrorKind.UNPARSABLE.meaning.message} {_problems(error)}"
        raise unparsable(vendor, message, usage) from None


def _problems(error: ValidationError) -> str:
    """What is wrong where, without a word of the reply itself: it may repeat the prompt."""
    problems = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        # The name of a field nobody asked for is the model's own text.
        place = detail["loc"][:-1] if detail["type"] == "extra_forbidden" else detail["loc"]
        path = ".".join(str(step) for step in place) or "the whole reply"
        problems.append(f"{path}: {detail['type'].replace('_', ' ')}")
    told = sorted(set(problems))[:_MOST_PROBLEMS_TOLD]
    return "; ".join(told) + "."


def unparsable(vendor: str, message: str, usage: TokenUsage | None) -> ProviderError:
    """A reply in another form than the one asked for, which is billed like any other."""
    return ProviderError(ErrorKind.UNPARSABLE, message, vendor=vendor, usage=usage)


def best_object(text: str, form: type[BaseModel]) -> str | None:
    """Of the JSON objects in the text the one with most of the form's fields, the last of equals: models
    repeat the schema, or think aloud, before they answer. None without a complete one."""
    fields = vendor_schema(form, AS_TEXT)["properties"].keys()
    best, most = None, -1
    for found, keys in _objects(text.rpartition(_END_OF_THOUGHT)[2]):
        shared = len(keys & fields)
        if shared >= most:
            best, most = found, shared
    return best


def cleaned_json(text: str) -> str:
    """JSON without the characters that an escape (\\u0000, half a character) may bring into its strings."""
    if "\\u" not in text:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        # Whoever validates it says what is wrong.
        return text
    clean_value = cleaned(value)
    return text if clean_value == value else json.dumps(clean_value, ensure_ascii=False)


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
