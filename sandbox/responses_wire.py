"""OpenAI's protocol: responses (https://platform.openai.com/docs/api-reference/responses)."""

import time
import uuid
from collections.abc import Iterator

from sandbox.faults import Fault
from sandbox.openai_wire import REFUSAL, OpenAIWire, content_parts
from sandbox.tokens import Picture
from sandbox.tools import chosen
from sandbox.wire import Answer, ErrorReply, Json, Refused, WireRequest, member, server_sent


class ResponsesWire(OpenAIWire):
    """POST /responses."""

    def read(self, body: Json, *, model: str, stream: bool) -> WireRequest:
        prompts: list[str] = []
        systems: list[str] = [member(body, "instructions", str) or ""]
        pictures: list[tuple[Picture, int]] = []
        if not body.get("input"):
            raise Refused(Fault("bad_request"), "Missing required parameter: 'input'.")
        if isinstance(body["input"], str):
            prompts.append(body["input"])
        items = member(body, "input", list) or []
        for item in items:
            if member(item, "type", str) == "function_call_output":
                prompts.append(str(item.get("output")))
            is_system = member(item, "role", str) in ("system", "developer")
            content_parts(item.get("content"), texts=systems if is_system else prompts, pictures=pictures)
        text_format = member(member(body, "text", dict) or {}, "format", dict) or {}
        has_outcome = bool(items) and items[-1].get("type") == "function_call_output"
        tool_schema, tool = _called(body, has_outcome=has_outcome)
        return WireRequest(
            model=model,
            prompt="\n".join(prompts),
            system="\n".join(filter(None, systems)),
            pictures=tuple(picture for picture, _ in pictures),
            picture_tokens=sum(tokens for _, tokens in pictures),
            schema=tool_schema
            or member(text_format, "schema", dict)
            or ({"type": "object"} if text_format.get("type") == "json_object" else None),
            tool=tool,
            max_tokens=member(body, "max_output_tokens", int),
            stream=stream,
        )

    def reply(self, asked: WireRequest, answer: Answer) -> Json:
        return self._response(asked, answer, f"resp_sandbox_{uuid.uuid4().hex}")

    def events(self, asked: WireRequest, answer: Answer) -> Iterator[bytes]:
        for number, event in enumerate(self._events(asked, answer)):
            yield server_sent(event | {"sequence_number": number}, event=event["type"])

    def error_event(self, error: ErrorReply) -> bytes:
        inner = error.body["error"]
        event = {"type": "error", "code": inner["code"], "message": inner["message"], "param": None}
        return server_sent(event | {"sequence_number": 0}, event="error")

    def _events(self, asked: WireRequest, answer: Answer) -> Iterator[Json]:
        final = self._response(asked, answer, f"resp_sandbox_{uuid.uuid4().hex}")
        opening = final | {"status": "in_progress", "output": [], "incomplete_details": None}
        opening.pop("usage", None)
        yield {"type": "response.created", "response": opening}
        yield {"type": "response.in_progress", "response": opening}
        item = final["output"][0]
        if item["type"] == "function_call":
            yield from _call_events(item)
            yield {"type": f"response.{final['status']}", "response": final}
            return
        place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        part = item["content"][0]
        kind = part["type"]
        hollow = item | {"status": "in_progress", "content": []}
        yield {"type": "response.output_item.added", "output_index": 0, "item": hollow}
        empty_part = part | {"refusal" if kind == "refusal" else "text": ""}
        yield {"type": "response.content_part.added", "part": empty_part, **place}
        if kind == "refusal":
            yield {"type": "response.refusal.delta", "delta": part["refusal"], **place}
            yield {"type": "response.refusal.done", "refusal": part["refusal"], **place}
        else:
            for piece in answer.pieces() if part["text"] else ():
                yield {"type": "response.output_text.delta", "delta": piece, "logprobs": [], **place}
            yield {"type": "response.output_text.done", "text": part["text"], "logprobs": [], **place}
        yield {"type": "response.content_part.done", "part": part, **place}
        yield {"type": "response.output_item.done", "output_index": 0, "item": item}
        yield {"type": f"response.{final['status']}", "response": final}

    def _response(self, asked: WireRequest, answer: Answer, response_id: str) -> Json:
        reason = {"length": "max_output_tokens", "blocked_answer": "content_filter"}.get(answer.finish)
        status = "incomplete" if reason else "completed"
        text = "" if answer.finish == "blocked_answer" else answer.text
        content = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        if answer.finish == "blocked_prompt":
            content = {"type": "refusal", "refusal": REFUSAL}
        message = {
            "id": f"msg_sandbox_{uuid.uuid4().hex}",
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [content],
        }
        output: list[Json] = [message]
        if asked.tool and not answer.finish.startswith("blocked"):
            output = [_call(asked.tool, answer.text, status)]
        response = {
            "id": response_id,
            "object": "response",
            "created_at": int(time.time()),
            "status": status,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "instructions": None,
            "model": asked.model,
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "metadata": {},
            "service_tier": "default",
        }
        usage = _usage(answer)
        return response | {"usage": usage} if usage else response


def _call(name: str, arguments: str, status: str) -> Json:
    return {
        "id": f"fc_sandbox_{uuid.uuid4().hex}",
        "type": "function_call",
        "call_id": f"call_sandbox_{uuid.uuid4().hex}",
        "name": name,
        "arguments": arguments,
        "status": status,
    }


def _call_events(item: Json) -> Iterator[Json]:
    place = {"item_id": item["id"], "output_index": 0}
    hollow = item | {"status": "in_progress", "arguments": ""}
    yield {"type": "response.output_item.added", "output_index": 0, "item": hollow}
    yield {"type": "response.function_call_arguments.delta", "delta": item["arguments"], **place}
    yield {"type": "response.function_call_arguments.done", "arguments": item["arguments"], **place}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}


def _called(body: Json, *, has_outcome: bool) -> tuple[Json | None, str]:
    choice = body.get("tool_choice", "auto")
    tools = member(body, "tools", list) or []
    return chosen(
        [(str(tool.get("name")), tool.get("parameters") or {}) for tool in tools],
        forced=str(choice.get("name") or "") if isinstance(choice, dict) else "",
        may_call=choice != "none",
        has_outcome=has_outcome,
    )


def _usage(answer: Answer) -> Json | None:
    """Cached input is inside `input_tokens`, reasoning inside `output_tokens`."""
    if answer.usage is None:
        return None
    usage = answer.usage
    input_tokens, output_tokens = answer.exact or (usage.input_total, usage.output_total)
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": input_tokens + output_tokens,
    }
