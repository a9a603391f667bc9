"""OpenAI, over the Responses API (https://platform.openai.com/docs/api-reference/responses)."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI
from openai.types.responses import Response, ResponseUsage

from providers.adapters import failures
from providers.adapters.base import (
    AIProvider,
    GenerationRequest,
    Image,
    ListedModel,
    ProviderReply,
    TokenUsage,
)
from providers.adapters.listings import entries, name_of
from providers.adapters.replies import COMPLETE, CUT_OFF, blocked, reply_from, token_usage
from providers.adapters.schemas import OPENAI, vendor_schema
from providers.adapters.transport import until
from providers.errors import ErrorKind, ProviderError

OPENAI_URL = "https://api.openai.com/v1"
NO_RESPONSES_API = (
    "This server has a list of models but no Responses API, by which the type OpenAI asks: every call would "
    "fail. For a server that speaks chat completions, choose the type OpenAI-compatible server."
)

_NO_SUCH_ADDRESS = frozenset({404, 405, 501})

# Codes that say more than the status they come with, from OpenAI and from servers that speak its protocol.
_KIND_BY_CODE: dict[str, ErrorKind] = {
    "context_length_exceeded": ErrorKind.TOO_LONG,
    "exceed_context_size_error": ErrorKind.TOO_LONG,
    "insufficient_quota": ErrorKind.BILLING,
    "billing_hard_limit_reached": ErrorKind.BILLING,
    "billing_not_active": ErrorKind.BILLING,
    "model_not_found": ErrorKind.NOT_FOUND,
    "content_filter": ErrorKind.BLOCKED,
    "content_policy_violation": ErrorKind.BLOCKED,
    "invalid_prompt": ErrorKind.BLOCKED,
}
# What an error inside a reply that began with status 200 means, where the codes above do not say.
_KIND_BY_CODE_IN_REPLY: dict[str, ErrorKind] = {
    "rate_limit_exceeded": ErrorKind.RATE_LIMITED,
    "bio_policy": ErrorKind.BLOCKED,
    "misalignment_policy_violation": ErrorKind.BLOCKED,
    "image_content_policy_violation": ErrorKind.BLOCKED,
}
# They think before they answer, inside max_output_tokens, and take no temperature.
_REASONING_MODEL = re.compile(r"^(o\d|gpt-([5-9]|\d\d))(?!.*chat)")


class OpenAIProvider(AIProvider):
    vendor = "openai"

    def _connect(self, api_key: str) -> None:
        self._client = openai_client(
            api_key, self.base_url or OPENAI_URL, timeout=self.timeout, http_client=self._http
        )

    async def _generate(self, request: GenerationRequest) -> ProviderReply:
        payload = _to_vendor(request, self.model_name)
        with translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                response = await self._client.responses.create(**payload)
        return _from_vendor(response, request, vendor=self.vendor)

    async def _stream(self, request: GenerationRequest) -> AsyncGenerator[str | ProviderReply]:
        payload = _to_vendor(request, self.model_name)
        deadline = asyncio.get_running_loop().time() + self.timeout
        final: Response | None = None
        with translate_errors(self.vendor):
            async with asyncio.timeout_at(deadline):
                stream = await self._client.responses.create(**payload, stream=True)
            async with aclosing(stream):
                async for event in until(deadline, stream):
                    if event.type == "response.output_text.delta":
                        yield event.delta
                    elif event.type in {"response.completed", "response.incomplete", "response.failed"}:
                        final = event.response
                    elif event.type == "error":
                        raise _failed_inside(self.vendor, event.code)
        if final is None:
            raise failures.broke_off(self.vendor)
        yield _from_vendor(final, request, vendor=self.vendor)

    async def _list_models(self) -> tuple[ListedModel, ...]:
        found = await list_openai_models(self._client, vendor=self.vendor, seconds=self.timeout)
        # Their list says nothing but names (https://platform.openai.com/docs/api-reference/models/object).
        return tuple(ListedModel(name_of(entry)) for entry in found)

    async def missing_api(self) -> str:
        """Asked by an empty question: it names no model, so where the API is it is refused."""
        if not self.base_url:
            return ""
        try:
            with translate_errors(self.vendor):
                async with asyncio.timeout(self.timeout):
                    answer = await self._client.post("/responses", body={}, cast_to=httpx2.Response)
        except ProviderError as error:
            knows_models = error.vendor_code == "model_not_found"
            is_page = error.status_code == 200 and not error.vendor_code
            if is_page or (error.status_code in _NO_SUCH_ADDRESS and not knows_models):
                return NO_RESPONSES_API
            raise
        return "" if _speaks_responses(answer.content) else NO_RESPONSES_API


def _speaks_responses(body: bytes) -> bool:
    """Of an answer with status 200 to an empty question. LM Studio says with status 200 that there is no such
    address, in an error that is a text; web servers send a page."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and ("output" in answer or isinstance(answer.get("error"), dict))


