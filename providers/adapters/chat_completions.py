"""OpenAI's chat completions, as hosted vendors, proxies and servers of one's own speak them (Ollama, vLLM,
llama.cpp).

Chat completions, not Responses: it is what all of them speak.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from providers.adapters import failures
from providers.adapters.base import AIProvider, GenerationRequest, ListedModel, ProviderReply, TokenUsage
from providers.adapters.conversation import ToolCall, chat_messages, chat_tools
from providers.adapters.listings import name_of, part
from providers.adapters.openai import (
    answer_to,
    events_after,
    list_openai_models,
    openai_client,
    request_id_of,
    translate_errors,
)
from providers.adapters.posting import Posting
from providers.adapters.reading import decoded, encoded, member, reading, text_of, word
from providers.adapters.replies import COMPLETE, CUT_OFF, blocked, reply_from, tool_call, whole_number
from providers.adapters.schemas import OPEN_SOURCE, vendor_schema
from providers.adapters.transport import until
from providers.adapters.usage import billed_as, completions_usage
from providers.capabilities.parameters import Parameter

# The SDK refuses an empty key; servers that check none ignore this one.
NO_KEY = "none"

_PATH = "/chat/completions"


class ChatCompletionsProvider(AIProvider):
    optional = frozenset(Parameter) - {Parameter.STORE, Parameter.CACHE}

    def _connect(self, api_key: str) -> None:
        if not self.base_url:
            raise ValueError("An OpenAI-compatible server needs its base URL.")
        sdk_over = partial(openai_client, api_key or NO_KEY, self.base_url, self.timeout)
        self._client = sdk_over(self._http)
        self._posting = Posting(
            self._http, lambda http: answer_to(sdk_over(http), _PATH, b"{}"), vendor=self.vendor
        )

    async def _generate(self, request: GenerationRequest) -> ProviderReply:
        body = encoded(_to_vendor(request, self.model_name))
        with reading(self.vendor), translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                answer = await self._posting.answer(body)
            return _from_vendor(
                decoded(answer.content), request, vendor=self.vendor, request_id=request_id_of(answer)
            )

    async def _stream(self, request: GenerationRequest) -> AsyncGenerator[str | ProviderReply]:
        payload = _to_vendor(request, self.model_name)
        payload["stream"] = True
        if Parameter.USAGE not in request.without:
            payload["stream_options"] = {"include_usage": True}
        body = encoded(payload)
        deadline = asyncio.get_running_loop().time() + self.timeout
        whole = _Accumulator()
        with reading(self.vendor, whole.usage), translate_errors(self.vendor) as progress:
            async with asyncio.timeout_at(deadline):
                stream = await events_after(self._client, _PATH, body)
            async with aclosing(stream):
                async for chunk in until(deadline, stream):
                    if text := whole.add(chunk):
                        progress.has_generated = True
                        yield text
            reply = whole.reply(request, vendor=self.vendor)
        yield reply

    async def _list_models(self) -> tuple[ListedModel, ...]:
        found = await list_openai_models(self._client, vendor=self.vendor, seconds=self.timeout)
        with reading(self.vendor):
            return tuple(_listed(entry) for entry in found)


class _Accumulator:
    """What a stream of chunks has said so far. Usage comes in a last chunk that has no choices."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._usage: object = None
        self._finish_reason = ""
        self._is_refusal = False
        self._model_name = ""
        self._service_tier = ""
        self._id = ""
        # By their place: id and name come once, the arguments in pieces.
        self._calls: dict[int, list[str]] = {}

    def add(self, chunk: Mapping[str, Any]) -> str:
        self._usage = chunk.get("usage") or self._usage
        self._model_name = chunk.get("model") or self._model_name
        self._service_tier = chunk.get("service_tier") or self._service_tier
        self._id = chunk.get("id") or self._id
        choice = _first(chunk.get("choices"))
        if choice is None:
            return ""
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        delta = choice.get("delta") or {}
        self._is_refusal = self._is_refusal or bool(word(delta.get("refusal")))
        for call in delta.get("tool_calls") or ():
            self._add_call(call)
        text = text_of(delta.get("content"))
        self._texts.append(text)
        return text

    def _add_call(self, call: Mapping[str, Any]) -> None:
        known = self._calls.setdefault(call.get("index") or 0, ["", "", ""])
        function = member(call, "function")
        known[0] = call.get("id") or known[0]
        known[1] = member(function, "name") or known[1]
        known[2] += member(function, "arguments") or ""

    def usage(self) -> TokenUsage | None:
        return completions_usage(self._usage, has_text=any(self._texts))

    def reply(self, request: GenerationRequest, *, vendor: str) -> ProviderReply:
        # Usage comes last of all: some servers end with it and never say that they have finished.
        ended = self._finish_reason or (COMPLETE if self._usage and any(self._texts) else "")
        if not ended:
            has_begun = self._texts or self._id
            raise failures.broke_off(vendor) if has_begun else failures.malformed(vendor)
        return _reply(
            request,
            vendor=vendor,
            text="".join(self._texts),
            usage=self.usage(),
            model_name=self._model_name,
            finish_reason=ended,
            is_refusal=self._is_refusal,
            request_id=self._id,
            service_tier=self._service_tier,
            tool_calls=[tool_call(*parts) for parts in self._calls.values()],
        )


