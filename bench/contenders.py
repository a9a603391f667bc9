"""What is compared inside one process: the same question through a vendor's SDK, our adapter, the
orchestrator and the door."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anthropic
import openai
from google import genai
from google.genai import types

from accounts.models import User
from bench.stage import KEY, VENDORS, door_path
from orchestration.calls.orchestrator import AIOrchestrator
from providers.adapters.base import GenerationRequest
from providers.pool import close_connections, provider_for

Call = Callable[[], Awaitable[object]]

PROMPT = "Summarise this posting. " + "We look for a backend engineer who knows Django and PostgreSQL. " * 20
MOST_TOKENS = 256


class DoorRefused(RuntimeError):
    """The door did not answer with 200, so that a figure of it would mean nothing."""


@asynccontextmanager
async def contenders(root: str, user: User, token: str) -> AsyncIterator[dict[str, dict[str, Call]]]:
    """By vendor (and "door") what is called, by name; "bare SDK" is what the others are compared with."""
    async with _bare_calls(root) as bare:
        found: dict[str, dict[str, Call]] = {
            vendor: {
                "bare SDK": bare[vendor],
                "adapter": _adapter(vendor, root),
                "orchestrator": _orchestrated(vendor, user),
            }
            for vendor in VENDORS
        }
        if path := door_path():
            found["door"] = {"bare SDK": bare["chat"], "door": _door(path, token)}
        yield found
    await close_connections()


@asynccontextmanager
async def _bare_calls(root: str) -> AsyncIterator[dict[str, Call]]:
    """Each vendor's SDK as its documentation has it, with the quicker of its HTTP clients."""
    ai = openai.AsyncOpenAI(
        api_key=KEY, base_url=f"{root}/v1", max_retries=0, http_client=openai.DefaultAioHttpClient()
    )
    claude = anthropic.AsyncAnthropic(
        api_key=KEY, base_url=root, max_retries=0, http_client=anthropic.DefaultAioHttpClient()
    )
    google = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=root)).aio
    config = types.GenerateContentConfig(max_output_tokens=MOST_TOKENS)
    models = {vendor: model for vendor, (_, _, model) in VENDORS.items()}
    yield {
        "openai": lambda: ai.responses.create(
            model=models["openai"], input=PROMPT, max_output_tokens=MOST_TOKENS, store=False
        ),
        "chat": lambda: ai.chat.completions.create(
            model=models["openai"], messages=[{"role": "user", "content": PROMPT}], max_tokens=MOST_TOKENS
        ),
        "claude": lambda: claude.messages.create(
            model=models["claude"], messages=[{"role": "user", "content": PROMPT}], max_tokens=MOST_TOKENS
        ),
        "gemini": lambda: google.models.generate_content(
            model=models["gemini"], contents=PROMPT, config=config
        ),
    }
    for client in (ai, claude):
        await client.close()
    await google.aclose()


async def cpu_per_call(call: Call, calls: int, *, at_once: int) -> float:
    """CPU milliseconds of this process, all its threads included."""
    gate = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with gate:
            await call()

    before = time.process_time()
    await asyncio.gather(*(one() for _ in range(calls)))
    return (time.process_time() - before) * 1000 / calls


def _adapter(vendor: str, root: str) -> Call:
    _, begins, model = VENDORS[vendor]
    request = GenerationRequest(prompt=PROMPT, max_output_tokens=MOST_TOKENS)

    async def call() -> object:
        adapter = provider_for(
            provider_type=vendor, model_name=model, plain_key=KEY, base_url=root + begins, timeout=60
        )
        return await adapter.generate_content(request)

    return call


def _orchestrated(vendor: str, user: User) -> Call:
    orchestrator, task = AIOrchestrator(), VENDORS[vendor][0]
    return lambda: orchestrator.generate(user=user, task=task, prompt=PROMPT, max_output_tokens=MOST_TOKENS)


def chat_body() -> bytes:
    """What the door is asked: the question of the bare SDK's chat."""
    message = {"role": "user", "content": PROMPT}
    model = f"openai/{VENDORS['openai'][2]}"
    return json.dumps({"model": model, "messages": [message], "max_tokens": MOST_TOKENS}).encode()


def _door(path: str, token: str) -> Call:
    """The whole application from the request's bytes to the response's, without the web server."""
    from aditus.asgi import application

    body = chat_body()
    headers = {
        "host": "127.0.0.1",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "authorization": f"Bearer {token}",
    }
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "scheme": "http", "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip

    async def call() -> object:
        incoming, statuses = [{"type": "http.request", "body": body}], []

        async def receive() -> object:
            return incoming.pop() if incoming else await asyncio.Event().wait()

        async def send(message: dict[str, object]) -> None:
            if "status" in message:
                statuses.append(message["status"])

        await application(dict(scope), receive, send)
        if statuses != [200]:
            raise DoorRefused(f"The door answered {statuses}.")
        return statuses

    return call
