"""The sandbox's addresses, and what happens to a request on its way through them.

/openai/v1/chat/completions, /openai/v1/responses, /openai/v1/models, /openai/v1/files, /openai/v1/batches
/anthropic/v1/messages, /anthropic/v1/messages/batches, /anthropic/v1/models
/gemini/v1beta/models/{model}:generateContent, ...:streamGenerateContent, ...:batchGenerateContent,
/gemini/v1beta/models, /gemini/v1beta/batches
/_sandbox/hits, /_sandbox/faults, /_sandbox/reset
"""

import asyncio
import ipaddress
import json
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.anthropic_batches import AnthropicBatchDesk
from sandbox.anthropic_wire import AnthropicWire
from sandbox.faults import Fault, FaultDesk, UnknownFault, parse_faults, split_model
from sandbox.gemini_batches import GeminiBatchDesk
from sandbox.gemini_wire import GeminiWire
from sandbox.hits import HitCounter
from sandbox.openai_batches import OpenAIBatchDesk
from sandbox.openai_wire import ChatCompletionsWire
from sandbox.outcomes import Faults, answer, check_limits, listed_models
from sandbox.responses_wire import ResponsesWire
from sandbox.wire import SANDBOX_HEADERS, Answer, Json, Refused, Wire, WireRequest

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Disconnected(Exception):
    """We closed the connection on purpose."""