# By what name servers tell how much a model reads, the surest first.
_WINDOWS = (
    "max_model_len",  # vLLM
    "loaded_context_length",  # LM Studio, of a model that is loaded
    "context_length",  # OpenRouter, Together
    "context_window",  # Groq
    "max_context_length",  # Mistral, LM Studio
)


def _listed(entry: Mapping[str, Any]) -> ListedModel:
    """What servers add to OpenAI's list, each in its own words
    (https://openrouter.ai/docs/api-reference/list-available-models, https://console.groq.com/docs/models,
    https://docs.mistral.ai/api/#tag/models)."""
    inputs = part(entry, "architecture").get("input_modalities")
    sees = part(entry, "capabilities").get("vision")
    parameters = entry.get("supported_parameters")
    windows = (whole_number(entry.get(name)) for name in _WINDOWS)
    vision = "image" in inputs if isinstance(inputs, list) else None
    return ListedModel(
        name_of(entry),
        vision=sees if vision is None and isinstance(sees, bool) else vision,
        structured_output="structured_outputs" in parameters if isinstance(parameters, list) else None,
        context_window=next(filter(None, windows), None),
        max_output_tokens=whole_number(part(entry, "top_provider").get("max_completion_tokens"))
        or whole_number(entry.get("max_completion_tokens")),
    )


def _to_vendor(request: GenerationRequest, model_name: str) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "model": model_name,
        "messages": chat_messages(request),
        **chat_tools(request.toolbox),
    }
    # Older servers ignore max_completion_tokens and write without end; newer models of OpenAI take only that.
    limit = "max_completion_tokens" if Parameter.LIMIT in request.without else "max_tokens"
    payload[limit] = request.max_output_tokens
    if request.temperature is not None and Parameter.TEMPERATURE not in request.without:
        payload["temperature"] = request.temperature
    if request.top_p is not None and Parameter.TEMPERATURE not in request.without:
        payload["top_p"] = request.top_p
    if request.stop:
        payload["stop"] = list(request.stop)
    if request.manner.effort and Parameter.EFFORT not in request.without:
        payload["reasoning_effort"] = request.manner.effort
    if request.manner.service_tier:
        payload["service_tier"] = request.manner.service_tier
    if request.response_model is not None:
        payload["response_format"] = {
            "type": "json_schema",
            "json_schema": {
                "name": request.response_model.__name__[:64],
                "schema": vendor_schema(request.response_model, OPEN_SOURCE),
                "strict": True,
            },
        }
    return payload


def _from_vendor(
    completion: object, request: GenerationRequest, *, vendor: str, request_id: str = ""
) -> ProviderReply:
    choice = _first(completion.get("choices")) if isinstance(completion, dict) else None
    message = member(choice, "message")
    if not isinstance(completion, dict) or choice is None or message is None:
        raise failures.malformed(vendor)
    if error := choice.get("error"):
        # A router whose own vendor failed in the middle of the answer.
        raise failures.refused(
            vendor, status=200, body={"error": error}, has_generated=bool(message.get("content"))
        )
    text = text_of(message.get("content"))
    return _reply(
        request,
        vendor=vendor,
        text=text,
        usage=completions_usage(completion.get("usage"), has_text=bool(text)),
        model_name=completion.get("model") or "",
        finish_reason=choice.get("finish_reason") or "",
        is_refusal=bool(word(message.get("refusal"))),
        request_id=request_id or completion.get("id") or "",
        service_tier=completion.get("service_tier") or "",
        tool_calls=[_call(call) for call in message.get("tool_calls") or ()],
    )


def _reply(
    request: GenerationRequest,
    *,
    vendor: str,
    text: str,
    usage: TokenUsage | None,
    model_name: str,
    finish_reason: str,
    is_refusal: bool,
    request_id: str,
    service_tier: str,
    tool_calls: Iterable[ToolCall],
) -> ProviderReply:
    finish_reason = word(finish_reason)
    with billed_as(model_name=model_name, service_tier=service_tier):
        if is_refusal or finish_reason == "content_filter":
            raise blocked(
                vendor, usage, code=finish_reason if finish_reason == "content_filter" else "refusal"
            )
        return reply_from(
            request,
            vendor=vendor,
            text=text,
            usage=usage,
            model_name=model_name,
            finish_reason={"stop": COMPLETE, "length": CUT_OFF}.get(finish_reason, finish_reason),
            request_id=request_id,
            service_tier=service_tier,
            tool_calls=tool_calls,
        )


def _call(call: Mapping[str, Any]) -> ToolCall:
    function = member(call, "function")
    return tool_call(call.get("id"), member(function, "name"), member(function, "arguments"))


def _first(choices: Sequence[Mapping[str, Any]] | None) -> Mapping[str, Any] | None:
    """The choice number 0, which is all we ask for; a server may send others, and in any order."""
    return next((choice for choice in choices or () if not choice.get("index")), None)
