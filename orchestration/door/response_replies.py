"""Answers as responses: one object, or the events of a stream
(https://platform.openai.com/docs/api-reference/responses/object, …/responses-streaming)."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from accounts.errors import DomainError, told
from orchestration.calls.question import GenerationResult
from orchestration.calls.streaming import GenerationStream
from orchestration.door.errors import shaped
from orchestration.door.parameters import Asked
from providers.adapters.base import TokenUsage
from providers.adapters.conversation import ToolCall

Json = dict[str, Any]

# What a reply repeats of the request, and what holds where the request says nothing.
_REPEATED: Json = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
}


@dataclass(slots=True)
class Frame:
    """What all that is said of one response has in common. Counts the events."""

    request_id: str
    model: str
    asked: Asked
    created: int = field(default_factory=lambda: int(time.time()))
    _number: int = 0

    @property
    def place(self) -> Json:
        """Of the message's text."""
        return {"item_id": f"msg_{self.request_id}", "output_index": 0, "content_index": 0}

    def response(self, status: str, *, output: list[Json], usage: Json | None = None, **more: Any) -> Json:
        given = self.asked.given
        repeated = {
            name: usual if given.get(name) is None else given[name] for name, usual in _REPEATED.items()
        }
        return {
            "id": f"resp_{self.request_id}",
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "model": self.model,
            "output": output,
            "previous_response_id": None,
            "store": False,
            "truncation": "disabled",
            "usage": usage,
            **repeated,
            **more,
        }

    def finished(self, result: GenerationResult, output: list[Json]) -> Json:
        is_cut = result.finish_reason == "length"
        details = {"reason": "max_output_tokens"} if is_cut else None
        return self.response(
            "incomplete" if is_cut else "completed",
            output=output,
            usage=_usage(result.usage),
            incomplete_details=details,
        )

    def message(self, text: str) -> Json:
        return self._message("completed", [_part(text)])

    def hollow_message(self) -> Json:
        return self._message("in_progress", [])

    def _message(self, status: str, content: list[Json]) -> Json:
        return {
            "id": self.place["item_id"],
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        }

    def call(self, call: ToolCall, place: int) -> Json:
        return {
            "id": f"fc_{self.request_id}_{place}",
            "type": "function_call",
            "call_id": call.call_id,
            "name": call.name,
            "arguments": call.arguments,
            "status": "completed",
        }

    def event(self, kind: str, **fields: Any) -> bytes:
        body = orjson.dumps({"type": kind, "sequence_number": self._number, **fields})
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"


def response(result: GenerationResult, asked: Asked) -> Json:
    """The answer as one object; `model` is the one that answered."""
    frame = Frame(result.request_id, result.model_name, asked)
    calls = [frame.call(call, place) for place, call in enumerate(result.tool_calls)]
    said = [frame.message(result.text)] if result.text or not calls else []
    return frame.finished(result, said + calls)


async def events(stream: GenerationStream, request_id: str, asked: Asked) -> AsyncGenerator[bytes]:
    """The stream, which was entered, as server-sent events. A failure is an event too: the status is sent."""
    frame = Frame(request_id, stream.answered_by[1], asked)
    opening = frame.response("in_progress", output=[])
    pieces: list[str] = []
    try:
        yield frame.event("response.created", response=opening)
        yield frame.event("response.in_progress", response=opening)
        async for text in stream:
            if not pieces:
                for event in _beginning_of_message(frame):
                    yield event
            pieces.append(text)
            yield frame.event("response.output_text.delta", delta=text, logprobs=[], **frame.place)
        for event in _end(frame, stream.result, "".join(pieces)):
            yield event
    except DomainError as error:
        for event in _failure(frame, shaped(error).body["error"]):
            yield event
    except Exception as error:
        for event in _failure(frame, shaped(told(error)).body["error"]):
            yield event
        raise


def _end(frame: Frame, result: GenerationResult, said: str) -> Iterator[bytes]:
    output: list[Json] = []
    if not said and not result.tool_calls:
        yield from _beginning_of_message(frame)
    if said or not result.tool_calls:
        yield from _end_of_message(frame, said)
        output.append(frame.message(said))
    for number, call in enumerate(result.tool_calls):
        item = frame.call(call, number)
        yield from _call_events(frame, item, len(output))
        output.append(item)
    whole = frame.finished(result, output)
    yield frame.event(f"response.{whole['status']}", response=whole)


def _beginning_of_message(frame: Frame) -> Iterator[bytes]:
    yield frame.event("response.output_item.added", output_index=0, item=frame.hollow_message())
    yield frame.event("response.content_part.added", part=_part(""), **frame.place)


def _end_of_message(frame: Frame, text: str) -> Iterator[bytes]:
    yield frame.event("response.output_text.done", text=text, logprobs=[], **frame.place)
    yield frame.event("response.content_part.done", part=_part(text), **frame.place)
    yield frame.event("response.output_item.done", output_index=0, item=frame.message(text))


def _call_events(frame: Frame, item: Json, index: int) -> Iterator[bytes]:
    place = {"item_id": item["id"], "output_index": index}
    hollow = item | {"arguments": "", "status": "in_progress"}
    kind, arguments = "response.function_call_arguments", item["arguments"]
    yield frame.event("response.output_item.added", output_index=index, item=hollow)
    yield frame.event(f"{kind}.delta", delta=arguments, **place)
    yield frame.event(f"{kind}.done", name=item["name"], arguments=arguments, **place)
    yield frame.event("response.output_item.done", output_index=index, item=item)


def _failure(frame: Frame, error: Json) -> Iterator[bytes]:
    told = {name: error[name] for name in ("code", "message", "param")}
    yield frame.event("error", **told)
    failed = frame.response("failed", output=[], error={"code": error["code"], "message": error["message"]})
    yield frame.event("response.failed", response=failed)


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(usage: TokenUsage) -> Json:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }
