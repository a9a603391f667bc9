"""OpenAI, over the Responses API (https://platform.openai.com/docs/api-reference/responses)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream

from providers.adapters import failures
from providers.adapters.base import (
    AIProvider,
    GenerationRequest,
    ListedModel,
    ProviderReply,
    TokenUsage,
)
from providers.adapters.conversation import responses_input, responses_tools
from providers.adapters.listings import entries, name_of
from providers.adapters.manner import effort_of, effort_wished, is_worth_keeping, mark_for_openai
from providers.adapters.posting import Posting
from providers.adapters.reading import decoded, encoded, member, reading, text_of, word
from providers.adapters.replies import COMPLETE, CUT_OFF, blocked, reply_from, tool_call
from providers.adapters.schemas import OPENAI, vendor_schema
from providers.adapters.transport import Answer, HttpClient, until
from providers.adapters.usage import billed_as, responses_usage
from providers.capabilities.parameters import Parameter
from providers.errors import ProviderError

OPENAI_URL = "https://api.openai.com/v1"
NO_RESPONSES_API = (
    "This server has a list of models but no Responses API, by which the type OpenAI asks: every call would "
    "fail. For a server that speaks chat completions, choose the type OpenAI-compatible server."
)

_PATH = "/responses"
_LAST_EVENTS = ("response.completed", "response.incomplete", "response.failed")
_NO_SUCH_ADDRESS = frozenset({404, 405, 501})


class OpenAIProvider(AIProvider):
    optional = frozenset(Parameter) - {Parameter.LIMIT, Parameter.USAGE}

    def _connect(self, api_key: str) -> None:
        sdk_over = partial(openai_client, api_key, self.base_url or OPENAI_URL, self.timeout)
        self._client = sdk_over(self._http)
        self._posting = Posting(
            self._http, lambda http: answer_to(sdk_over(http), _PATH, b"{}"), vendor=self.vendor
        )

    @property
    def takes_temperature(self) -> bool:
        return not self.thinks_unseen

    @property
    def thinks_unseen(self) -> bool:
        return effort_of("openai", self.model_name) is not None

    async def _generate(self, request: GenerationRequest) -> ProviderReply:
        body = encoded(_to_vendor(request, self.model_name))
        with reading(self.vendor), translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                answer = await self._posting.answer(body)
            return _from_vendor(
                decoded(answer.content), request, vendor=self.vendor, request_id=request_id_of(answer)
            )

    async def _stream(self, request: GenerationRequest) -> AsyncGenerator[str | ProviderReply]:
        body = encoded(_to_vendor(request, self.model_name) | {"stream": True})
        deadline = asyncio.get_running_loop().time() + self.timeout
        whole = _Accumulator()
        with reading(self.vendor, whole.usage), translate_errors(self.vendor) as progress:
            async with asyncio.timeout_at(deadline):
                stream = await events_after(self._client, _PATH, body)
            async with aclosing(stream):
                async for event in until(deadline, stream):
                    kind = event.get("type")
                    progress.has_generated |= word(kind).startswith("response.output_")
                    if kind == "error":
                        raise _failed_inside(self.vendor, event, has_generated=progress.has_generated)
                    if text := whole.add(event):
                        yield text
            reply = whole.reply(request, vendor=self.vendor)
        yield reply

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
                    answer = await self._posting.answer(b"{}")
        except ProviderError as error:
            knows_models = error.vendor_code == "model_not_found"
            is_page = error.status_code == 200 and not error.vendor_code
            if is_page or (error.status_code in _NO_SUCH_ADDRESS and not knows_models):
                return NO_RESPONSES_API
            raise
        return "" if _speaks_responses(answer.content) else NO_RESPONSES_API


class _Accumulator:
    """What a stream of events has said so far. Its last event repeats the whole reply."""

    def __init__(self) -> None:
        self._final: object = None
        self._usage: object = None
        self._asides: set[int] = set()
        self._has_begun = False

    def add(self, event: Mapping[str, Any]) -> str:
        """The text that the event adds to the answer."""
        self._has_begun = True
        kind = event.get("type")
        if kind == "response.output_item.added" and not _is_answer(event["item"]):
            self._asides.add(event["output_index"])
        elif kind == "response.output_text.delta" and event.get("output_index") not in self._asides:
            return text_of(event.get("delta"))
        response = event.get("response")
        self._usage = member(response, "usage") or self._usage
        if kind in _LAST_EVENTS:
            self._final = response
        return ""

    def usage(self) -> TokenUsage | None:
        return responses_usage(self._usage)

    def reply(self, request: GenerationRequest, *, vendor: str) -> ProviderReply:
        if self._final is None:
            raise failures.broke_off(vendor) if self._has_begun else failures.malformed(vendor)
        return _from_vendor(self._final, request, vendor=vendor)


def _speaks_responses(body: bytes) -> bool:
    """Of an answer with status 200 to an empty question. LM Studio says with status 200 that there is no such
    address, in an error that is a text; web servers send a page."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and ("output" in answer or isinstance(answer.get("error"), dict))