class Sandbox:
    """One server's state: its counters, the faults waiting, and how long it thinks (`latency`, seconds)."""

    def __init__(self, *, latency: float = 0.0) -> None:
        self.latency = latency
        self.hits = HitCounter()
        self.desk = FaultDesk()
        self.batches = [
            desk(self.hits, self.desk) for desk in (OpenAIBatchDesk, AnthropicBatchDesk, GeminiBatchDesk)
        ]

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        for batches in self.batches:
            batches.add_to(app)
        app.router.add_post("/openai/v1/chat/completions", self._generation(ChatCompletionsWire()))
        app.router.add_post("/openai/v1/responses", self._generation(ResponsesWire()))
        app.router.add_post("/anthropic/v1/messages", self._generation(AnthropicWire()))
        app.router.add_post(
            "/gemini/{version:v1|v1beta}/models/{model}:{method}", self._generation(GeminiWire())
        )
        app.router.add_get("/openai/v1/models", self._models(ChatCompletionsWire()))
        app.router.add_get("/anthropic/v1/models", self._models(AnthropicWire()))
        app.router.add_get("/gemini/{version:v1|v1beta}/models", self._models(GeminiWire()))
        app.router.add_get("/_sandbox/hits", self._show_hits)
        app.router.add_post("/_sandbox/faults", self._take_faults)
        app.router.add_post("/_sandbox/reset", self._reset)
        return app

    def _generation(self, wire: Wire) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if request.content_length == len(b"{}"):
                # Somebody wants to know whether this API is here: a question to no model, like a list.
                return await self._generate(wire, request)
            self.hits.arrive(wire.vendor)
            status = "client_left"
            try:
                response = await self._generate(wire, request)
                status = str(response.status)
            except Disconnected:
                status = "disconnect"
                return web.Response()
            except ConnectionResetError:
                # The client hung up while we were writing to it: nobody is left to answer.
                return web.Response()
            else:
                return response
            finally:
                self.hits.leave(status)

        return handle

    def _models(self, wire: Wire) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            self.hits.model_lists[wire.vendor] += 1
            faults = Faults(self.desk.take(vendor=wire.vendor, model="", on="models"))
            try:
                self._authorise(wire, request)
                await self._misbehave(request, faults)
            except Refused as refusal:
                return _error(wire, refusal, model="", extra="")
            except Disconnected:
                return web.Response()
            return _json(wire.models(listed_models(faults)))

        return handle

    async def _generate(self, wire: Wire, request: web.Request) -> web.StreamResponse:
        model, extra = "", ""
        try:
            self._authorise(wire, request)
            body = await _body(request)
            name = request.match_info.get("model") or body.get("model")
            if not isinstance(name, str) or not name:
                raise Refused(Fault("bad_request"), "you must provide a model parameter")
            self.hits.by_model[name] += 1
            model, wanted = split_model(name)
            faults = self._faults(wire, request, name, wanted)
            asked = wire.read(body, model=model, stream=_asks_for_stream(request, body))
            if "echo" in faults:
                extra = f"key {wire.key(request.headers)} prompt {asked.prompt}"
            await self._misbehave(request, faults)
            check_limits(asked)
            return await self._answer(wire, request, asked, faults)
        except UnknownFault as error:
            return _error(wire, Refused(Fault("bad_request"), str(error)), model=model, extra="")
        except Refused as refusal:
            return _error(wire, refusal, model=model, extra=extra)

    def _authorise(self, wire: Wire, request: web.Request) -> None:
        if "key" in request.query:
            logger.error("a key arrived in a URL, where every proxy on the way logs it")
            raise Refused(Fault("bad_request"), "Keys belong in a header; this one came in the URL (?key=).")
        wire.authorise(request.headers)

    def _faults(self, wire: Wire, request: web.Request, name: str, wanted: tuple[Fault, ...]) -> Faults:
        model = split_model(name)[0]
        by_header = parse_faults(request.headers.get("x-sandbox-fault", ""))
        waiting = self.desk.take(vendor=wire.vendor, model=model)
        faults = Faults(waiting + by_header + wanted)
        times = faults.number("flaky")
        if times and self.desk.still_flaky(vendor=wire.vendor, model=name, times=times):
            return Faults((Fault("server"),))
        return faults

    async def _misbehave(self, request: web.Request, faults: Faults) -> None:
        """Wait, hang, hang up or refuse, as asked. Raises Refused or Disconnected."""
        if wait := self.latency + faults.number("slow"):
            await asyncio.sleep(wait)
        if "hang" in faults:
            await asyncio.Event().wait()
        if "disconnect" in faults:
            raise _hang_up(request)
        if error := faults.error():
            raise Refused(error)

    async def _answer(
        self, wire: Wire, request: web.Request, asked: WireRequest, faults: Faults
    ) -> web.StreamResponse:
        if "malformed" in faults:
            page = b"<html>[sandbox] not JSON</html>"
            return web.Response(body=page, content_type="application/json", headers=SANDBOX_HEADERS)
        result = self._said(asked, faults)
        if asked.stream:
            events = list(wire.events(asked, result))
            return await self._stream(wire, request, asked, events, faults)
        response = _json(wire.reply(asked, result))
        if "cut_stream" in faults:
            raise await _cut(request, response)
        return response

    def _said(self, asked: WireRequest, faults: Faults) -> Answer:
        return answer(asked, faults)

    async def _stream(
        self, wire: Wire, request: web.Request, asked: WireRequest, events: list[bytes], faults: Faults
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **SANDBOX_HEADERS})
        await response.prepare(request)
        broken = "cut_stream" in faults or "stream_error" in faults
        for event in events[: max(1, len(events) // 2)] if broken else events:
            await response.write(event)
            if pause := faults.number("drip"):
                await asyncio.sleep(pause)
        if "cut_stream" in faults:
            raise _hang_up(request)
        if "stream_error" in faults:
            await response.write(wire.error_event(wire.error(Fault("overloaded"), model=asked.model)))
        await response.write_eof()
        return response

    async def _show_hits(self, _request: web.Request) -> web.Response:
        return _json(self.hits.as_dict())

    async def _take_faults(self, request: web.Request) -> web.Response:
        try:
            self.desk.post(await request.json())
        except (UnknownFault, ValueError, TypeError, AttributeError) as error:
            return _json({"error": str(error)}, status=400)
        return _json({"accepted": True})

    async def _reset(self, _request: web.Request) -> web.Response:
        self.hits.reset()
        self.desk.reset()
        for batches in self.batches:
            batches.jobs.reset()
        return _json({"reset": True})


async def start(sandbox: Sandbox, *, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Serve in the running event loop; returns the runner (`cleanup()` stops it) and the port it got.

    Raises ValueError for a host beyond this machine: the sandbox takes any key, so it must stay private.
    OSError when the port is taken.
    """
    if not is_loopback(host):
        raise ValueError(f"The sandbox serves this machine only; {host} is not a loopback address.")
    # Cancelling the handler when its client leaves is what ends the calls that were asked to hang.
    runner = web.AppRunner(
        sandbox.application(), access_log=None, handler_cancellation=True, shutdown_timeout=1
    )
    await runner.setup()
    await web.TCPSite(runner, host, port, backlog=2048).start()
    return runner, int(runner.addresses[0][1])


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _asks_for_stream(request: web.Request, body: Json) -> bool:
    return request.match_info.get("method") == "streamGenerateContent" or body.get("stream") is True


async def _body(request: web.Request) -> Json:
    try:
        body = json.loads(await request.read())
    except web.HTTPRequestEntityTooLarge:
        raise Refused(Fault("too_large")) from None
    except ValueError:
        raise Refused(Fault("bad_request"), "We could not parse the JSON body of your request.") from None
    if not isinstance(body, dict):
        raise Refused(Fault("bad_request"), "Expected a JSON object.")
    return body


def _json(body: Json, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        status=status,
        content_type="application/json",
        headers=SANDBOX_HEADERS | (headers or {}),
    )


def _error(wire: Wire, refusal: Refused, *, model: str, extra: str) -> web.Response:
    error = wire.error(refusal.fault, model=model, message=refusal.message)
    if extra:
        error = error.with_more(extra)
    return _json(error.body, status=error.status, headers=dict(error.headers))


def _hang_up(request: web.Request) -> Disconnected:
    if request.transport is not None:
        request.transport.abort()
    return Disconnected()


async def _cut(request: web.Request, whole: web.Response) -> Disconnected:
    """Send the headers of the whole reply and half of its body, then hang up."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    half = web.StreamResponse(headers=whole.headers)
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    # Let the half reach the client; an abort discards what is still in our buffer.
    await asyncio.sleep(0.05)
    return _hang_up(request)
