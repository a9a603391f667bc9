"""The server itself: counting, keys, misbehaving connections, and many calls at once. Raw HTTP."""

import asyncio
import http.client
import json
import re
import subprocess
import sys
import urllib.request
from contextlib import suppress

import aiohttp
import pytest
from django.conf import settings

from sandbox.server import Sandbox, start
from tests.contract.questions import until_hits
from tests.waiting import PATIENCE_SECONDS

BEARER = {"Authorization": "Bearer sk-sandbox"}
KEYS = {
    "openai/v1/chat/completions": BEARER,
    "anthropic/v1/messages": {"x-api-key": "sk-ant-sandbox", "anthropic-version": "2023-06-01"},
    "gemini/v1beta/models/m:generateContent": {"x-goog-api-key": "sandbox-key"},
}


@pytest.fixture
async def session():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


def body(model="sandbox-mini", **fields):
    return {"model": model, "messages": [{"role": "user", "content": "Say hello."}]} | fields


def chat(session, sandbox, model="sandbox-mini", headers=None, **fields):
    headers = BEARER | (headers or {})
    return session.post(f"{sandbox.openai}/chat/completions", json=body(model, **fields), headers=headers)


async def test_it_marks_every_reply_as_its_own(session, sandbox):
    async with chat(session, sandbox) as good, chat(session, sandbox, "m@server") as bad:
        assert (good.status, bad.status) == (200, 500)
        assert good.headers["x-sandbox"] == bad.headers["x-sandbox"] == "true"


@pytest.mark.parametrize("path", KEYS)
async def test_it_wants_a_key_and_none_that_is_revoked(session, sandbox, path):
    [name] = [name for name in KEYS[path] if name != "anthropic-version"]
    without = {key: value for key, value in KEYS[path].items() if key != name}
    revoked = without | {name: f"{KEYS[path][name]}-revoked"}

    async with (
        session.post(f"{sandbox.root}/{path}", json=body(), headers=without) as no_key,
        session.post(f"{sandbox.root}/{path}", json=body(), headers=revoked) as bad_key,
    ):
        assert no_key.status in (401, 403)
        assert bad_key.status in (400, 401)
        assert "revoked" not in await bad_key.text()


@pytest.mark.parametrize("path", KEYS)
async def test_it_refuses_a_key_in_the_url_even_beside_a_good_header(session, sandbox, path):
    async with session.post(f"{sandbox.root}/{path}?key=sk-x", json=body(), headers=KEYS[path]) as response:
        assert response.status == 400
        assert "Keys belong in a header" in await response.text()


async def test_it_counts_each_generation_once_and_model_lists_apart(session, sandbox):
    await (await chat(session, sandbox)).read()
    await (await chat(session, sandbox, "m@rate_limited=1")).read()
    await (await session.get(f"{sandbox.openai}/models", headers=BEARER)).read()

    assert sandbox.hits() == {
        "total": 2,
        "in_flight": 0,
        "peak_in_flight": 1,
        "by_vendor": {"openai": 2},
        "by_model": {"sandbox-mini": 1, "m@rate_limited=1": 1},
        "by_status": {"200": 1, "429": 1},
        "model_lists": {"openai": 1},
        "batches": {},
    }


async def test_faults_come_by_header_and_from_the_desk_too(session, sandbox):
    sandbox.fault("overloaded", times=1, model="sandbox-mini")

    async with chat(session, sandbox) as ordered, chat(session, sandbox) as plain:
        assert (ordered.status, plain.status) == (503, 200)
    async with chat(session, sandbox, headers={"x-sandbox-fault": "slow=0.01@rate_limited=7"}) as response:
        assert (response.status, response.headers["retry-after"]) == (429, "7")


async def test_faults_of_the_models_list_are_ordered_apart(session, sandbox):
    sandbox.fault("unavailable", on="models", vendor="openai")

    async with chat(session, sandbox) as generation:
        assert generation.status == 200
    async with session.get(f"{sandbox.openai}/models", headers=BEARER) as listing:
        assert listing.status == 503


async def test_an_unknown_fault_is_refused_wherever_it_is_asked_for(session, sandbox):
    async with chat(session, sandbox, "m@rate_limit") as response:
        assert (response.status, "knows no fault 'rate_limit'" in await response.text()) == (400, True)
    async with session.post(f"{sandbox.root}/_sandbox/faults", json={"fault": "sever"}) as response:
        assert response.status == 400


