"""Anthropic's protocol: messages (https://docs.anthropic.com/en/api/messages)."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.faults import Fault
from sandbox.tokens import Picture, UnreadableImage, anthropic_image_tokens
from sandbox.tools import chosen
from sandbox.wire import (
    Answer,
    ErrorReply,
    Json,
    Model,
    Refused,
    Wire,
    WireRequest,
    bearer_token,
    member,
    retry_after_headers,
    server_sent,
)

# Under each fault: status, type, message.
_ERRORS = {
    "auth": (401, "authentication_error", "invalid x-api-key"),
    "forbidden": (403, "permission_error", "Your API key does not have permission to use this resource."),
    "billing": (402, "billing_error", "Your credit balance is too low to access the Anthropic API."),
    "not_found": (404, "not_found_error", "model: {model}"),
    "bad_request": (400, "invalid_request_error", "messages: invalid request"),
    "unprocessable": (422, "invalid_request_error", "The request could not be processed."),
    "unsupported": (400, "invalid_request_error", "wish: Extra inputs are not permitted"),
    "failed_dependency": (424, "api_error", "A dependency failed."),
    "too_long": (400, "invalid_request_error", "prompt is too long: 200001 tokens > 200000 maximum"),
    "too_large": (413, "request_too_large", "Request exceeds the maximum size"),
    "request_timeout": (408, "timeout_error", "Request timed out"),
    "gateway_timeout": (504, "timeout_error", "Request timed out while processing"),
    "conflict": (409, "conflict_error", "The request conflicts with another."),
    "server": (500, "api_error", "Internal server error"),
    "unavailable": (503, "api_error", "Service unavailable"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "rate_limited": (429, "rate_limit_error", "This request would exceed your account's rate limit."),
}
_STOP_REASONS = {"length": "max_tokens", "blocked_prompt": "refusal", "blocked_answer": "refusal"}


class AnthropicWire(Wire):
    """POST /v1/messages."""

    vendor = "anthropic"

    def key(self, headers: Mapping[str, str]) -> str:
        # The vendor takes both; its SDK moved from the first to the second.
        return headers.get("x-api-key") or bearer_token(headers)

    def authorise(self, headers: Mapping[str, str]) -> None:
        super().authorise(headers)
        if not headers.get("anthropic-version"):
            raise Refused(Fault("bad_request"), "anthropic-version: header is required")

    def read(self, body: Json, *, model: str, stream: bool) -> WireRequest:
        texts: list[str] = []
        pictures: list[Picture] = []
        max_tokens = member(body, "max_tokens", int)
        if not max_tokens:
            raise Refused(Fault("bad_request"), "max_tokens: Field required")
        for message in member(body, "messages", list) or []:
            _sort_content(message.get("content"), texts=texts, pictures=pictures)
        if not (texts or pictures):
            raise Refused(Fault("bad_request"), "messages: at least one message is required")
        systems: list[str] = []
        _sort_content(body.get("system"), texts=systems, pictures=[])
        schema, tool = _asked_form(body)
        return WireRequest(
            model=model,
            prompt="\n".join(texts),
            system="\n".join(systems),
            pictures=tuple(pictures),
            picture_tokens=sum(anthropic_image_tokens(picture) for picture in pictures),
            schema=schema,
            tool=tool,
            max_tokens=max_tokens,
            stream=stream,
        )

    def error(self, fault: Fault, *, model: str, message: str = "") -> ErrorReply:
        status, kind, usual = _ERRORS[fault.name]
        if fault == Fault("auth", "missing"):
            usual = "x-api-key header is required"
        request_id = f"req_sandbox_{uuid.uuid4().hex}"
        error = {"type": kind, "message": message or usual.format(model=model)}
        body = {"type": "error", "error": error, "request_id": request_id}
        return ErrorReply(status, body, {"request-id": request_id, **retry_after_headers(fault)})

    def error_event(self, error: ErrorReply) -> bytes:
        return server_sent(error.body, event="error")

    def reply(self, asked: WireRequest, answer: Answer) -> Json:
        message = _message(asked)
        blocked = answer.finish.startswith("blocked")
        message["content"] = [] if blocked or not answer.text else [_block(asked, answer.text)]
        message |= _ending(asked, answer)
        usage = _usage(answer)
        return message | {"usage": usage} if usage else message

    def events(self, asked: WireRequest, answer: Answer) -> Iterator[bytes]:
        usage = _usage(answer)
        opening = {"usage": usage | {"output_tokens": 1}} if usage else {}
        yield self._event({"type": "message_start", "message": _message(asked) | opening})
        if answer.text and not answer.finish.startswith("blocked"):
            start = _block(asked, "")
            yield self._event({"type": "content_block_start", "index": 0, "content_block": start})
            yield self._event({"type": "ping"})
            for piece in answer.pieces():
                delta = {"type": "text_delta", "text": piece}
                if asked.tool:
                    delta = {"type": "input_json_delta", "partial_json": piece}
                yield self._event({"type": "content_block_delta", "index": 0, "delta": delta})
            yield self._event({"type": "content_block_stop", "index": 0})
        final = {"usage": usage} if usage else {}
        yield self._event({"type": "message_delta", "delta": _ending(asked, answer)} | final)
        yield self._event({"type": "message_stop"})

    def models(self, listed: Sequence[Model]) -> Json:
        rows = [
            {
                "type": "model",
                "id": model.name,
                "display_name": model.name,
                "created_at": "1970-01-01T00:00:00Z",
                "lifecycle": "active",
                "max_input_tokens": model.context_tokens,
                "max_tokens": model.output_tokens,
                "capabilities": {
                    "image_input": {"supported": model.vision},
                    "structured_outputs": {"supported": model.structured_output},
                },
            }
            for model in listed
        ]
        ends = {"first_id": listed[0].name, "last_id": listed[-1].name} if listed else {}
        return {"data": rows, "has_more": False, **ends}

    @staticmethod
    def _event(event: Json) -> bytes:
        return server_sent(event, event=event["type"])


def _sort_content(content: Any, *, texts: list[str], pictures: list[Picture]) -> None:
    if isinstance(content, str):
        texts.append(content)
        return
    for block in content if isinstance(content, list) else []:
        kind = member(block, "type", str)
        if kind == "text":
            texts.append(member(block, "text", str) or "")
        elif kind == "image":
            source = member(block, "source", dict) or {}
            if source.get("type") != "base64":
                raise Refused(Fault("bad_request"), "The sandbox takes images as base64 sources only.")
            try:
                pictures.append(Picture.decode(str(source.get("data", ""))))
            except UnreadableImage:
                raise Refused(Fault("bad_request"), "Could not process image") from None
        elif kind == "tool_result":
            _sort_content(block.get("content"), texts=texts, pictures=pictures)
        elif kind != "tool_use":
            raise Refused(Fault("bad_request"), f"messages: unexpected content type {kind!r}")


def _asked_form(body: Json) -> tuple[Json | None, str]:
    """The schema asked for, and the tool's name when it is a tool that is to be used."""
    output_format = (member(body, "output_config", dict) or {}).get("format") or body.get("output_format")
    if isinstance(output_format, dict):
        return member(output_format, "schema", dict), ""
    choice = member(body, "tool_choice", dict) or {"type": "auto"}
    last = (member(body, "messages", list) or [{}])[-1].get("content")
    return chosen(
        [
            (str(tool.get("name")), tool.get("input_schema") or {})
            for tool in member(body, "tools", list) or []
        ],
        forced=str(choice.get("name") or ""),
        may_call=choice["type"] != "none",
        has_outcome=isinstance(last, list) and any(block.get("type") == "tool_result" for block in last),
    )


