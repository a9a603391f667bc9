"""Google Gemini, over generateContent (https://ai.google.dev/api/generate-content)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx2
from google import genai
from google.genai import errors, types
from google.genai.client import DebugConfig

from providers.adapters import failures
from providers.adapters.base import AIProvider, GenerationRequest, ListedModel, ProviderReply, TokenUsage
from providers.adapters.conversation import gemini_contents, gemini_tools
from providers.adapters.listings import entries, name_of
from providers.adapters.manner import effort_wished
from providers.adapters.posting import Posting
from providers.adapters.reading import decoded, encoded, member, reading, text_of, word
from providers.adapters.replies import COMPLETE, CUT_OFF, blocked, reply_from, tool_call, whole_number
from providers.adapters.schemas import GEMINI, vendor_schema
from providers.adapters.transport import HttpClient, tls_context, until
from providers.adapters.usage import billed_as, gemini_usage
from providers.capabilities.parameters import Parameter
from providers.errors import ErrorKind, ProviderError
from providers.model_names import plain_name

GEMINI_URL = "https://generativelanguage.googleapis.com"

_API_VERSION = "v1beta"
_MOST_MODELS_LISTED = 1000
# https://ai.google.dev/api/generate-content#FinishReason
_FINISH_REASONS = {"STOP": COMPLETE, "MAX_TOKENS": CUT_OFF, "CONTINUATION": CUT_OFF}
_BLOCKED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "MODEL_ARMOR",
    }
)


# Of the reply, for models that think by budget.
_QUARTERS = {"medium": 2, "high": 3}


class GeminiProvider(AIProvider):
    optional = frozenset(Parameter) - {Parameter.LIMIT, Parameter.USAGE, Parameter.CACHE}

    def _connect(self, api_key: str) -> None:
        sdk_over = partial(_sdk, api_key, self.base_url or GEMINI_URL, self.timeout)
        path = f"{_path_of(self.model_name)}:generateContent"
        self._client = sdk_over(self._http)
        self._posting = Posting(
            self._http, lambda http: sdk_over(http).async_request("post", path, {}), vendor=self.vendor
        )

    async def _generate(self, request: GenerationRequest) -> ProviderReply:
        body = encoded(_to_vendor(request, self.model_name))
        with reading(self.vendor), _translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                answer = await self._posting.answer(body)
            whole = _Accumulator()
            whole.add(decoded(answer.content), answer.headers)
            return whole.reply(request, vendor=self.vendor)

    async def _stream(self, request: GenerationRequest) -> AsyncGenerator[str | ProviderReply]:
        payload = _to_vendor(request, self.model_name)
        deadline = asyncio.get_running_loop().time() + self.timeout
        whole = _Accumulator()
        stream: Any = None
        try:
            with reading(self.vendor, whole.usage), _translate_errors(self.vendor) as progress:
                path = f"{_path_of(self.model_name)}:streamGenerateContent?alt=sse"
                async with asyncio.timeout_at(deadline):
                    stream = await self._client.async_request_streamed("post", path, payload)
                async for answer in until(deadline, stream):
                    chunk = decoded(answer.body)
                    progress.has_generated |= bool(chunk.get("candidates"))
                    if text := whole.add(chunk, answer.headers):
                        yield text
                reply = whole.reply(request, vendor=self.vendor)
        finally:
            if stream is not None:
                await stream.aclose()
        yield reply

    async def _list_models(self) -> tuple[ListedModel, ...]:
        path = f"models?pageSize={_MOST_MODELS_LISTED}"
        with reading(self.vendor), _translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                answer = await self._client.async_request("get", path, {})
            found = entries((answer.body or "").encode(errors="replace"), vendor=self.vendor)
            return tuple(_listed(entry) for entry in found if _generates(entry))


def _sdk(api_key: str, base_url: str, timeout: float, http_client: HttpClient) -> Any:
    # Everything that it would look up in the environment is given here. The synchronous client is never used,
    # but would build itself a TLS context; an asynchronous one of httpx2's kind keeps the SDK from using
    # aiohttp directly, where it sends a request that failed to connect a second time.
    options = types.HttpOptions(
        base_url=base_url,
        api_version=_API_VERSION,
        timeout=max(1, round(timeout * 1000)),
        httpx_client=httpx2.Client(verify=tls_context(), trust_env=False),
        httpx_async_client=http_client,
        async_client_args={"ssl": tls_context()},
    )
    offline = DebugConfig(client_mode=None, replays_directory=None, replay_id=None)
    client = genai.Client(vertexai=False, api_key=api_key, http_options=options, debug_config=offline)
    # Its methods walk through every field, most of what a call costs. There is no public way around them.
    return client._api_client


class _Accumulator:
    """What the chunks of a reply have said so far; a reply that is not streamed is one chunk."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._usage: object = None
        self._finish_reason = ""
        self._block_reason = ""
        self._model_name = ""
        self._id = ""
        self._tier = ""
        self._has_searched = False
        self._calls: list[Mapping[str, Any]] = []

    def add(self, chunk: Mapping[str, Any], headers: Mapping[str, str] | None) -> str:
        # Each chunk counts what was used up to it.
        self._usage = chunk.get("usageMetadata") or self._usage
        self._model_name = word(chunk.get("modelVersion")) or self._model_name
        self._id = word(chunk.get("responseId")) or self._id
        self._tier = _service_tier(chunk, headers or {}) or self._tier
        self._block_reason = _code(member(chunk.get("promptFeedback"), "blockReason")) or self._block_reason
        # One is all we ask for; a proxy may send others, and in any order.
        candidate = next((one for one in chunk.get("candidates") or () if not one.get("index")), None)
        if candidate is None:
            return ""
        self._finish_reason = _code(candidate.get("finishReason")) or self._finish_reason
        grounding = candidate.get("groundingMetadata")
        self._has_searched |= bool(
            member(grounding, "webSearchQueries") or member(grounding, "groundingChunks")
        )
        parts = (candidate.get("content") or {}).get("parts") or ()
        text = "".join(text_of(part.get("text")) for part in parts if not part.get("thought"))
        self._calls += [part["functionCall"] for part in parts if part.get("functionCall")]
        self._texts.append(text)
        return text

    def usage(self) -> TokenUsage | None:
        return gemini_usage(self._usage, has_searched=self._has_searched, has_text=any(self._texts))

    def reply(self, request: GenerationRequest, *, vendor: str) -> ProviderReply:
        usage = self.usage()
        with billed_as(model_name=self._model_name, service_tier=self._tier):
            if self._block_reason:
                raise blocked(vendor, usage, code=self._block_reason, was_billed=False)
            if self._finish_reason in _BLOCKED:
                raise blocked(vendor, usage, code=self._finish_reason)
            if not self._finish_reason:
                raise failures.broke_off(vendor) if self._texts else failures.malformed(vendor)
            return reply_from(
                request,
                vendor=vendor,
                text="".join(self._texts),
                usage=usage,
                model_name=self._model_name,
                finish_reason=_FINISH_REASONS.get(self._finish_reason, self._finish_reason.lower()),
                request_id=self._id,
                service_tier=self._tier,
                tool_calls=[
                    tool_call(call.get("id"), call.get("name"), call.get("args") or {})
                    for call in self._calls
                ],
            )


