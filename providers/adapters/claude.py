"""Anthropic Claude, over the Messages API (https://docs.anthropic.com/en/api/messages)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any

import anthropic
import httpx2
from anthropic import AsyncAnthropic, AsyncStream

from providers.adapters import failures
from providers.adapters.base import AIProvider, GenerationRequest, ListedModel, ProviderReply, TokenUsage
from providers.adapters.conversation import ToolCall, claude_messages, claude_tools
from providers.adapters.listings import entries, name_of, part
from providers.adapters.manner import effort_of, effort_wished, is_worth_keeping, mark_for_claude
from providers.adapters.posting import Posting
from providers.adapters.reading import decoded, encoded, reading, text_of, word
from providers.adapters.replies import COMPLETE, CUT_OFF, blocked, reply_from, tool_call, whole_number
from providers.adapters.schemas import ANTHROPIC, vendor_schema
from providers.adapters.transport import HttpClient, until
from providers.adapters.usage import anthropic_tier, anthropic_usage, billed_as
from providers.capabilities.parameters import Parameter
from providers.errors import ProviderError

ANTHROPIC_URL = "https://api.anthropic.com"

_PATH = "/v1/messages"
_MOST_MODELS_LISTED = 1000
_FINISH_REASONS = {
    "end_turn": COMPLETE,
    "stop_sequence": COMPLETE,
    "max_tokens": CUT_OFF,
    "model_context_window_exceeded": CUT_OFF,
}


class ClaudeProvider(AIProvider):
    optional = frozenset({Parameter.FORM, Parameter.EFFORT, Parameter.CACHE})

    def _connect(self, api_key: str) -> None:
        sdk_over = partial(_sdk, api_key, self.base_url or ANTHROPIC_URL, self.timeout)
        self._client = sdk_over(self._http)
        self._posting = Posting(self._http, lambda http: _post(sdk_over(http), b"{}"), vendor=self.vendor)

    @property
    def takes_temperature(self) -> bool:
        return False

    @property
    def thinks_unseen(self) -> bool:
        return effort_of("claude", self.model_name) is not None

    async def _generate(self, request: GenerationRequest) -> ProviderReply:
        body = encoded(_to_vendor(request, self.model_name))
        with reading(self.vendor), _translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                answer = await self._posting.answer(body)
            request_id = answer.headers.get("request-id", "")
            return _from_vendor(decoded(answer.content), request, vendor=self.vendor, request_id=request_id)

    async def _stream(self, request: GenerationRequest) -> AsyncGenerator[str | ProviderReply]:
        body = encoded(_to_vendor(request, self.model_name) | {"stream": True})
        deadline = asyncio.get_running_loop().time() + self.timeout
        whole = _Accumulator()
        with reading(self.vendor, whole.usage), _translate_errors(self.vendor) as progress:
            async with asyncio.timeout_at(deadline):
                # The way for addresses that the SDK has no method for: those walk through every field.
                stream = await self._client.post(
                    _PATH, content=body, cast_to=object, stream=True, stream_cls=AsyncStream[Any]
                )
            async with aclosing(_Closing(stream)):
                async for event in until(deadline, stream):
                    progress.has_generated |= word(event.get("type")).startswith("content_block")
                    if text := whole.add(event):
                        yield text
            reply = whole.reply(request, vendor=self.vendor)
        yield reply

    async def _list_models(self) -> tuple[ListedModel, ...]:
        # Its bytes are read here, because the SDK takes any body for an object.
        with reading(self.vendor), _translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                page: Any = {"params": {"limit": _MOST_MODELS_LISTED}}
                answer = await self._client.get("/v1/models", options=page, cast_to=httpx2.Response)
            return tuple(map(_listed, entries(answer.content, vendor=self.vendor)))


def _sdk(api_key: str, base_url: str, timeout: float, http_client: HttpClient) -> AsyncAnthropic:
    options: Any = {"base_url": base_url, "timeout": timeout, "http_client": http_client}
    client = AsyncAnthropic(api_key=api_key, max_retries=0, open_telemetry=False, **options)
    # ANTHROPIC_CUSTOM_HEADERS; there is no public way to refuse them.
    client._custom_headers = {}
    return client


async def _post(client: AsyncAnthropic, body: bytes) -> httpx2.Response:
    return await client.post(_PATH, content=body, cast_to=httpx2.Response)


class _Closing:
    """Gives the SDK's stream the method that `contextlib.aclosing` calls."""

    def __init__(self, stream: AsyncStream[Any]) -> None:
        self._stream = stream

    async def aclose(self) -> None:
        await self._stream.close()


