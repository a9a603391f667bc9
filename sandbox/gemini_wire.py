"""Gemini's protocol: generateContent (https://ai.google.dev/api/generate-content)."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.faults import Fault
from sandbox.tokens import Picture, UnreadableImage, Usage, gemini_image_tokens
from sandbox.tools import chosen
from sandbox.wire import (
    Answer,
    ErrorReply,
    Json,
    Model,
    Refused,
    Wire,
    WireRequest,
    member,
    retry_after_headers,
    server_sent,
)

# Under each fault: HTTP status, Google's status, message.
_ERRORS = {
    "auth": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    "forbidden": (403, "PERMISSION_DENIED", "Your project does not have permission to use this resource."),
    "billing": (402, "FAILED_PRECONDITION", "Billing is not enabled for this project."),
    "not_found": (404, "NOT_FOUND", "models/{model} is not found for API version v1beta, or is not supported "
                                    "for generateContent."),
    "bad_request": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "unprocessable": (422, "INVALID_ARGUMENT", "The request could not be processed."),
    "unsupported": (400, "INVALID_ARGUMENT", "Invalid JSON payload received. Unknown name \"wish\" at "
                                             "'generation_config': Cannot find field."),
    "failed_dependency": (424, "ABORTED", "A dependency failed."),
    "too_long": (400, "INVALID_ARGUMENT", "The input token count (1048577) exceeds the maximum number of "
                                          "tokens allowed (1048576)."),
    "too_large": (413, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes."),
    "request_timeout": (408, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    "gateway_timeout": (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    "conflict": (409, "ABORTED", "The operation was aborted."),
    "server": (500, "INTERNAL", "An internal error has occurred. Please retry."),
    "unavailable": (503, "UNAVAILABLE", "The service is currently unavailable."),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "rate_limited": (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
}  # fmt: skip
# `auth=401` and `auth=403` are what Google answers for a key that expired or lacks the API.
_AUTH_VARIANTS = {
    "401": (401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    "403": (403, "PERMISSION_DENIED", "The caller does not have permission."),
    "missing": (403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers (callers without "
                                          "established identity). Please use API Key or other form of API "
                                          "consumer identity."),
}  # fmt: skip
_FINISH_REASONS = {"length": "MAX_TOKENS", "blocked_answer": "SAFETY"}


class GeminiWire(Wire):
    """POST /v1beta/models/{model}:generateContent and :streamGenerateContent."""

    vendor = "gemini"

    def key(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-goog-api-key", "")

    def read(self, body: Json, *, model: str, stream: bool) -> WireRequest:
        texts: list[str] = []
        pictures: list[Picture] = []
        for content in member(body, "contents", list) or []:
            _sort_parts(content, texts=texts, pictures=pictures)
        if not (texts or pictures):
            raise Refused(Fault("bad_request"), "GenerateContentRequest.contents: contents is not specified")
        systems: list[str] = []
        instruction = member(body, "systemInstruction", dict) or member(body, "system_instruction", dict)
        _sort_parts(instruction or {}, texts=systems, pictures=[])
        config = member(body, "generationConfig", dict) or {}
        schema = member(config, "responseJsonSchema", dict) or member(config, "responseSchema", dict)
        is_json = config.get("responseMimeType") == "application/json"
        tool_schema, tool = _called(body)
        return WireRequest(
            model=model,
            prompt="\n".join(texts),
            system="\n".join(systems),
            pictures=tuple(pictures),
            picture_tokens=sum(gemini_image_tokens(picture) for picture in pictures),
            schema=tool_schema or ((schema or {"type": "object"}) if is_json else None),
            tool=tool,
            max_tokens=member(config, "maxOutputTokens", int),
            stream=stream,
        )

    def error(self, fault: Fault, *, model: str, message: str = "") -> ErrorReply:
        code, status, usual = _ERRORS[fault.name]
        if fault.name == "auth":
            code, status, usual = _AUTH_VARIANTS.get(fault.argument, (code, status, usual))
        error = {
            "code": code,
            "message": message or usual.format(model=model),
            "status": status,
            "details": _details(fault),
        }
        return ErrorReply(code, {"error": error}, retry_after_headers(fault))

    def error_event(self, error: ErrorReply) -> bytes:
        return server_sent(error.body)

    def reply(self, asked: WireRequest, answer: Answer) -> Json:
        return _chunk(asked, answer, answer.text, is_last=True, response_id=uuid.uuid4().hex)

    def events(self, asked: WireRequest, answer: Answer) -> Iterator[bytes]:
        response_id = uuid.uuid4().hex
        pieces = [] if answer.finish.startswith("blocked") else answer.pieces()
        if asked.tool and pieces:
            # A call comes whole.
            pieces = [answer.text]
        for piece in pieces[:-1]:
            yield server_sent(_chunk(asked, answer, piece, is_last=False, response_id=response_id))
        last = pieces[-1] if pieces else ""
        yield server_sent(_chunk(asked, answer, last, is_last=True, response_id=response_id))

    def models(self, listed: Sequence[Model]) -> Json:
        about = {"version": "1", "description": "Made by the sandbox; there is no model behind it."}
        rows = [
            about
            | {
                "name": f"models/{model.name}",
                "displayName": model.name,
                "inputTokenLimit": model.context_tokens,
                "outputTokenLimit": model.output_tokens,
                "supportedGenerationMethods": ["generateContent", "streamGenerateContent"],
            }
            for model in listed
        ]
        # Google's list has models that answer no prompt, too.
        vectors = {
            "name": "models/sandbox-vectors",
            "displayName": "sandbox-vectors",
            "inputTokenLimit": 2048,
            "outputTokenLimit": 1,
            "supportedGenerationMethods": ["embedContent"],
        }
        return {"models": [*rows, about | vectors]}


def _sort_parts(content: Any, *, texts: list[str], pictures: list[Picture]) -> None:
    for part in member(content, "parts", list) or []:
        inline = member(part, "inlineData", dict) or member(part, "inline_data", dict)
        if inline:
            try:
                pictures.append(Picture.decode(str(inline.get("data", ""))))
            except UnreadableImage:
                raise Refused(Fault("bad_request"), "Unable to process input image.") from None
        elif isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif outcome := member(part, "functionResponse", dict):
            texts.append(json.dumps(outcome.get("response"), ensure_ascii=False))
        elif "functionCall" in part:
            continue
        else:
            raise Refused(Fault("bad_request"), "The sandbox takes text and inline images only.")


def _details(fault: Fault) -> list[Json]:
    if fault == Fault("auth"):
        return [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            }
        ]
    if fault.name == "rate_limited" and fault.argument:
        delay = f"{fault.argument}s"
        return [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    return []


def _chunk(asked: WireRequest, answer: Answer, text: str, *, is_last: bool, response_id: str) -> Json:
    chunk: Json = {"modelVersion": asked.model, "responseId": response_id}
    if answer.finish == "blocked_prompt":
        chunk["promptFeedback"] = {"blockReason": "SAFETY"}
    else:
        candidate: Json = {"index": 0}
        if answer.finish != "blocked_answer":
            candidate["content"] = {"role": "model", "parts": [_part(asked, text)] if text else []}
        if is_last:
            candidate["finishReason"] = _FINISH_REASONS.get(answer.finish, "STOP")
        chunk["candidates"] = [candidate]
    # Every chunk carries usage; what a stream reports last is what counts.
    if answer.usage is not None:
        counts = _usage(answer.usage, answer.exact)
        if not is_last:
            prompt = counts["promptTokenCount"]
            counts = {"promptTokenCount": prompt, "totalTokenCount": prompt}
        chunk["usageMetadata"] = counts
    return chunk


def _part(asked: WireRequest, text: str) -> Json:
    if not asked.tool:
        return {"text": text}
    try:
        arguments = json.loads(text)
    except ValueError:
        arguments = {}
    return {"functionCall": {"name": asked.tool, "args": arguments}, "thoughtSignature": "c2FuZGJveA=="}


def _called(body: Json) -> tuple[Json | None, str]:
    declared = [
        function
        for tool in member(body, "tools", list) or []
        for function in member(tool, "functionDeclarations", list) or []
    ]
    mode = member(member(body, "toolConfig", dict) or {}, "functionCallingConfig", dict) or {}
    last = (member(body, "contents", list) or [{}])[-1]
    return chosen(
        [
            (str(one.get("name")), one.get("parametersJsonSchema") or one.get("parameters") or {})
            for one in declared
        ],
        forced=str((mode.get("allowedFunctionNames") or [""])[0]),
        may_call=mode.get("mode") != "NONE",
        has_outcome=any("functionResponse" in part for part in member(last, "parts", list) or []),
    )


def _usage(usage: Usage, exact: tuple[int, int] | None) -> Json:
    """Cached input is inside `promptTokenCount`; thoughts and tool prompts are counted apart from the
    candidates and the prompt, and all four make the total."""
    prompt, candidates = exact or (usage.input_total, usage.text_output)
    counts: Json = {"promptTokenCount": prompt, "candidatesTokenCount": candidates}
    if usage.cache_read:
        counts["cachedContentTokenCount"] = usage.cache_read
    if usage.reasoning:
        counts["thoughtsTokenCount"] = usage.reasoning
    if usage.tool_prompt:
        counts["toolUsePromptTokenCount"] = usage.tool_prompt
    counts["totalTokenCount"] = prompt + candidates + usage.reasoning + usage.tool_prompt
    details = [{"modality": "TEXT", "tokenCount": max(prompt - usage.image_input, 0)}]
    if usage.image_input:
        details.append({"modality": "IMAGE", "tokenCount": usage.image_input})
    return counts | {"promptTokensDetails": details}
