"""Anthropic Claude, over the Messages API (https://docs.anthropic.com/en/api/messages)."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any

import anthropic
import httpx2
from anthropic import AsyncAnthropic
from anthropic.types import Message, MessageDeltaUsage, RawMessageStreamEvent, Usage

from providers.adapters import failures
from providers.adapters.base import AIProvider, GenerationRequest, ListedModel, ProviderReply, TokenUsage
from providers.adapters.listings import entries, name_of, part
from providers.adapters.replies import COMPLETE, CUT_OFF, blocked, reply_from, token_usage, whole_number
from providers.adapters.schemas import ANTHROPIC, vendor_schema
from providers.adapters.transport import until
from providers.errors import ErrorKind, ProviderError

ANTHROPIC_URL = "https://api.anthropic.com"

_MOST_MODELS_LISTED = 1000
_FINISH_REASONS = {
    "end_turn": COMPLETE,
    "stop_sequence": COMPLETE,
    "max_tokens": CUT_OFF,
    "model_context_window_exceeded": CUT_OFF,
}
# From version 5 on they think before they answer, inside max_tokens and at high effort unless told otherwise
# (https://platform.claude.com/docs/en/build-with-claude/effort).
_THINKS_UNASKED = re.compile(r"claude-[a-z]+-([5-9]|\d\d)(-\d{1,2})?(-\d{8})?")
# For an error event inside a stream, which comes with the status 200 of the stream.
_KIND_BY_TYPE: dict[str, ErrorKind] = {
    "overloaded_error": ErrorKind.OVERLOADED,
    "rate_limit_error": ErrorKind.RATE_LIMITED,
    "timeout_error": ErrorKind.TIMEOUT,
    "authentication_error": ErrorKind.AUTH,
    "permission_error": ErrorKind.AUTH,
    "billing_error": ErrorKind.BILLING,
    "invalid_request_error": ErrorKind.BAD_REQUEST,
}
# https://platform.claude.com/docs/en/api/errors: spending limits answer 400 or 403, by the limit.
_SPENDING_LIMITS = frozenset(
    {
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
        "linked_organization_billing_unavailable",
        "linked_organization_spend_limit_reached",
    }
)


class ClaudeProvider(AIProvider):
    vendor = "claude"

    def _connect(self, api_key: str) -> None:
        self._client = AsyncAnthropic(
            api_key=api_key,
            base_url=self.base_url or ANTHROPIC_URL,
            timeout=self.timeout,
            max_retries=0,
            open_telemetry=False,
            http_client=self._http,
        )
        # ANTHROPIC_CUSTOM_HEADERS; there is no public way to refuse them.
        self._client._custom_headers = {}

    async def _generate(self, request: GenerationRequest) -> ProviderReply:
        payload = _to_vendor(request, self.model_name)
        with _translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                message = await self._client.messages.create(**payload)
        return _from_vendor(message, request, vendor=self.vendor)

    async def _stream(self, request: GenerationRequest) -> AsyncGenerator[str | ProviderReply]:
        payload = _to_vendor(request, self.model_name)
        deadline = asyncio.get_running_loop().time() + self.timeout
        whole = _Accumulator()
        with _translate_errors(self.vendor):
            async with asyncio.timeout_at(deadline):
                stream = await self._client.messages.create(**payload, stream=True)
            async with aclosing(_Closing(stream)):
                async for event in until(deadline, stream):
                    if text := whole.add(event):
                        yield text
        yield whole.reply(request, vendor=self.vendor)

    async def _list_models(self) -> tuple[ListedModel, ...]:
        # Its bytes are read here, because the SDK takes any body for an object.
        with _translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                answer = await self._client.get(
                    "/v1/models",
                    options={"params": {"limit": _MOST_MODELS_LISTED}},
                    cast_to=httpx2.Response,
                )
        return tuple(map(_listed, entries(answer.content, vendor=self.vendor)))


class _Closing:
    """Gives the SDK's stream the method that `contextlib.aclosing` calls."""

    def __init__(self, stream: anthropic.AsyncStream[RawMessageStreamEvent]) -> None:
        self._stream = stream

    async def aclose(self) -> None:
        await self._stream.close()


