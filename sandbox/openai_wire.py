"""OpenAI's protocol: what chat completions and responses share, and chat completions themselves."""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.faults import Fault
from sandbox.tokens import Picture, UnreadableImage, openai_image_tokens
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

REFUSAL = "[sandbox] I'm sorry, but I can't assist with that request."

# Under each fault: status, type, code, message.
_ERRORS: dict[str, tuple[int, str, str | None, str]] = {
    "auth": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "forbidden": (403, "invalid_request_error", "unsupported_country_region_territory", "Not allowed."),
    "billing": (429, "insufficient_quota", "insufficient_quota",
                "You exceeded your current quota, please check your plan and billing details."),
    "not_found": (404, "invalid_request_error", "model_not_found",
                  "The model `{model}` does not exist or you do not have access to it."),
    "bad_request": (400, "invalid_request_error", None, "Invalid request."),
    "unprocessable": (422, "invalid_request_error", None, "The request could not be processed."),
    "unsupported": (400, "invalid_request_error", "unsupported_parameter",
                    "Unsupported parameter: 'wish' is not supported with this model."),
    "failed_dependency": (424, "server_error", None, "A dependency failed."),
    "too_long": (400, "invalid_request_error", "context_length_exceeded",
                 "This model's maximum context length is 128000 tokens. However, your messages resulted in "
                 "128001 tokens. Please reduce the length of the messages."),
    "too_large": (413, "invalid_request_error", None, "The request body is too large."),
    "request_timeout": (408, "timeout", None, "Request timed out."),
    "gateway_timeout": (504, "server_error", None, "Gateway timeout."),
    "conflict": (409, "conflict", None, "The request conflicts with another."),
    "server": (500, "server_error", None, "The server had an error while processing your request."),
    "unavailable": (503, "server_error", None, "The service is temporarily unavailable."),
    "overloaded": (503, "service_unavailable_error", "server_is_overloaded",
                   "Our servers are currently overloaded. Please try again later."),
    "rate_limited": (429, "requests", "rate_limit_exceeded", "Rate limit reached for {model}."),
}  # fmt: skip


class OpenAIWire(Wire):
    """What both of OpenAI's endpoints have in common."""

    vendor = "openai"

    def key(self, headers: Mapping[str, str]) -> str:
        return bearer_token(headers)

    def error(self, fault: Fault, *, model: str, message: str = "") -> ErrorReply:
        status, kind, code, usual = _ERRORS[fault.name]
        if fault == Fault("auth", "missing"):
            code, usual = None, "You didn't provide an API key."
        error = {"message": message or usual.format(model=model), "type": kind, "param": None, "code": code}
        headers = {"x-request-id": f"req_{uuid.uuid4().hex}", **retry_after_headers(fault)}
        return ErrorReply(status, {"error": error}, headers)

    def error_event(self, error: ErrorReply) -> bytes:
        return server_sent(error.body)

    def models(self, listed: Sequence[Model]) -> Json:
        about = {"object": "model", "created": 0, "owned_by": "sandbox"}
        # The window is what vLLM adds; OpenAI itself says nothing but names.
        rows = [about | {"id": model.name, "max_model_len": model.context_tokens} for model in listed]
        return {"object": "list", "data": rows}


def content_parts(content: Any, *, texts: list[str], pictures: list[tuple[Picture, int]]) -> None:
    """Sort a message's content (a string, or typed parts of either endpoint) into texts and pictures.

    Raises Refused for an image that is not inline or cannot be read.
    """
    if isinstance(content, str):
        texts.append(content)
        return
    for part in content if isinstance(content, list) else []:
        kind = member(part, "type", str)
        if kind in ("text", "input_text", "output_text"):
            texts.append(member(part, "text", str) or "")
        elif kind in ("image_url", "input_image"):
            pictures.append(_picture(part))
        else:
            raise Refused(Fault("bad_request"), f"Invalid content type: {kind!r}.")


def _picture(part: Json) -> tuple[Picture, int]:
    nested = part.get("image_url")
    source = nested if isinstance(nested, dict) else {"url": nested, "detail": part.get("detail")}
    url = source.get("url")
    if not isinstance(url, str) or not url.startswith("data:image/") or ";base64," not in url:
        raise Refused(Fault("bad_request"), "The sandbox takes images as base64 data URLs only.")
    try:
        picture = Picture.decode(url.partition(";base64,")[2])
    except UnreadableImage:
        raise Refused(Fault("bad_request"), "The image data does not represent a valid image.") from None
    return picture, openai_image_tokens(picture, low_detail=source.get("detail") == "low")


