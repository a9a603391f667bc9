"""`make fuzz`: what the adapters make of every answer that a vendor should not have given.

Each node of a valid reply, stream, error and model list of each wire is replaced by each of MUTANTS in
turn, and whole bodies by what proxies send; all of it goes over loopback HTTP through the real SDKs. The
outcome has to be a reply that can be stored, or a ProviderError. The last line is JSON:
`{"cases": 1, "crashes": 0}`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

from pydantic import BaseModel

from bench.wires import WIRES, WireSample
from providers.adapters.base import AIProvider, GenerationRequest, ListedModel, ProviderReply, TokenUsage
from providers.adapters.reading import clean
from providers.errors import ProviderError
from providers.registry import ProviderFactory

KEY = "sk-ant-fuzz-0123456789abcdef"
# What JSON takes and Python's writer does not give: put in for its name once the body is bytes.
_RAW = {
    "@digits": b"9" * 5001,
    "@deep": b"[" * 200_000 + b"]" * 200_000,
    "@not-utf-8": b'"\xff\xfe\xc3"',
    "@infinite": b"1e999",
}
_LEFT_OUT = "@left-out"
MUTANTS: dict[str, Any] = {
    "null": None,
    "true": True,
    "number": 42,
    "negative": -1,
    "fraction": 0.5,
    "huge number": 10**20,
    "text": "text",
    "empty text": "",
    "unstorable text": "\ud83d\x00\u202e\x07",
    "long text": "word " * 4_000,
    "list": [],
    "list of null": [None],
    "list of parts": [{"type": "text", "text": "part"}],
    "object": {},
    "object of objects": {"error": {"code": []}, "type": {}},
    "left out": _LEFT_OUT,
    **{name.removeprefix("@"): name for name in _RAW},
}
# In the place of a whole body.
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "page": b"<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>",
    "half": b'{"id": "x", "choices": [{"index": 0, "mess',
    "two": b"{}{}",
    "mark": b"\xef\xbb\xbf{}",
    "bytes": bytes(range(256)),
    "surrogate": b'"\xed\xa0\x80"',
    "sixteen bits": '{"id": "x"}'.encode("utf-16"),
    "events of nothing": b"data:\n\ndata: \n\nevent: error\ndata: \n\n: comment\n\n",
    "event of no JSON": b"event: error\ndata: oops\n\ndata: {oops}\n\n",
}
_HEADERS: dict[str, dict[str, str]] = {
    "as expected": {},
    "a page": {"Content-Type": "text/html; charset=klingon"},
    "a wrong packing": {"Content-Encoding": "gzip"},
    "an unknown packing": {"Content-Encoding": "br, gzip"},
    "a wrong wait": {"Retry-After": "Wed, 99 Foo 99999 99:99:99 GMT", "x-should-retry": "maybe"},
    "an endless wait": {"Retry-After": "1e999"},
}
_STATUSES = (200, 400, 403, 404, 429, 500, 529, 599)


class Form(BaseModel):
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One answer to one question: `asks` is generate, stream or models."""

    name: str
    asks: str
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def as_http(self) -> bytes:
        head = {"Content-Type": "text/event-stream" if self.asks == "stream" else "application/json"}
        head |= {**dict(self.headers), "Content-Length": str(len(self.body))}
        lines = [f"HTTP/1.1 {self.status} Answer", *(f"{name}: {value}" for name, value in head.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def cases(wire: WireSample) -> Iterator[Case]:
    """All that this wire is tried with."""
    for name, body in mutations(wire.reply):
        yield Case(f"reply {name}", "generate", 200, _encoded(body))
    for name, body in mutations(wire.models):
        yield Case(f"models {name}", "models", 200, _encoded(body))
    for name, body in mutations(wire.error):
        for asks, status in (("generate", 400), ("generate", 429), ("generate", 200), ("stream", 403)):
            yield Case(f"error {status} {name}", asks, status, _encoded(body))
    events = [data for _, data in wire.events]
    for name, mutated in mutations(events):
        # The list of events is ours; only what is in it is sent.
        if isinstance(mutated, list) and len(mutated) == len(events):
            yield Case(f"stream {name}", "stream", 200, _with_raw(wire.stream(mutated)))
    yield from _whole_bodies(wire)


def mutations(body: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """`body` with one of its nodes replaced, for each node and each mutant."""
    for name, mutant in MUTANTS.items():
        if not (mutant is _LEFT_OUT and path == ""):
            yield f"{path or '/'} = {name}", mutant
    members = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, member in members:
        for name, mutated in mutations(member, f"{path}/{key}"):
            whole = body.copy()
            if mutated is _LEFT_OUT:
                del whole[key]
            else:
                whole[key] = mutated
            yield name, whole


def _whole_bodies(wire: WireSample) -> Iterator[Case]:
    valid = {"reply": _encoded(wire.reply), "events": wire.stream([data for _, data in wire.events])}
    packed = {f"packed {name}": gzip.compress(body) for name, body in valid.items()}
    everything = BODIES | {name: _RAW[f"@{name}"] for name in ("digits", "deep")} | valid | packed
    for asks in ("generate", "stream", "models"):
        for name, body in everything.items():
            for status in _STATUSES:
                yield Case(f"{asks} {status} {name}", asks, status, body)
            for label, headers in _HEADERS.items():
                yield Case(f"{asks} {name} with {label}", asks, 200, body, tuple(headers.items()))
                yield Case(f"{asks} 429 {name} with {label}", asks, 429, body, tuple(headers.items()))


def _encoded(body: Any) -> bytes:
    return _with_raw(json.dumps(body).encode())


def _with_raw(body: bytes) -> bytes:
    for name, raw in _RAW.items():
        body = body.replace(json.dumps(name).encode(), raw)
    return body


class Answering:
    """A server that gives `answer`, whatever it is asked, and keeps the connection unless the answer says
    otherwise."""

    answer = b""
    url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                _, is_there, rest = head.partition(b"content-length:")
                if is_there:
                    await reader.readexactly(int(rest.split(b"\r\n")[0]))
                writer.write(self.answer)
                await writer.drain()
                if b"\r\nConnection: close\r\n" in self.answer.partition(b"\r\n\r\n")[0] + b"\r\n":
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def answering() -> AsyncIterator[Answering]:
    vendor = Answering()
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
    vendor.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield vendor
    finally:
        server.close()


async def fuzz(wire: WireSample, *, every: int = 1) -> tuple[int, list[str]]:
    """(cases tried, one line for each that crashed). `every` 1 tries all, 10 each tenth."""
    tried, crashes = 0, []
    async with answering() as vendor:
        adapter = ProviderFactory.create_provider(
            wire.provider_type, api_key=KEY, model_name="some-model", base_url=vendor.url, timeout=30
        )
        try:
            for case in islice(cases(wire), 0, None, every):
                vendor.answer = case.as_http()
                tried += 1
                if complaint := await complaint_about(adapter, case.asks, form=bool(tried % 2)):
                    crashes.append(f"{wire.provider_type}: {case.name}: {complaint}")
        finally:
            await adapter.aclose()
    return tried, crashes


async def complaint_about(adapter: AIProvider, asks: str, *, form: bool) -> str:
    """Ask, and say what is wrong with the outcome; empty when it is one that callers may rely on."""
    request = GenerationRequest(prompt="Who?", response_model=Form if form else None)
    try:
        if asks == "models":
            listed = (await adapter.validate_credentials()).listed
            return next(filter(None, map(_unsound, listed)), "")
        if asks == "generate":
            return _unsound(await adapter.generate_content(request))
        items = [item async for item in adapter.stream_content(request)]
        return _unsound(items[-1]) or next(filter(None, map(_unsound_text, items[:-1])), "")
    except ProviderError as error:
        return "" if clean(error.vendor_code) == error.vendor_code else "an unclean code"
    except Exception as error:  # noqa: BLE001 - what this looks for
        return f"{type(error).__name__}: {error}"[:200]


def _unsound(value: object) -> str:
    if not isinstance(value, (ProviderReply, ListedModel)):
        return f"a {type(value).__name__} for a reply"
    if isinstance(value, ProviderReply) and not isinstance(value.usage, (TokenUsage, type(None))):
        return "usage of another type"
    texts = [getattr(value, field.name) for field in fields(value) if field.type == "str"]
    if isinstance(value, ProviderReply) and isinstance(value.parsed, Form):
        texts.append(value.parsed.title or "")
    return next(filter(None, map(_unsound_text, texts)), "")


def _unsound_text(text: object) -> str:
    if not isinstance(text, str):
        return f"a {type(text).__name__} for a text"
    return "" if clean(text) == text else "text that cannot be stored"


async def main() -> int:
    # Of values that the SDKs do not know: that is what is sent.
    warnings.simplefilter("ignore")
    total, crashes = 0, []
    for wire in WIRES.values():
        tried, crashed = await fuzz(wire)
        print(f"{wire.provider_type}: {tried} cases, {len(crashed)} crashes")
        total += tried
        crashes += crashed
    print(*crashes[:50], sep="\n")
    print(json.dumps({"cases": total, "crashes": len(crashes)}))
    return bool(crashes)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
