"""Any server that speaks OpenAI's chat completions at a base URL: Ollama, vLLM, llama.cpp, proxies.

Chat completions, not Responses: it is what all of them speak.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from providers.adapters import failures
from providers.adapters.base import AIProvider, GenerationRequest, ListedModel, ProviderReply, TokenUsage
from providers.adapters.listings import name_of, part
from providers.adapters.openai import data_url, list_openai_models, openai_client, translate_errors
from providers.adapters.replies import COMPLETE, CUT_OFF, blocked, reply_from, token_usage, whole_number
from providers.adapters.schemas import OPEN_SOURCE, vendor_schema
from providers.adapters.transport import until

# The SDK refuses an empty key; servers that check none ignore this one.
NO_KEY = "none"


class LocalProvider(AIProvider):
    vendor = "local"

    def _connect(self, api_key: str) -> None:
        if not self.base_url:
            raise ValueError("An OpenAI-compatible server needs its base URL.")
        self._client = openai_client(
            api_key or NO_KEY, self.base_url, timeout=self.timeout, http_client=self._http
        )

    async def _generate(self, request: GenerationRequest) -> ProviderReply:
        payload = _to_vendor(request, self.model_name)
        with translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                completion = await self._client.chat.completions.create(**payload)
        return _from_vendor(completion, request, vendor=self.vendor)

    async def _stream(self, request: GenerationRequest) -> AsyncGenerator[str | ProviderReply]:
        payload = _to_vendor(request, self.model_name)
        payload |= {"stream": True, "stream_options": {"include_usage": True}}
        deadline = asyncio.get_running_loop().time() + self.timeout
        whole = _Accumulator()
        with translate_errors(self.vendor):
            async with asyncio.timeout_at(deadline):
                stream = await self._client.chat.completions.create(**payload)
            async with aclosing(stream):
                async for chunk in until(deadline, stream):
                    if text := whole.add(chunk):
                        yield text
        yield whole.reply(request, vendor=self.vendor)

    async def _list_models(self) -> tuple[ListedModel, ...]:
        found = await list_openai_models(self._client, vendor=self.vendor, seconds=self.timeout)
        return tuple(_listed(entry) for entry in found)


class _Accumulator:
    """What a stream of chunks has said so far. Usage comes in a last chunk that has no choices."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._usage: CompletionUsage | None = None
        self._finish_reason = ""
        self._is_refusal = False
        self._model_name = ""
        self._service_tier = ""
        self._id = ""

    def add(self, chunk: ChatCompletionChunk) -> str:
        self._usage = chunk.usage or self._usage
        self._model_name = chunk.model or self._model_name
        self._service_tier = chunk.service_tier or self._service_tier
        self._id = chunk.id or self._id
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        self._finish_reason = choice.finish_reason or self._finish_reason
        self._is_refusal = self._is_refusal or bool(choice.delta and choice.delta.refusal)
        text = (choice.delta and choice.delta.content) or ""
        self._texts.append(text)
        return text

    def reply(self, request: GenerationRequest, *, vendor: str) -> ProviderReply:
        if not self._finish_reason:
            raise failures.broke_off(vendor)
        return _reply(
            request,
            vendor=vendor,
            text="".join(self._texts),
            usage=usage_from(self._usage),
            model_name=self._model_name,
            finish_reason=self._finish_reason,
            is_refusal=self._is_refusal,
            request_id=self._id,
            service_tier=self._service_tier,
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
    content: Any = request.prompt
    if request.images:
        content = [{"type": "text", "text": request.prompt}]
        content += [{"type": "image_url", "image_url": {"url": data_url(image)}} for image in request.images]
    messages = [{"role": "system", "content": request.system_prompt}] if request.system_prompt else []
    payload: dict[str, Any] = {
        "model": model_name,
        "messages": [*messages, {"role": "user", "content": content}],
        # Not max_completion_tokens: older servers ignore it and write without end.
        "max_tokens": request.max_output_tokens,
    }
    if request.temperature is not None:
        payload["temperature"] = request.temperature
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


def _from_vendor(completion: object, request: GenerationRequest, *, vendor: str) -> ProviderReply:
    if not isinstance(completion, ChatCompletion) or not completion.choices:
        raise failures.malformed(vendor)
    choice = completion.choices[0]
    if choice.message is None:
        raise failures.malformed(vendor)
    return _reply(
        request,
        vendor=vendor,
        text=choice.message.content or "",
        usage=usage_from(completion.usage),
        model_name=completion.model or "",
        finish_reason=choice.finish_reason or "",
        is_refusal=bool(choice.message.refusal),
        request_id=getattr(completion, "_request_id", None) or completion.id or "",
        service_tier=completion.service_tier or "",
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
) -> ProviderReply:
    if is_refusal or finish_reason == "content_filter":
        raise blocked(vendor, usage, code=finish_reason if finish_reason == "content_filter" else "refusal")
    return reply_from(
        request,
        vendor=vendor,
        text=text,
        usage=usage,
        model_name=model_name,
        finish_reason={"stop": COMPLETE, "length": CUT_OFF}.get(finish_reason, finish_reason),
        request_id=request_id,
        service_tier=service_tier,
    )


def usage_from(usage: CompletionUsage | None) -> TokenUsage | None:
    """Prompt tokens include cached ones and completion tokens include reasoning
    (https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage)."""
    if usage is None:
        return None
    read, written = usage.prompt_tokens_details, usage.completion_tokens_details
    return token_usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cached=getattr(read, "cached_tokens", None),
        cache_write=getattr(read, "cache_write_tokens", None),
        reasoning=getattr(written, "reasoning_tokens", None),
    )
