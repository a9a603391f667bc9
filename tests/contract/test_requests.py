"""What leaves the machine, seen by a server that only records; and what strange answers are taken for."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from providers.adapters.base import GenerationRequest
from providers.errors import ErrorKind, ProviderError
from tests.contract.vendors import KEYS, Recorder, make_adapter

BASE_DIR = Path(__file__).resolve().parents[2]
KEY_HEADER = {
    "gemini": "x-goog-api-key",
    "openai": "authorization",
    "claude": "authorization",
    "local": "authorization",
}


async def send(provider_type, recorder, **overrides):
    """Ask once; the error it ended in."""
    adapter = make_adapter(provider_type, recorder.url, **overrides)
    try:
        with pytest.raises(ProviderError) as caught:
            await adapter.generate_content(GenerationRequest(prompt="hello", system_prompt="be brief"))
    finally:
        await adapter.aclose()
    return caught.value


async def test_the_key_is_in_one_header_and_nowhere_else(provider_type):
    key = KEYS[provider_type]
    with Recorder() as recorder:
        await send(provider_type, recorder)

    [(path, headers, body)] = recorder.requests
    assert [name for name, value in headers.items() if key in value] == [KEY_HEADER[provider_type]]
    assert key not in path
    assert key.encode() not in body


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_it_asks_once_however_temporary_the_failure(provider_type, status):
    with Recorder(status=status, headers={"Retry-After": "0"}) as recorder:
        await send(provider_type, recorder)

    assert len(recorder.requests) == 1


async def test_it_describes_neither_this_machine_nor_asks_the_vendor_to_keep_anything(provider_type):
    with Recorder() as recorder:
        await send(provider_type, recorder)

    [(_path, headers, body)] = recorder.requests
    assert not [name for name in headers if name.startswith("x-stainless")]
    assert not [name for name in headers if name in {"traceparent", "tracestate"}]
    payload = json.loads(body)
    if provider_type in {"openai", "gemini"}:
        assert payload["store"] is False


async def test_a_question_goes_as_the_sdk_sends_its_streams(provider_type):
    """The SDK makes what goes with each body once; streams it sends itself."""
    with Recorder() as recorder:
        adapter = make_adapter(provider_type, recorder.url)
        for prompt in ("hello", "hello again", "good bye"):
            with pytest.raises(ProviderError):
                await adapter.generate_content(GenerationRequest(prompt=prompt))
        with pytest.raises(ProviderError):
            async for _ in adapter.stream_content(GenerationRequest(prompt="hello")):
                pass
        await adapter.aclose()

    *whole, (streamed_path, streamed_headers, _) = recorder.requests
    assert [b"good bye" in body for _, _, body in whole] == [False, False, True]
    for path, headers, body in whole:
        assert path == streamed_path.replace(":streamGenerateContent?alt=sse", ":generateContent")
        assert dict(headers) == dict(streamed_headers) | {"content-length": str(len(body))}


async def test_the_key_does_not_follow_a_redirect(provider_type):
    with Recorder(status=200) as elsewhere:
        target = {"Location": f"{elsewhere.url}/stolen"}
        with Recorder(status=307, headers=target) as recorder:
            error = await send(provider_type, recorder)

    assert error.kind is ErrorKind.PATH
    assert len(recorder.requests) == 1
    assert elsewhere.requests == []


async def test_it_keeps_no_cookies(provider_type):
    with Recorder(headers={"Set-Cookie": "account=1; Path=/"}) as recorder:
        adapter = make_adapter(provider_type, recorder.url)
        for _ in range(2):
            with pytest.raises(ProviderError):
                await adapter.generate_content(GenerationRequest(prompt="hello"))
        await adapter.aclose()

    assert len(recorder.requests) == 2
    assert not [name for _, headers, _ in recorder.requests for name in headers if name == "cookie"]


async def test_a_model_name_reaches_the_vendor_as_it_is_written(provider_type):
    name = "org/model-1.5@2026=x"
    with Recorder() as recorder:
        await send(provider_type, recorder, model_name=name)

    [(path, _headers, body)] = recorder.requests
    assert name in path if provider_type == "gemini" else json.loads(body)["model"] == name


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'"text"', b"42", b"<html>", b"\xff\xfe"])
@pytest.mark.parametrize("content_type", ["application/json", "text/html"])
async def test_an_answer_in_no_vendors_format_is_the_vendors_failure(provider_type, body, content_type):
    with Recorder(status=200, headers={"Content-Type": content_type}, body=body) as recorder:
        error = await send(provider_type, recorder)

    assert error.kind is ErrorKind.MALFORMED
    assert error.may_have_cost is True


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, ErrorKind.PATH),
        (400, ErrorKind.PATH),
        (401, ErrorKind.AUTH),
        (403, ErrorKind.PATH),
        (404, ErrorKind.PATH),
        (405, ErrorKind.PATH),
        (410, ErrorKind.NOT_FOUND),
        (418, ErrorKind.PATH),
        (422, ErrorKind.PATH),
        (429, ErrorKind.RATE_LIMITED),
        (413, ErrorKind.TOO_LARGE),
        (502, ErrorKind.SERVER),
        (529, ErrorKind.OVERLOADED),
    ],
)
async def test_a_page_of_a_proxy_is_no_word_of_the_vendors_unless_its_status_speaks_for_itself(
    provider_type, status, kind
):
    page = b"<html>Bad things happened at this gateway</html>"
    with Recorder(status=status, headers={"Content-Type": "text/html"}, body=page) as recorder:
        error = await send(provider_type, recorder)

    assert error.kind is kind
    assert error.status_code == status


@pytest.mark.parametrize(
    ("provider_type", "body", "kind"),
    [
        ("openai", {"error": {"code": "insufficient_quota", "message": "x"}}, ErrorKind.BILLING),
        ("local", {"error": {"code": "insufficient_quota", "message": "x"}}, ErrorKind.BILLING),
        ("openai", {"error": {"code": "rate_limit_exceeded", "message": "x"}}, ErrorKind.RATE_LIMITED),
        ("claude", {"error": {"type": "rate_limit_error", "message": "x"}}, ErrorKind.RATE_LIMITED),
        ("gemini", {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, ErrorKind.RATE_LIMITED),
    ],
)
async def test_429_is_a_pause_or_an_empty_account(provider_type, body, kind):
    with Recorder(status=429, body=json.dumps(body).encode()) as recorder:
        error = await send(provider_type, recorder)

    assert error.kind is kind


@pytest.mark.parametrize(
    ("provider_type", "error", "kind"),
    [
        ("openai", {"code": "content_filter", "message": "x"}, ErrorKind.BLOCKED),
        ("openai", {"code": "invalid_prompt", "message": "x"}, ErrorKind.BLOCKED),
        ("openai", {"code": "model_not_found", "message": "x"}, ErrorKind.NOT_FOUND),
        (
            "local",
            {"code": 400, "type": "BadRequestError", "message": "maximum context length is 2048 tokens"},
            ErrorKind.TOO_LONG,
        ),
        (
            "local",
            {"code": 400, "type": "exceed_context_size_error", "message": "request exceeds it"},
            ErrorKind.TOO_LONG,
        ),
        (
            "claude",
            {"type": "invalid_request_error", "message": "Your credit balance is too low to access"},
            ErrorKind.BILLING,
        ),
        (
            "claude",
            {
                "type": "invalid_request_error",
                "message": "x",
                "details": {"error_code": "enforced_spend_limit_reached"},
            },
            ErrorKind.BILLING,
        ),
        ("gemini", {"code": 400, "status": "FAILED_PRECONDITION", "message": "x"}, ErrorKind.BILLING),
    ],
)
async def test_400_means_several_things(provider_type, error, kind):
    with Recorder(status=400, body=json.dumps({"type": "error", "error": error}).encode()) as recorder:
        failure = await send(provider_type, recorder)

    assert failure.kind is kind


async def test_a_server_without_keys_needs_none():
    with Recorder() as recorder:
        await send("local", recorder, api_key="")

    [(_path, headers, _body)] = recorder.requests
    assert headers["authorization"] == "Bearer none"


HOSTILE_ENVIRONMENT = {
    "OPENAI_API_KEY": "sk-from-the-environment",
    "OPENAI_ADMIN_KEY": "sk-from-the-environment",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/elsewhere",
    "OPENAI_ORG_ID": "org-from-the-environment",
    "OPENAI_PROJECT_ID": "project-from-the-environment",
    "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer from-the-environment\nX-Extra: from-the-environment",
    "ANTHROPIC_API_KEY": "sk-ant-from-the-environment",
    "ANTHROPIC_AUTH_TOKEN": "token-from-the-environment",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9/elsewhere",
    "ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer from-the-environment\nX-Extra: from-the-environment",
    "ANTHROPIC_PROFILE": "from-the-environment",
    "GOOGLE_API_KEY": "from-the-environment",
    "GEMINI_API_KEY": "from-the-environment",
    "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9/elsewhere",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "GOOGLE_GENAI_USE_ENTERPRISE": "true",
    "GOOGLE_GENAI_API_VERSION": "v0-from-the-environment",
    "GOOGLE_CLOUD_PROJECT": "from-the-environment",
    "GOOGLE_GENAI_CLIENT_MODE": "replay",
    "GOOGLE_GENAI_REPLAYS_DIRECTORY": "from-the-environment",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "",
}
CALL = """
import asyncio, sys
from providers.adapters.base import GenerationRequest
from providers.errors import ProviderError
from tests.contract.vendors import make_adapter

async def main():
    adapter = make_adapter(sys.argv[1], sys.argv[2])
    try:
        await adapter.generate_content(GenerationRequest(prompt="hello"))
    except ProviderError as error:
        sys.exit(0 if error.status_code == 500 else f"not asked: {error}")
    finally:
        await adapter.aclose()

asyncio.run(main())
"""


@pytest.mark.processes
async def test_nothing_in_the_environment_changes_where_or_as_whom_it_asks(provider_type):
    # In a process of its own: some of these are read when an SDK is imported.
    with Recorder() as recorder:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", CALL, provider_type, recorder.url],
            env={**os.environ, **{name.lower(): value for name, value in HOSTILE_ENVIRONMENT.items()}}
            | HOSTILE_ENVIRONMENT
            | {"PYTHONPATH": str(BASE_DIR)},
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    [(path, headers, body)] = recorder.requests
    assert KEYS[provider_type] in headers[KEY_HEADER[provider_type]]
    assert "from-the-environment" not in f"{path} {headers} {body}"