class _Accumulator:
    """What a stream of events has said so far. Its first event counts the input, its last but one the
    output."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._message: Message | None = None
        self._late_usage: MessageDeltaUsage | None = None
        self._stop_reason = ""
        self._is_complete = False

    def add(self, event: RawMessageStreamEvent) -> str:
        if event.type == "message_start":
            self._message = event.message
        elif event.type == "content_block_delta" and event.delta.type == "text_delta":
            self._texts.append(event.delta.text)
            return event.delta.text
        elif event.type == "message_delta":
            self._stop_reason = event.delta.stop_reason or ""
            self._late_usage = event.usage
        elif event.type == "message_stop":
            self._is_complete = True
        return ""

    def reply(self, request: GenerationRequest, *, vendor: str) -> ProviderReply:
        if not self._is_complete or self._message is None:
            raise failures.broke_off(vendor)
        return _reply(
            request,
            self._message,
            vendor=vendor,
            text="".join(self._texts),
            usage=usage_from(self._message.usage, self._late_usage),
            stop_reason=self._stop_reason,
        )


@contextmanager
def _translate_errors(vendor: str) -> Iterator[None]:
    try:
        with failures.translated(vendor):
            yield
    except anthropic.APIConnectionError as error:
        cause = error.__cause__
        if cause is not None and not isinstance(cause, (httpx2.HTTPError, TimeoutError)):
            # The SDK wraps whatever was raised below it; a bug of ours is not a broken connection.
            raise cause from None
        raise failures.from_network(vendor, cause) from None
    except anthropic.APIStatusError as error:
        raise _refused(vendor, error) from None
    except anthropic.APIResponseValidationError:
        raise failures.malformed(vendor) from None


def _refused(vendor: str, error: anthropic.APIStatusError) -> ProviderError:
    kind = ErrorKind.BILLING if error.error_code in _SPENDING_LIMITS else None
    if error.status_code == 200:
        kind = kind or _KIND_BY_TYPE.get(error.type or "", ErrorKind.SERVER)
    refusal = failures.refused(
        vendor,
        status=error.status_code,
        kind=kind,
        text=error.api_message or "",
        code=error.error_code or error.type,
        headers=error.response.headers,
    )
    # In the middle of a stream the model has already worked.
    refusal.may_have_cost = refusal.may_have_cost or error.status_code == 200
    return refusal


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
    """Without temperature: this API has none any more."""
    content: list[dict[str, Any]] = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": image.mime_type,
                "data": base64.b64encode(image.data).decode(),
            },
        }
        for image in request.images
    ]
    content.append({"type": "text", "text": request.prompt})
    payload: dict[str, Any] = {
        "model": model_name,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": request.max_output_tokens,
    }
    if request.system_prompt:
        payload["system"] = request.system_prompt
    output_config: dict[str, Any] = {}
    if request.response_model is not None:
        schema = vendor_schema(request.response_model, ANTHROPIC)
        output_config["format"] = {"type": "json_schema", "schema": schema}
    if _THINKS_UNASKED.fullmatch(model_name):
        output_config["effort"] = "low"
    if output_config:
        payload["output_config"] = output_config
    return payload


def _from_vendor(message: object, request: GenerationRequest, *, vendor: str) -> ProviderReply:
    if not isinstance(message, Message) or not isinstance(message.content, list):
        raise failures.malformed(vendor)
    return _reply(
        request,
        message,
        vendor=vendor,
        text="".join(block.text for block in message.content if block.type == "text"),
        usage=usage_from(message.usage),
        stop_reason=message.stop_reason or "",
    )


def _reply(
    request: GenerationRequest,
    message: Message,
    *,
    vendor: str,
    text: str,
    usage: TokenUsage | None,
    stop_reason: str,
) -> ProviderReply:
    if stop_reason == "refusal":
        raise blocked(vendor, usage, code="refusal")
    return reply_from(
        request,
        vendor=vendor,
        text=text,
        usage=usage,
        model_name=message.model or "",
        finish_reason=_FINISH_REASONS.get(stop_reason, stop_reason),
        request_id=getattr(message, "_request_id", None) or message.id or "",
        service_tier=getattr(message.usage, "service_tier", None) or "",
    )


def usage_from(usage: Usage | None, late: MessageDeltaUsage | None = None) -> TokenUsage | None:
    """Anthropic counts input without what the cache read and wrote; ours includes both
    (https://docs.anthropic.com/en/api/messages#response-usage). `late` is a stream's closing count."""

    def count(name: str) -> Any:
        value = getattr(late, name, None)
        return getattr(usage, name, None) if value is None else value

    fresh, read, written = (
        count("input_tokens"),
        count("cache_read_input_tokens") or 0,
        count("cache_creation_input_tokens") or 0,
    )
    if not all(isinstance(number, int) for number in (fresh, read, written)):
        return None
    return token_usage(
        input_tokens=fresh + read + written,
        output_tokens=count("output_tokens"),
        cached=read,
        cache_write=written,
        reasoning=getattr(count("output_tokens_details"), "thinking_tokens", None),
    )
