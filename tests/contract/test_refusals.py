"""What vendors, routers and what stands before them really answer, through the real SDKs."""

import json

import pytest

from providers.adapters.base import GenerationRequest
from providers.adapters.refusals import kind_of
from providers.adapters.told import told
from providers.errors import ErrorKind
from tests.contract.questions import broken, collect, failure_of
from tests.contract.vendors import Recorder, make_adapter


def error_body(vendor, status, message, *, code=None, param=None):
    """An error in the vendor's own form."""
    if vendor == "claude":
        return {"type": "error", "error": {"type": code or "invalid_request_error", "message": message}}
    if vendor == "gemini":
        return {"error": {"code": status, "message": message, "status": code or "INVALID_ARGUMENT"}}
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


async def failed(vendor, status, body, *, streamed=False, headers=None):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with Recorder(status=status, body=raw, headers=headers) as recorder:
        adapter = make_adapter(vendor, recorder.url)
        request = GenerationRequest(prompt="hello")
        asked = collect(adapter.stream_content(request)) if streamed else adapter.generate_content(request)
        error = await failure_of(asked)
        await adapter.aclose()
    assert len(recorder.requests) == 1
    return error


USAGE_LIMIT = "You have reached your specified API usage limits. You will regain access on 2027-01-01."
WINDOW = "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length"
TPM = "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 7000."
MESSAGES = [
    (400, USAGE_LIMIT, ErrorKind.BILLING, ""),
    (403, USAGE_LIMIT, ErrorKind.BILLING, ""),
    (400, "Your credit balance is too low to access the API.", ErrorKind.BILLING, ""),
    (402, "Insufficient credits.", ErrorKind.BILLING, ""),
    (401, "No cookie auth credentials found", ErrorKind.AUTH, ""),
    (400, "API key not valid. Please pass a valid API key.", ErrorKind.AUTH, ""),
    (403, "Your API key does not have permission to use this resource.", ErrorKind.AUTH, ""),
    (403, "Country, region, or territory not supported", ErrorKind.AUTH, ""),
    (403, "Your request was flagged by our moderation.", ErrorKind.BLOCKED, ""),
    (400, "Content Exists Risk", ErrorKind.BLOCKED, ""),
    (403, "No.", ErrorKind.REJECTED, ""),
    (404, "There is no model m here.", ErrorKind.NOT_FOUND, ""),
    (410, "This model was retired.", ErrorKind.NOT_FOUND, ""),
    (400, "The model `m` has been decommissioned and is no longer supported.", ErrorKind.NOT_FOUND, ""),
    (400, "acme/m is not a valid model ID", ErrorKind.NOT_FOUND, ""),
    (403, "This project does not have access to model m: model not allowed", ErrorKind.NOT_FOUND, ""),
    (404, "No endpoints found that support image input", ErrorKind.REJECTED, ""),
    (404, "No endpoints found that can handle response_format", ErrorKind.PARAMETER, "form"),
    (400, "response_format is not supported", ErrorKind.PARAMETER, "form"),
    (422, "This model does not support structured outputs.", ErrorKind.PARAMETER, "form"),
    (400, "'max_tokens' is not supported. Use max_completion_tokens instead.", ErrorKind.PARAMETER, "limit"),
    (
        400,
        "max_tokens: 100000 > 8192, which is the maximum allowed number",
        ErrorKind.PARAMETER,
        "limit=8192",
    ),
    (400, "max_tokens is too large. It supports at most 16384 tokens", ErrorKind.PARAMETER, "limit=16384"),
    (400, "`temperature` is deprecated for this model.", ErrorKind.PARAMETER, "temperature"),
    (400, "reasoning.effort: 'low' is not supported, use 'high'", ErrorKind.PARAMETER, "effort"),
    (400, "Thinking level LOW is not supported for this model.", ErrorKind.PARAMETER, "effort"),
    (400, "wish: Extra inputs are not permitted", ErrorKind.PARAMETER, ""),
    (400, WINDOW, ErrorKind.TOO_LONG, ""),
    (400, "prompt is too long: 200001 tokens > 200000 maximum", ErrorKind.TOO_LONG, ""),
    (400, "This model's maximum context length is 8192 tokens.", ErrorKind.TOO_LONG, ""),
    (400, "The input token count (1048577) exceeds the maximum number of tokens.", ErrorKind.TOO_LONG, ""),
    (400, "the request exceeds the available context size", ErrorKind.TOO_LONG, ""),
    (413, "Request exceeds the maximum size", ErrorKind.TOO_LARGE, ""),
    (413, TPM, ErrorKind.RATE_LIMITED, ""),
    (400, "messages: something is wrong", ErrorKind.REJECTED, ""),
    (418, "I am a teapot", ErrorKind.REJECTED, ""),
    (451, "Unavailable for legal reasons", ErrorKind.REJECTED, ""),
    (422, "The request could not be processed.", ErrorKind.REJECTED, ""),
    (407, "Proxy authentication required", ErrorKind.PATH, ""),
    (421, "Misdirected", ErrorKind.PATH, ""),
    (424, "Failed dependency", ErrorKind.PATH, ""),
    (425, "Too early", ErrorKind.PATH, ""),
    (499, "Client closed the request", ErrorKind.PATH, ""),
    (408, "Request timeout", ErrorKind.TIMEOUT, ""),
    (409, "Conflict", ErrorKind.SERVER, ""),
    (500, "prompt is too long", ErrorKind.SERVER, ""),
    (401, "prompt is too long", ErrorKind.AUTH, ""),
    (503, "The model is overloaded. Please try again later.", ErrorKind.OVERLOADED, ""),
    (503, "The service is currently unavailable.", ErrorKind.SERVER, ""),
    (529, "Overloaded", ErrorKind.OVERLOADED, ""),
    (429, "Slow down", ErrorKind.RATE_LIMITED, ""),
]