def openai_client(
    api_key: str, base_url: str, *, timeout: float, http_client: httpx2.AsyncClient
) -> AsyncOpenAI:
    """The SDK's client with everything it would take from the environment taken out again."""
    client = AsyncOpenAI(
        api_key=api_key, base_url=base_url, timeout=timeout, max_retries=0, http_client=http_client
    )
    client.organization = client.project = client.admin_api_key = None
    # OPENAI_CUSTOM_HEADERS; there is no public way to refuse them.
    client._custom_headers = {}
    return client


async def list_openai_models(client: AsyncOpenAI, *, vendor: str, seconds: float) -> list[dict[str, Any]]:
    """The entries of the list. Its bytes are read here, because the SDK takes any body for an object."""
    with translate_errors(vendor):
        async with asyncio.timeout(seconds):
            answer = await client.get("/models", cast_to=httpx2.Response)
    return entries(answer.content, vendor=vendor)


@contextmanager
def translate_errors(vendor: str) -> Iterator[None]:
    """For OpenAI's API and for servers that speak its protocol."""
    try:
        with failures.translated(vendor):
            yield
    except openai.APIConnectionError as error:
        raise failures.from_network(vendor, error.__cause__) from None
    except openai.APIStatusError as error:
        raise _refused(vendor, error) from None
    except openai.APIResponseValidationError:
        raise failures.malformed(vendor) from None
    except openai.APIError as error:
        # An error event inside a stream.
        raise _failed_inside(vendor, error.code or error.type) from None


def data_url(image: Image) -> str:
    return f"data:{image.mime_type};base64,{base64.b64encode(image.data).decode()}"


def _refused(vendor: str, error: openai.APIStatusError) -> ProviderError:
    kind = _KIND_BY_CODE.get(error.code or "") or _KIND_BY_CODE.get(error.type or "")
    if error.status_code >= 500:
        # Whatever a code says about the request, a server that fails is in trouble itself.
        kind = None
    return failures.refused(
        vendor,
        status=error.status_code,
        kind=kind,
        text=error.message,
        code=error.code or error.type,
        headers=error.response.headers,
    )


def _failed_inside(vendor: str, code: str | None) -> ProviderError:
    known = _KIND_BY_CODE | _KIND_BY_CODE_IN_REPLY
    kind = known.get(code or "")
    if kind is None:
        kind = ErrorKind.BAD_REQUEST if "image" in (code or "") else ErrorKind.SERVER
    return ProviderError(
        kind,
        failures.MESSAGES[kind],
        vendor=vendor,
        vendor_code=failures.machine_code(code),
        may_have_cost=True,
    )


def _to_vendor(request: GenerationRequest, model_name: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "input_text", "text": request.prompt}]
    content += [
        {"type": "input_image", "image_url": data_url(image), "detail": "auto"} for image in request.images
    ]
    payload: dict[str, Any] = {
        "model": model_name,
        "input": [{"role": "user", "content": content}],
        "max_output_tokens": request.max_output_tokens,
        # Postings and CVs are personal data: the vendor is not to keep them for its dashboard.
        "store": False,
    }
    if request.system_prompt:
        payload["instructions"] = request.system_prompt
    if request.response_model is not None:
        payload["text"] = {
            "format": {
                "type": "json_schema",
                "name": request.response_model.__name__[:64],
                "schema": vendor_schema(request.response_model, OPENAI),
                "strict": True,
            }
        }
    if _REASONING_MODEL.match(model_name):
        payload["reasoning"] = {"effort": "low"}
    elif request.temperature is not None:
        payload["temperature"] = request.temperature
    return payload


def _from_vendor(response: object, request: GenerationRequest, *, vendor: str) -> ProviderReply:
    if not isinstance(response, Response) or not isinstance(response.output, list):
        raise failures.malformed(vendor)
    usage = usage_from(response.usage)
    if response.error is not None or response.status == "failed":
        error = _failed_inside(vendor, response.error.code if response.error else None)
        error.usage = usage
        raise error
    parts = [part for item in response.output if item.type == "message" for part in item.content]
    stopped_by = response.incomplete_details.reason if response.incomplete_details else None
    if stopped_by == "content_filter" or any(part.type == "refusal" for part in parts):
        raise blocked(vendor, usage, code=stopped_by or "refusal")
    return reply_from(
        request,
        vendor=vendor,
        text="".join(part.text for part in parts if part.type == "output_text"),
        usage=usage,
        model_name=response.model or "",
        finish_reason=CUT_OFF if stopped_by == "max_output_tokens" else stopped_by or COMPLETE,
        request_id=getattr(response, "_request_id", None) or response.id or "",
        service_tier=response.service_tier or "",
    )


def usage_from(usage: ResponseUsage | None) -> TokenUsage | None:
    """OpenAI's input includes cached tokens and its output includes reasoning, as ours do
    (https://platform.openai.com/docs/api-reference/responses/object#responses-object-usage)."""
    if usage is None:
        return None
    read, written = usage.input_tokens_details, usage.output_tokens_details
    return token_usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached=getattr(read, "cached_tokens", None),
        cache_write=getattr(read, "cache_write_tokens", None),
        reasoning=getattr(written, "reasoning_tokens", None),
    )
