"""A vendor that gives what the test says, byte by byte, to an adapter that asks it through the real SDK."""

import json
from contextlib import asynccontextmanager

from bench.fuzz import Case, answering
from tests.contract.vendors import make_adapter


def answer(asks, body, *, status=200, **headers):
    """An HTTP answer to a `generate`, a `stream` or `models`; `body` in bytes or as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Case("", asks, status, content, tuple(names.items())).as_http()


@asynccontextmanager
async def adapter_given(provider_type, content, **overrides):
    """An adapter whose vendor answers everything with `content`, an HTTP answer."""
    async with answering() as vendor:
        vendor.answer = content
        adapter = make_adapter(provider_type, vendor.url, **overrides)
        try:
            yield adapter
        finally:
            await adapter.aclose()
