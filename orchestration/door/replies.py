"""Answers as chat completions: one object, or the events of a stream
(https://platform.openai.com/docs/api-reference/chat/object, …/chat-streaming)."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
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

DONE = b"data: [DONE]\n\n"


def completion(result: GenerationResult, _: Asked) -> Json:
    """The answer as one object; `model` is the one that answered."""
    message: Json = {"role": "assistant", "content": result.text or None, "refusal": None}
    if result.tool_calls:
        message["tool_calls"] = [_call(call) for call in result.tool_calls]
    return {
        "id": f"chatcmpl-{result.request_id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": result.model_name,
        "choices": [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(result)}
        ],
        "usage": _usage(result.usage),
    }


@dataclass(frozen=True, slots=True)
class Frame:
    """What all chunks of a stream have in common."""

    request_id: str
    model: str
    created: int
    wants_usage: bool

    def chunk(self, delta: Json, *, finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._event([choice], None)

    def last(self, usage: TokenUsage) -> bytes:
        return self._event([], _usage(usage))

    def _event(self, choices: list[Json], usage: Json | None) -> bytes:
        body: Json = {
            "id": f"chatcmpl-{self.request_id}",
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }
        if self.wants_usage:
            # With include_usage every chunk but the last says null.
            body["usage"] = usage
        return server_sent(body)


async def events(stream: GenerationStream, request_id: str, asked: Asked) -> AsyncGenerator[bytes]:
    """The stream, which was entered, as server-sent events. A failure is an event too: the status is sent."""
    options = asked.given.get("stream_options")
    wants_usage = isinstance(options, dict) and options.get("include_usage") is True
    frame = Frame(request_id, stream.answered_by[1], int(time.time()), wants_usage)
    try:
        yield frame.chunk({"role": "assistant", "content": ""})
        async for text in stream:
            yield frame.chunk({"content": text})
        result = stream.result
        if result.tool_calls:
            calls = [{"index": place, **_call(call)} for place, call in enumerate(result.tool_calls)]
            yield frame.chunk({"tool_calls": calls})
        yield frame.chunk({}, finish_reason=_finish_reason(result))
        if frame.wants_usage:
            yield frame.last(result.usage)
        yield DONE
    except DomainError as error:
        yield server_sent(shaped(error).body)
    except Exception as error:
        yield server_sent(shaped(told(error)).body)
        raise


def server_sent(body: Json) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"


def _finish_reason(result: GenerationResult) -> str:
    if result.tool_calls:
        return "tool_calls"
    return "length" if result.finish_reason == "length" else "stop"


def _call(call: ToolCall) -> Json:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.call_id, "type": "function", "function": function}


def _usage(usage: TokenUsage) -> Json:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