class _Accumulator:
    """What a stream of events has said so far. Its first event counts the input, its last but one the
    output."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._message: dict[str, Any] | None = None
        self._late_usage: object = None
        self._stop_reason = ""
        self._is_complete = False
        # By the place of their block: the arguments come in pieces.
        self._calls: dict[int, list[str]] = {}

    def add(self, event: Mapping[str, Any]) -> str:
        kind = event.get("type")
        if kind == "message_start":
            self._message = event["message"]
        elif kind == "content_block_start" and event["content_block"]["type"] == "text":
            # Empty at Anthropic; some servers that speak its protocol begin with the first words.
            return self._said(event["content_block"].get("text"))
        elif kind == "content_block_delta" and event["delta"]["type"] == "text_delta":
            return self._said(event["delta"].get("text"))
        elif kind == "content_block_start" and event["content_block"]["type"] == "tool_use":
            block = event["content_block"]
            self._calls[event["index"]] = [block.get("id"), block.get("name"), ""]
        elif kind == "content_block_delta" and event["delta"]["type"] == "input_json_delta":
            if event.get("index") in self._calls:
                self._calls[event["index"]][2] += event["delta"].get("partial_json") or ""
        elif kind == "message_delta":
            self._stop_reason = word(event["delta"].get("stop_reason"))
            self._late_usage = event.get("usage")
        elif kind == "message_stop":
            self._is_complete = True
        return ""

    def _said(self, content: object) -> str:
        text = text_of(content)
        self._texts.append(text)
        return text

    def usage(self) -> TokenUsage | None:
        if self._message is None:
            return None
        return anthropic_usage(self._message.get("usage"), self._late_usage, has_text=any(self._texts))

    def reply(self, request: GenerationRequest, *, vendor: str) -> ProviderReply:
        if self._message is None:
            raise failures.malformed(vendor)
        if not self._is_complete:
            raise failures.broke_off(vendor)
        return _reply(
            request,
            self._message,
            vendor=vendor,
            text="".join(self._texts),
            usage=self.usage(),
            stop_reason=self._stop_reason,
            tool_calls=[tool_call(*parts) for parts in self._calls.values()],
        )


@contextmanager
def _translate_errors(vendor: str) -> Iterator[failures.Progress]:
    progress = failures.Progress()
    try:
        with failures.translated(vendor):
            yield progress
    except anthropic.APIConnectionError as error:
        cause = error.__cause__
        if cause is not None and not isinstance(cause, (httpx2.HTTPError, TimeoutError)):
            # The SDK wraps whatever was raised below it; a bug of ours is not a broken connection.
            raise cause from None
        raise failures.from_network(vendor, cause) from None
    except anthropic.APIStatusError as error:
        raise _refused(vendor, error, has_generated=progress.has_generated) from None
    except anthropic.APIResponseValidationError:
        raise failures.malformed(vendor) from None


def _refused(vendor: str, error: anthropic.APIStatusError, *, has_generated: bool) -> ProviderError:
    # An event in the middle of a stream comes with the stream's status, and without the rest of it.
    body = error.body if error.status_code == 200 else failures.body_of(error.response)
    return failures.refused(
        vendor,
        status=error.status_code,
        body=body,
        headers=error.response.headers,
        has_generated=has_generated,
    )


def _listed(entry: Mapping[str, Any]) -> ListedModel:
    """https://docs.anthropic.com/en/api/models-list; models released before the API told so carry no
    capabilities."""

    def supports(name: str) -> bool | None:
        supported = part(part(entry, "capabilities"), name).get("supported")
        return supported if isinstance(supported, bool) else None

    return ListedModel(
        name_of(entry),
        vision=supports("image_input"),
        structured_output=supports("structured_outputs"),
        context_window=whole_number(entry.get("max_input_tokens")),
        max_output_tokens=whole_number(entry.get("max_tokens")),
        is_retired=entry.get("lifecycle") == "retired",
    )


def _to_vendor(request: GenerationRequest, model_name: str) -> dict[str, Any]:
    """Without temperature and top_p: this API has none any more."""
    payload: dict[str, Any] = {
        "model": model_name,
        "messages": claude_messages(request),
        "max_tokens": request.max_output_tokens,
        **claude_tools(request.toolbox),
    }
    if request.stop:
        payload["stop_sequences"] = list(request.stop)
    if request.system_prompt:
        payload["system"] = request.system_prompt
    output_config: dict[str, Any] = {}
    if request.response_model is not None:
        schema = vendor_schema(request.response_model, ANTHROPIC)
        output_config["format"] = {"type": "json_schema", "schema": schema}
    effort = effort_wished("claude", model_name, request.manner.effort)
    if effort and Parameter.EFFORT not in request.without:
        output_config["effort"] = effort
    if output_config:
        payload["output_config"] = output_config
    if is_worth_keeping(request, model_name):
        mark_for_claude(payload, request)
    return payload


def _from_vendor(
    message: object, request: GenerationRequest, *, vendor: str, request_id: str
) -> ProviderReply:
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        raise failures.malformed(vendor)
    blocks = [block for block in message["content"] if block.get("type") == "text"]
    text = "".join(text_of(block.get("text")) for block in blocks)
    return _reply(
        request,
        message,
        vendor=vendor,
        text=text,
        usage=anthropic_usage(message.get("usage"), has_text=bool(text)),
        stop_reason=word(message.get("stop_reason")),
        request_id=request_id,
        tool_calls=[
            tool_call(block.get("id"), block.get("name"), block.get("input"))
            for block in message["content"]
            if block.get("type") == "tool_use"
        ],
    )


def _reply(
    request: GenerationRequest,
    message: Mapping[str, Any],
    *,
    vendor: str,
    text: str,
    usage: TokenUsage | None,
    stop_reason: str,
    tool_calls: Iterable[ToolCall],
    request_id: str = "",
) -> ProviderReply:
    tier = anthropic_tier(message.get("usage"))
    with billed_as(model_name=message.get("model"), service_tier=tier):
        if stop_reason == "refusal":
            raise blocked(vendor, usage, code="refusal")
        return reply_from(
            request,
            vendor=vendor,
            text=text,
            usage=usage,
            model_name=message.get("model") or "",
            finish_reason=_FINISH_REASONS.get(stop_reason, stop_reason),
            request_id=request_id or message.get("id") or "",
            service_tier=tier,
            tool_calls=tool_calls,
        )