@pytest.mark.parametrize(("status", "message", "kind", "parameter"), MESSAGES)
async def test_a_message_in_the_vendors_own_form(provider_type, status, message, kind, parameter):
    body = error_body(provider_type, status, message)

    error = await failed(provider_type, status, body)

    assert (error.kind, error.parameter) == (kind, parameter)
    assert error.may_have_cost is (status == 408)
    assert message not in f"{error!r} {error.message} {error.vendor_code}"


# As they come, whoever's adapter reads them.
BODIES = [
    (400, {"error": {"code": "invalid_api_key", "message": "x"}}, ErrorKind.AUTH, ""),
    (403, {"error": {"code": 403, "metadata": {"reasons": ["violence"]}}}, ErrorKind.BLOCKED, ""),
    (
        403,
        {"error": {"code": 403, "message": "x", "metadata": {"flagged_input": "y"}}},
        ErrorKind.BLOCKED,
        "",
    ),
    (
        400,
        {"error": {"code": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        ErrorKind.BLOCKED,
        "",
    ),
    (413, {"error": {"code": "rate_limit_exceeded", "message": "x"}}, ErrorKind.RATE_LIMITED, ""),
    (429, {"error": {"code": "insufficient_quota", "message": "x"}}, ErrorKind.BILLING, ""),
    (403, {"error": {"code": "model_not_found", "message": "x"}}, ErrorKind.NOT_FOUND, ""),
    (
        400,
        {"error": {"code": "unsupported_value", "param": "reasoning.effort", "message": "x"}},
        ErrorKind.PARAMETER,
        "effort",
    ),
    (
        422,
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "response_format"], "msg": "Extra inputs"}]},
        ErrorKind.PARAMETER,
        "form",
    ),
    (404, {"error": "model 'm' not found, try pulling it first"}, ErrorKind.NOT_FOUND, ""),
    (400, {"object": "error", "message": "x", "type": "BadRequestError"}, ErrorKind.REJECTED, ""),
    (500, {"error": {"code": "insufficient_quota", "message": "x"}}, ErrorKind.SERVER, ""),
    (400, [], ErrorKind.PATH, ""),
    (403, {}, ErrorKind.PATH, ""),
    (403, b"", ErrorKind.PATH, ""),
    (403, b"<html>Blocked by our web application firewall: your API key</html>", ErrorKind.PATH, ""),
    (404, b"404 page not found", ErrorKind.PATH, ""),
    (400, {"error": {"code": [1], "type": {"a": 1}, "message": ["x"], "param": 7}}, ErrorKind.REJECTED, ""),
    (413, b"<html>413 Request Entity Too Large</html>", ErrorKind.TOO_LARGE, ""),
    # In place of a reply.
    (200, {"error": {"code": 429}}, ErrorKind.RATE_LIMITED, ""),
    (200, {"error": {"code": 402, "message": "x"}}, ErrorKind.BILLING, ""),
    (
        200,
        {"error": {"code": 400, "message": "response_format is not supported"}},
        ErrorKind.PARAMETER,
        "form",
    ),
    (200, {"error": {"code": 400, "message": "x"}}, ErrorKind.REJECTED, ""),
    (200, {"error": {"code": "context_length_exceeded"}}, ErrorKind.TOO_LONG, ""),
    (200, {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, ErrorKind.OVERLOADED, ""),
    (200, {"error": {"code": "429", "message": "x"}}, ErrorKind.RATE_LIMITED, ""),
    (200, {"error": "something went wrong"}, ErrorKind.SERVER, ""),
    (200, [{"error": {"code": 503, "message": "x"}}], ErrorKind.SERVER, ""),
]