def _message(asked: WireRequest) -> Json:
    return {
        "id": f"msg_sandbox_{uuid.uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _block(asked: WireRequest, text: str) -> Json:
    if not asked.tool:
        return {"type": "text", "text": text}
    try:
        arguments = json.loads(text) if text else {}
    except ValueError:
        # A tool's input is an object on this wire, even when the output was cut off.
        arguments = {}
    block_id = f"toolu_sandbox_{uuid.uuid4().hex}"
    return {"type": "tool_use", "id": block_id, "name": asked.tool, "input": arguments}


def _ending(asked: WireRequest, answer: Answer) -> Json:
    usual = "tool_use" if asked.tool else "end_turn"
    ending: Json = {"stop_reason": _STOP_REASONS.get(answer.finish, usual), "stop_sequence": None}
    if answer.finish.startswith("blocked"):
        ending["stop_details"] = {
            "type": "refusal",
            "category": "general_harms",
            "explanation": "[sandbox] refused on request",
        }
    return ending


def _usage(answer: Answer) -> Json | None:
    """`input_tokens` excludes what the cache read or wrote; thinking is inside `output_tokens`."""
    if answer.usage is None:
        return None
    usage = answer.usage
    input_tokens, output_tokens = answer.exact or (usage.fresh_input, usage.output_total)
    return {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_creation": {"ephemeral_5m_input_tokens": usage.cache_write, "ephemeral_1h_input_tokens": 0},
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
        "service_tier": "standard",
    }