def _code(value: object) -> str:
    """A word of theirs as they list it: some proxies write it in lower case."""
    return word(value).upper()


def _service_tier(chunk: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """The tier that served the call, which may be another than the one asked for: a header says so
    (https://ai.google.dev/gemini-api/docs/priority-inference); Google's cloud says it in the usage."""
    for name, value in headers.items():
        if name.lower() == "x-gemini-service-tier":
            return word(value).lower()
    return word(member(chunk.get("usageMetadata"), "trafficType")).lower().removeprefix("on_demand_")


@contextmanager
def _translate_errors(vendor: str) -> Iterator[failures.Progress]:
    progress = failures.Progress()
    try:
        with failures.translated(vendor):
            yield progress
    except errors.APIError as error:
        raise _refused(vendor, error, has_generated=progress.has_generated) from None


def _refused(vendor: str, error: errors.APIError, *, has_generated: bool) -> ProviderError:
    response, body = error.response, error.details
    if isinstance(response, httpx2.Response):
        # The SDK makes an error of Google's of any page.
        body = failures.body_of(response)
    headers = getattr(response, "headers", None)
    return failures.refused(
        vendor,
        status=error.code,
        body=body,
        headers=headers if isinstance(headers, Mapping) else None,
        has_generated=has_generated,
    )


def _generates(entry: Mapping[str, Any]) -> bool:
    """Whether it is a model for us: the list has those for vectors, speech and films as well. A proxy's list
    may not say."""
    methods = entry.get("supportedGenerationMethods")
    return not isinstance(methods, list) or not methods or "generateContent" in methods


def _listed(entry: Mapping[str, Any]) -> ListedModel:
    """https://ai.google.dev/api/models#Model: the list knows sizes, and neither vision nor structured output.
    Streaming is mostly left out of the methods although every model does it."""
    methods = entry.get("supportedGenerationMethods")
    streams = isinstance(methods, list) and "streamGenerateContent" in methods
    return ListedModel(
        plain_name(name_of(entry)),
        streaming=True if streams else None,
        context_window=whole_number(entry.get("inputTokenLimit")),
        max_output_tokens=whole_number(entry.get("outputTokenLimit")),
    )


def _path_of(model_name: str) -> str:
    """Raises ProviderError for a name that leads to another address."""
    if ".." in model_name:
        raise ProviderError(ErrorKind.NOT_FOUND, vendor="gemini", may_have_cost=False)
    name = model_name if model_name.startswith(("models/", "tunedModels/")) else f"models/{model_name}"
    return quote(name, safe="/@=:+,")


def _to_vendor(request: GenerationRequest, model_name: str) -> dict[str, Any]:
    config: dict[str, Any] = {"maxOutputTokens": request.max_output_tokens}
    if request.temperature is not None and Parameter.TEMPERATURE not in request.without:
        config["temperature"] = request.temperature
    if request.top_p is not None and Parameter.TEMPERATURE not in request.without:
        config["topP"] = request.top_p
    if request.stop:
        config["stopSequences"] = list(request.stop)
    if Parameter.EFFORT not in request.without and (
        thinking := _thinking(model_name, request.max_output_tokens, request.manner.effort)
    ):
        config["thinkingConfig"] = thinking
    if request.response_model is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = vendor_schema(request.response_model, GEMINI)
    payload: dict[str, Any] = {
        "contents": gemini_contents(request),
        "generationConfig": config,
        **gemini_tools(request.toolbox),
    }
    if request.system_prompt:
        payload["systemInstruction"] = {"role": "user", "parts": [{"text": request.system_prompt}]}
    if Parameter.STORE not in request.without:
        # Postings and CVs are personal data: the vendor is not to keep them in the project's logs.
        payload["store"] = False
    if request.manner.service_tier:
        payload["serviceTier"] = request.manner.service_tier
    return payload


def _thinking(model_name: str, max_output_tokens: int, wish: str) -> dict[str, Any]:
    """Thoughts count towards `max_output_tokens` and by default may use all of it up, so they get a quarter,
    or as much as is wished. Bounds by model: https://ai.google.dev/gemini-api/docs/thinking#set-budget"""
    name = plain_name(model_name)
    if effort := effort_wished("gemini", name, wish):
        return {"thinkingLevel": effort.upper()}
    budget = max_output_tokens * _QUARTERS.get(wish, 1) // 4
    # The aliases change their model; both generations take a budget.
    if re.match(r"gemini-(2\.5-pro|pro-latest)", name):
        return {"thinkingBudget": max(128, budget)}
    if re.match(r"gemini-(2\.5-flash|flash(-lite)?-latest)", name):
        return {"thinkingBudget": budget if budget >= 512 else 0}
    return {}
