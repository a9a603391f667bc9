"""What each vendor's wire carries when all is well, as full as its documentation has it: the ground that
`bench.fuzz` mutates. Gemini, OpenAI's Responses, Anthropic's Messages and chat completions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

ANSWER = '{"title": "Welder"}'
# A stream's events, each with the name it is sent under where the wire gives it one.
Events = tuple[tuple[str, dict[str, Any]], ...]


@dataclass(frozen=True, slots=True)
class WireSample:
    provider_type: str
    reply: dict[str, Any]
    events: Events
    error: dict[str, Any]
    models: dict[str, Any]
    ends_with_done: bool = False

    def stream(self, events: list[Any]) -> bytes:
        """`events` (mutated or not) as they are sent, under the names of this wire's own."""
        lines = []
        for (name, _), data in zip(self.events, events, strict=True):
            lines += [f"event: {name}"] * bool(name) + [f"data: {json.dumps(data)}", ""]
        lines += ["data: [DONE]", ""] * self.ends_with_done
        return "\n".join([*lines, ""]).encode()


_GEMINI_USAGE = {
    "promptTokenCount": 12,
    "cachedContentTokenCount": 4,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 3,
    "toolUsePromptTokenCount": 1,
    "totalTokenCount": 21,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}],
    "trafficType": "ON_DEMAND",
}


def _gemini_chunk(text: str, *, last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {
        "content": {"role": "model", "parts": [{"text": "Hm.", "thought": True}, {"text": text}]},
        "index": 0,
        "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}],
    }
    if last:
        candidate |= {"finishReason": "STOP", "avgLogprobs": -0.1}
    return {
        "candidates": [candidate],
        "usageMetadata": _GEMINI_USAGE,
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r-1",
    }


GEMINI = WireSample(
    "gemini",
    reply=_gemini_chunk(ANSWER, last=True) | {"promptFeedback": {"safetyRatings": []}},
    events=(("", _gemini_chunk(ANSWER[:9], last=False)), ("", _gemini_chunk(ANSWER[9:], last=True))),
    error={
        "error": {
            "code": 429,
            "message": "Resource has been exhausted.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"},
            ],
        }
    },
    models={
        "models": [
            {
                "name": "models/gemini-2.5-flash",
                "displayName": "Gemini 2.5 Flash",
                "inputTokenLimit": 1048576,
                "outputTokenLimit": 65536,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
                "temperature": 1.0,
                "thinking": True,
            }
        ],
        "nextPageToken": "more",
    },
)

_OPENAI_USAGE = {
    "input_tokens": 12,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 8,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 20,
}
_OPENAI_MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "role": "assistant",
    "phase": "final_answer",
    "content": [{"type": "output_text", "text": ANSWER, "annotations": [], "logprobs": []}],
}
_OPENAI_REPLY: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1760000000,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "model": "gpt-5-mini",
    "output": [{"type": "reasoning", "id": "rs_1", "summary": []}, _OPENAI_MESSAGE],
    "service_tier": "default",
    "usage": _OPENAI_USAGE,
}
_OPENAI_BEGUN = _OPENAI_REPLY | {"status": "in_progress", "output": [], "usage": None}