def openai_client(api_key: str, base_url: str, timeout: float, http_client: HttpClient) -> AsyncOpenAI:
    """The SDK's client with everything it would take from the environment taken out again."""
    client = AsyncOpenAI(
        api_key=api_key, base_url=base_url, timeout=timeout, max_retries=0, http_client=http_client
    )
    client.organization = client.project = client.admin_api_key = None
    # OPENAI_CUSTOM_HEADERS; there is no public way to refuse them.
    client._custom_headers = {}
    return client


async def answer_to(client: AsyncOpenAI, path: str, body: bytes) -> httpx2.Response:
    """By the SDK's way for addresses that it has no method for (its README, "Undocumented endpoints"). Its
    methods walk through every field of the request and of the reply by type: most of what a call costs."""
    return await client.post(path, content=body, cast_to=httpx2.Response)


async def events_after(client: AsyncOpenAI, path: str, body: bytes) -> AsyncStream[Any]:
    """`answer_to` as a stream: each event is the JSON it brought."""
    return await client.post(path, content=body, cast_to=object, stream=True, stream_cls=AsyncStream[object])


def request_id_of(answer: Answer) -> str:
    return answer.headers.get("x-request-id", "")


async def list_openai_models(client: AsyncOpenAI, *, vendor: str, seconds: float) -> list[dict[str, Any]]:
    """The entries of the list. Its bytes are read here, because the SDK takes any body for an object."""
    with reading(vendor), translate_errors(vendor):
        async with asyncio.timeout(seconds):
            answer = await client.get("/models", cast_to=httpx2.Response)
    return entries(answer.content, vendor=vendor)


@contextmanager
def translate_errors(vendor: str) -> Iterator[failures.Progress]:
    """For OpenAI's API and for servers that speak its protocol."""
    progress = failures.Progress()
    try:
        with failures.translated(vendor):
            yield progress
    except openai.APIConnectionError as error:
        raise failures.from_network(vendor, error.__cause__) from None
    except openai.APIStatusError as error:
        body, headers = failures.body_of(error.response), error.response.headers
        raise failures.refused(vendor, status=error.status_code, body=body, headers=headers) from None
    except openai.APIResponseValidationError:
        raise failures.malformed(vendor) from None
    except openai.APIError as error:
        # An error event inside a stream.
        raise failures.refused(
            vendor, status=200, body=error.body, has_generated=progress.has_generated
        ) from None


def _failed_inside(vendor: str, error: object, *, has_generated: bool) -> ProviderError:
    """For an error that came with status 200."""
    told = {name: member(error, name) for name in ("code", "type", "message", "param")}
    return failures.refused(vendor, status=200, body=told, has_generated=has_generated)


def _to_vendor(request: GenerationRequest, model_name: str) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "model": model_name,
        "input": responses_input(request),
        "max_output_tokens": request.max_output_tokens,
        **responses_tools(request.toolbox),
    }
    if Parameter.STORE not in request.without:
        # Postings and CVs are personal data: the vendor is not to keep them for its dashboard.
        payload["store"] = False
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
    effort = effort_wished("openai", model_name, request.manner.effort)
    if effort and Parameter.EFFORT not in request.without:
        payload["reasoning"] = {"effort": effort}
    if effort is None and request.temperature is not None and Parameter.TEMPERATURE not in request.without:
        payload["temperature"] = request.temperature
    if effort is None and request.top_p is not None and Parameter.TEMPERATURE not in request.without:
        payload["top_p"] = request.top_p
    if request.manner.service_tier:
        payload["service_tier"] = request.manner.service_tier
    if is_worth_keeping(request, model_name):
        mark_for_openai(payload, request, model_name)
    return payload


def _from_vendor(
    response: object, request: GenerationRequest, *, vendor: str, request_id: str = ""
) -> ProviderReply:
    if not isinstance(response, dict) or not isinstance(response.get("output"), list):
        raise failures.malformed(vendor)
    parts = [part for item in response["output"] if _is_answer(item) for part in item["content"]]
    text = "".join(text_of(part.get("text")) for part in parts if part.get("type") == "output_text")
    usage = responses_usage(response.get("usage"), response["output"], has_text=bool(text))
    model_name, service_tier = response.get("model"), response.get("service_tier")
    with billed_as(model_name=model_name, service_tier=service_tier):
        if response.get("error") is not None or response.get("status") == "failed":
            error = _failed_inside(vendor, response.get("error"), has_generated=bool(response["output"]))
            error.usage = usage
            raise error
        stopped_by = word(member(response.get("incomplete_details"), "reason"))
        if stopped_by == "content_filter" or any(part.get("type") == "refusal" for part in parts):
            raise blocked(vendor, usage, code=stopped_by or "refusal")
        return reply_from(
            request,
            vendor=vendor,
            text=text,
            usage=usage,
            model_name=model_name or "",
            finish_reason=CUT_OFF if stopped_by == "max_output_tokens" else stopped_by or COMPLETE,
            request_id=request_id or response.get("id") or "",
            service_tier=service_tier or "",
            tool_calls=[
                tool_call(item.get("call_id"), item.get("name"), item.get("arguments"))
                for item in response["output"]
                if item.get("type") == "function_call"
            ],
        )


def _is_answer(item: Mapping[str, Any]) -> bool:
    """Some models tell what they are about to do, in messages of their own, before they answer."""
    return item.get("type") == "message" and item.get("phase") != "commentary"