class ChatCompletionsWire(OpenAIWire):
    """POST /chat/completions (https://platform.openai.com/docs/api-reference/chat)."""

    def read(self, body: Json, *, model: str, stream: bool) -> WireRequest:
        prompts: list[str] = []
        systems: list[str] = []
        pictures: list[tuple[Picture, int]] = []
        messages = member(body, "messages", list)
        if not messages:
            raise Refused(Fault("bad_request"), "Missing required parameter: 'messages'.")
        for message in messages:
            is_system = member(message, "role", str) in ("system", "developer")
            content_parts(message.get("content"), texts=systems if is_system else prompts, pictures=pictures)
        response_format = member(body, "response_format", dict) or {}
        json_schema = member(response_format, "json_schema", dict) or {}
        tool_schema, tool = _called(body, has_outcome=messages[-1].get("role") == "tool")
        return WireRequest(
            model=model,
            prompt="\n".join(prompts),
            system="\n".join(systems),
            pictures=tuple(picture for picture, _ in pictures),
            picture_tokens=sum(tokens for _, tokens in pictures),
            schema=tool_schema
            or member(json_schema, "schema", dict)
            or ({"type": "object"} if response_format.get("type") == "json_object" else None),
            tool=tool,
            max_tokens=member(body, "max_completion_tokens", int) or member(body, "max_tokens", int),
            stream=stream,
            stream_usage=bool((member(body, "stream_options", dict) or {}).get("include_usage")),
        )

    def reply(self, asked: WireRequest, answer: Answer) -> Json:
        refused = answer.finish == "blocked_prompt"
        message: Json = {
            "role": "assistant",
            "content": None if answer.finish.startswith("blocked") else answer.text,
            "refusal": REFUSAL if refused else None,
        }
        if asked.tool and not answer.finish.startswith("blocked"):
            message |= {"content": None, "tool_calls": [_call(asked.tool, answer.text)]}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(asked, answer)}
        reply = self._frame(asked, "chat.completion", [choice])
        usage = _usage(answer)
        return reply | {"usage": usage} if usage else reply

    def events(self, asked: WireRequest, answer: Answer) -> Iterator[bytes]:
        frame = self._frame(asked, "chat.completion.chunk", [])
        usage = _usage(answer) if asked.stream_usage else None
        # With include_usage every chunk but the last says null.
        frame |= {"usage": None} if asked.stream_usage else {}
        yield server_sent(frame | {"choices": [_delta({"role": "assistant", "content": ""})]})
        if answer.finish == "blocked_prompt":
            yield server_sent(frame | {"choices": [_delta({"refusal": REFUSAL})]})
        elif answer.finish != "blocked_answer":
            if asked.tool:
                opening = _call(asked.tool, "") | {"index": 0}
                yield server_sent(frame | {"choices": [_delta({"tool_calls": [opening]})]})
            for piece in answer.pieces():
                said: Json = {"content": piece}
                if asked.tool:
                    said = {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
                yield server_sent(frame | {"choices": [_delta(said)]})
        yield server_sent(frame | {"choices": [_delta({}, _finish(asked, answer))]})
        if usage:
            yield server_sent(frame | {"usage": usage})
        yield server_sent("[DONE]")

    def _frame(self, asked: WireRequest, kind: str, choices: list[Json]) -> Json:
        return {
            "id": f"chatcmpl-sandbox-{uuid.uuid4().hex}",
            "object": kind,
            "created": int(time.time()),
            "model": asked.model,
            "choices": choices,
            "service_tier": "default",
            "system_fingerprint": "fp_sandbox",
        }


def _delta(delta: Json, finish_reason: str | None = None) -> Json:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _call(name: str, arguments: str) -> Json:
    function = {"name": name, "arguments": arguments}
    return {"id": f"call_sandbox_{uuid.uuid4().hex}", "type": "function", "function": function}


def _called(body: Json, *, has_outcome: bool) -> tuple[Json | None, str]:
    choice = body.get("tool_choice", "auto")
    forced = (member(choice, "function", dict) or {}).get("name") if isinstance(choice, dict) else ""
    functions = [member(tool, "function", dict) or {} for tool in member(body, "tools", list) or []]
    return chosen(
        [(str(one.get("name")), one.get("parameters") or {}) for one in functions],
        forced=str(forced or ""),
        may_call=choice != "none",
        has_outcome=has_outcome,
    )


def _finish(asked: WireRequest, answer: Answer) -> str:
    usual = "tool_calls" if asked.tool else "stop"
    return {"length": "length", "blocked_answer": "content_filter"}.get(answer.finish, usual)


def _usage(answer: Answer) -> Json | None:
    """Cached input is inside `prompt_tokens`, reasoning inside `completion_tokens`."""
    if answer.usage is None:
        return None
    usage = answer.usage
    prompt, completion = answer.exact or (usage.input_total, usage.output_total)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "audio_tokens": 0}
        | ({"cache_write_tokens": usage.cache_write} if usage.cache_write else {}),
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": 0},
    }