def _openai_event(number: int, name: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return name, {"type": name, "sequence_number": number, **fields}


_AT = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
OPENAI = WireSample(
    "openai",
    reply=_OPENAI_REPLY,
    events=(
        _openai_event(0, "response.created", response=_OPENAI_BEGUN),
        _openai_event(
            1, "response.output_item.added", output_index=1, item=_OPENAI_MESSAGE | {"content": []}
        ),
        _openai_event(2, "response.output_text.delta", **_AT, delta=ANSWER, logprobs=[]),
        _openai_event(3, "response.output_text.done", **_AT, text=ANSWER, logprobs=[]),
        _openai_event(4, "response.completed", response=_OPENAI_REPLY),
    ),
    error={
        "error": {
            "message": "Rate limit reached.",
            "type": "requests",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    },
    models={
        "object": "list",
        "data": [{"id": "gpt-5-mini", "object": "model", "created": 1, "owned_by": "openai"}],
    },
)

_CLAUDE_THOUGHTS = {"thinking_tokens": 3}
_CLAUDE_USAGE = {
    "input_tokens": 8,
    "cache_creation_input_tokens": 2,
    "cache_read_input_tokens": 4,
    "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 8,
    "output_tokens_details": _CLAUDE_THOUGHTS,
    "service_tier": "standard",
}
_CLAUDE_REPLY: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": ANSWER, "citations": None},
    ],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": _CLAUDE_USAGE,
}


def _claude_event(name: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return name, {"type": name, **fields}


CLAUDE = WireSample(
    "claude",
    reply=_CLAUDE_REPLY,
    events=(
        _claude_event("message_start", message=_CLAUDE_REPLY | {"content": [], "stop_reason": None}),
        _claude_event("content_block_start", index=0, content_block={"type": "text", "text": ANSWER[:3]}),
        _claude_event("content_block_delta", index=0, delta={"type": "text_delta", "text": ANSWER[3:]}),
        _claude_event("content_block_stop", index=0),
        _claude_event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": 8, "output_tokens_details": _CLAUDE_THOUGHTS},
        ),
        _claude_event("message_stop"),
    ),
    error={
        "type": "error",
        "error": {"type": "rate_limit_error", "message": "Slow down.", "details": {"error_code": "rate"}},
        "request_id": "req_1",
    },
    models={
        "data": [
            {
                "type": "model",
                "id": "claude-sonnet-4-5",
                "display_name": "Claude Sonnet 4.5",
                "created_at": "2025-09-29T00:00:00Z",
                "max_input_tokens": 200000,
                "max_tokens": 64000,
                "capabilities": {
                    "image_input": {"supported": True},
                    "structured_outputs": {"supported": True},
                },
            }
        ],
        "has_more": False,
        "first_id": "claude-sonnet-4-5",
        "last_id": "claude-sonnet-4-5",
    },
)

_CHAT_USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 8,
    "total_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
_CHAT_FRAME = {"id": "chatcmpl-1", "created": 1760000000, "model": "qwen3", "service_tier": "default"}


def _chat_chunk(*choices: dict[str, Any], usage: Any = None) -> tuple[str, dict[str, Any]]:
    return "", {**_CHAT_FRAME, "object": "chat.completion.chunk", "choices": [*choices], "usage": usage}


CHAT_COMPLETIONS = WireSample(
    "local",
    reply={
        **_CHAT_FRAME,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": [{"type": "text", "text": ANSWER}],
                    "refusal": None,
                    "reasoning_content": "Hm.",
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": _CHAT_USAGE,
        "system_fingerprint": "fp",
    },
    events=(
        _chat_chunk({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}),
        _chat_chunk({"index": 0, "delta": {"content": ANSWER, "refusal": None}, "finish_reason": None}),
        _chat_chunk({"index": 0, "delta": {}, "finish_reason": "stop"}),
        _chat_chunk(usage=_CHAT_USAGE),
    ),
    error={
        "error": {
            "message": "Too many requests.",
            "type": "rate_limit_error",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    },
    models={
        "object": "list",
        "data": [
            {
                "id": "qwen3",
                "object": "model",
                "created": 1,
                "owned_by": "vllm",
                "max_model_len": 32768,
                "context_length": 32768,
                "architecture": {"input_modalities": ["text", "image"]},
                "supported_parameters": ["structured_outputs"],
                "top_provider": {"max_completion_tokens": 8192},
            }
        ],
    },
    ends_with_done=True,
)

WIRES = {wire.provider_type: wire for wire in (GEMINI, OPENAI, CLAUDE, CHAT_COMPLETIONS)}