async def test_a_flaky_model_recovers_after_so_many_failures(session, sandbox):
    statuses = [(await chat(session, sandbox, "m@flaky=2")).status for _ in range(4)]

    assert statuses == [500, 500, 200, 200]


async def test_an_echoing_vendor_puts_key_and_prompt_into_its_error(session, sandbox):
    async with chat(session, sandbox, "m@server@echo") as response:
        text = await response.text()

    assert "sk-sandbox" in text
    assert "Say hello." in text


async def test_it_hangs_up_without_a_reply(session, sandbox):
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await chat(session, sandbox, "m@disconnect")

    assert sandbox.hits()["by_status"] == {"disconnect": 1}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_it_cuts_a_reply_in_the_middle(sandbox, stream):
    # A plain socket: a client with an event loop may learn of the end before it has read what came.
    client = http.client.HTTPConnection(sandbox.root.removeprefix("http://"))
    question = json.dumps(body("m@cut_stream", stream=stream))
    client.request("POST", "/openai/v1/chat/completions", question, BEARER)
    received = b""
    with suppress(ConnectionResetError):
        while piece := client.sock.recv(65_536):
            received += piece
    client.close()

    head, _, content = received.partition(b"\r\n\r\n")
    announced = re.search(rb"Content-Length: (\d+)", head)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert 0 < len(content) < (float("inf") if stream else int(announced[1]))
    assert not content.endswith(b"0\r\n\r\n")
    assert b"[DONE]" not in content


async def test_it_breaks_a_stream_with_the_vendors_error_event(session, sandbox):
    async with chat(session, sandbox, "m@stream_error", stream=True) as response:
        text = await response.text()

    assert "server_is_overloaded" in text
    assert "[DONE]" not in text


async def test_it_sends_a_body_that_is_not_json(session, sandbox):
    async with chat(session, sandbox, "m@malformed") as response:
        assert (response.status, response.content_type) == (200, "application/json")
        assert (await response.text()).startswith("<html>")


async def test_it_counts_a_client_that_leaves_and_stops_working_for_it(session, sandbox):
    client = asyncio.ensure_future(chat(session, sandbox, "m@hang"))
    await until_hits(sandbox, in_flight=1)

    client.cancel()

    await until_hits(sandbox, in_flight=0)
    assert (sandbox.hits()["in_flight"], sandbox.hits()["by_status"]) == (0, {"client_left": 1})


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b'{"messages": []}', b'{"model": "m"}', b'{"model": "m", "messages": [1]}']
)
async def test_it_answers_nonsense_with_the_vendors_400(session, sandbox, raw):
    async with session.post(f"{sandbox.openai}/chat/completions", data=raw, headers=BEARER) as response:
        assert response.status == 400
        assert "message" in (await response.json())["error"]


async def test_it_holds_a_thousand_calls_in_flight(session, sandbox):
    async def call(model):
        async with chat(session, sandbox, model) as response:
            return response.status, (await response.json())["usage"]["prompt_tokens"]

    hanging = [asyncio.ensure_future(call("m@hang")) for _ in range(1000)]
    await until_hits(sandbox, in_flight=1000)
    beside_them = await call("m")
    for client in hanging:
        client.cancel()
    await until_hits(sandbox, in_flight=0)

    assert beside_them == (200, 3)
    hits = sandbox.hits()
    assert (hits["total"], hits["peak_in_flight"]) == (1001, 1001)
    assert hits["by_status"] == {"200": 1, "client_left": 1000}


async def test_it_answers_each_of_a_thousand_calls(session, sandbox):
    async def call():
        async with chat(session, sandbox) as response:
            return response.status, (await response.json())["usage"]["prompt_tokens"]

    replies = await asyncio.gather(*(call() for _ in range(1000)))

    assert replies == [(200, 3)] * 1000
    assert sandbox.hits()["by_status"] == {"200": 1000}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com", "::"])
async def test_it_serves_this_machine_only(host):
    with pytest.raises(ValueError, match="not a loopback address"):
        await start(Sandbox(), host=host, port=0)


@pytest.mark.processes
def test_the_command_serves_until_it_is_told_to_stop():
    command = [sys.executable, "-m", "sandbox", "--port", "0"]

    with subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True) as process:
        root = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline()).group()
        with urllib.request.urlopen(f"{root}_sandbox/hits") as response:
            answer = response.read()
        process.terminate()
        status = process.wait(timeout=PATIENCE_SECONDS)

    assert b'"total":0' in answer
    assert status == 0