@pytest.mark.parametrize(("status", "body", "kind", "parameter"), BODIES)
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_body_that_any_server_may_send(provider_type, status, body, kind, parameter, streamed):
    error = await failed(provider_type, status, body, streamed=streamed)

    assert (error.kind, error.parameter) == (kind, parameter)
    assert error.status_code == status
    assert error.may_have_cost is False


@pytest.mark.parametrize("status", [200, 429])
async def test_how_long_to_wait_is_read_from_header_and_body_and_believed_for_an_hour(provider_type, status):
    limited = {"error": {"code": 429, "message": "x"}}
    told_by_body = {"error": limited["error"] | {"details": [{"retryDelay": "34.5s"}]}}

    by_header = await failed(provider_type, status, limited, headers={"Retry-After": "7"})
    by_body = await failed(provider_type, status, told_by_body)
    too_long = await failed(provider_type, status, limited, headers={"Retry-After": "52352"})

    assert (by_header.retry_after, by_body.retry_after, too_long.retry_after) == (7, 34.5, 3600)


def events(*bodies, named=False):
    name = lambda body: f"event: {body['type']}\n" if named else ""  # noqa: E731
    return "".join(f"{name(body)}data: {json.dumps(body)}\n\n" for body in bodies).encode()


CHAT = {
    "id": "c",
    "object": "chat.completion.chunk",
    "model": "m",
    "choices": [{"index": 0, "delta": {"content": "Hel"}}],
}
BEGINNINGS = {
    "local": events(CHAT),
    "openai": events(
        {
            "type": "response.output_text.delta",
            "delta": "Hel",
            "item_id": "i",
            "output_index": 0,
            "content_index": 0,
        },
        named=True,
    ),
    "claude": events(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        named=True,
    ),
    "gemini": events({"candidates": [{"content": {"role": "model", "parts": [{"text": "Hel"}]}}]}),
}
ENDS = {
    "local": events({"error": {"code": 429, "message": "x"}}),
    "openai": events(
        {"type": "error", "code": "rate_limit_exceeded", "message": "x", "param": None}, named=True
    ),
    "claude": events({"type": "error", "error": {"type": "rate_limit_error", "message": "x"}}, named=True),
    "gemini": events({"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED"}}),
}


@pytest.mark.parametrize("has_begun", [False, True])
async def test_an_error_inside_a_stream_may_have_cost_once_the_model_has_begun(provider_type, has_begun):
    body = (BEGINNINGS[provider_type] if has_begun else b"") + ENDS[provider_type]
    with Recorder(status=200, body=body, headers={"Content-Type": "text/event-stream"}) as recorder:
        adapter = make_adapter(provider_type, recorder.url)
        items, error = await broken(adapter.stream_content(GenerationRequest(prompt="hello")))
        await adapter.aclose()

    assert error.kind is ErrorKind.RATE_LIMITED
    assert items == ["Hel"] * has_begun
    assert error.may_have_cost is has_begun


async def test_a_reply_that_talks_of_errors_is_a_reply():
    text = 'The log says {"error": {"code": 429}}.'
    body = {
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}]
    }
    with Recorder(status=200, body=json.dumps(body | {"error": None}).encode()) as recorder:
        adapter = make_adapter("local", recorder.url)
        reply = await adapter.generate_content(GenerationRequest(prompt="hello"))
        await adapter.aclose()

    assert reply.text == text


async def test_a_router_whose_vendor_failed_in_the_middle_of_the_answer_gave_none():
    choice = {"index": 0, "finish_reason": "error", "message": {"role": "assistant", "content": "Hel"}}
    body = {"choices": [choice | {"error": {"code": 429, "message": "x"}}]}

    error = await failed("local", 200, body)

    assert (error.kind, error.may_have_cost) == (ErrorKind.RATE_LIMITED, True)


@pytest.mark.parametrize(
    "message",
    [
        # What a caller wrote, in the vendor's words.
        "Invalid value: 'Manage the billing department and its usage limits'.",
        "Could not parse 'my api key is in the overdue letter'.",
        "messages.0.content: 'The model is our best-selling car.'",
    ],
)
async def test_a_rejection_that_quotes_the_caller_takes_the_provider_from_nobody(provider_type, message):
    error = await failed(provider_type, 400, error_body(provider_type, 400, message))

    assert error.kind is ErrorKind.REJECTED


ODD = [None, True, 7, "x", "\ud800", [], [[]], {}, {"error": []}, {"error": {"details": [None, 7, []]}}]


@pytest.mark.parametrize(
    "odd", [*ODD, *[{"error": {"message": odd, "code": odd, "details": odd}} for odd in ODD]]
)
@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 413, 429, 503])
def test_whatever_a_body_is_it_has_a_kind(odd, status):
    assert kind_of(status, told(odd)) in ErrorKind
