"""The HTTP client under every vendor SDK: httpx2's interface, which the SDKs take, over aiohttp's engine.

aiohttp spends a tenth of the CPU that httpx2's own connection pool does once a hundred calls are in flight.
The SDKs bring aiohttp transports of their own, but those report a broken connection as a timeout and take
cookies, proxies and connection limits from places we do not control.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from math import inf
from typing import Self, TypeVar

import aiohttp
import httpx2
from multidict import CIMultiDict
from yarl import URL

from providers.adapters.failures import look_inside
from providers.adapters.reading import (
    MOST_BYTES,
    MOST_BYTES_OF_ERROR,
    BodyMeter,
    TooMuch,
    Unpacking,
    plain_pieces,
)
from providers.addresses import guarded_socket

CONNECT_TIMEOUT_SECONDS = 10.0
_READ_SIZE = 64 * 1024
# Gateways add policies, traces and cookies of their own to what a vendor says.
_MOST_HEADER_BYTES = 64 * 1024
_MOST_HEADERS = 1024
# Seconds of work on what a stream has already sent before other calls get their turn.
_LONGEST_TURN = 0.02
# Descriptions of this machine that the SDKs add to each request, and that no vendor needs.
_TELEMETRY_HEADERS = b"x-stainless-"
# Of a request, what is written here: for the body that is sent, and how its answer may be packed.
_OURS = frozenset({b"accept-encoding", b"content-length"})
# They describe the body as it came, and would be wrong of the body as it is handed on.
_OF_PACKING = frozenset({b"content-encoding", b"content-length"})

# What stands in for an address that is none: every request to it ends as one that reached nobody.
UNREACHABLE = "unreachable://nowhere"

T = TypeVar("T")


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """One TLS context for the process: building one costs tens of milliseconds."""
    return httpx2.create_ssl_context()


class HttpClient(httpx2.AsyncClient):
    """A client for as many calls at once as the process makes, to any number of hosts and with any keys.

    It follows no redirect (the key would follow it), keeps no cookies (they would join accounts) and reads
    no proxy from the environment. The caller closes it, on the event loop it was used on.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.engine = AiohttpTransport()
        super().__init__(
            transport=transport or self.engine,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            follow_redirects=False,
            trust_env=False,
            event_hooks={"response": [look_inside]},
        )


def can_be_reached(base_url: str) -> bool:
    """Whether a request can be sent there at all. Not with a name and a password in it: they would take the
    place of the key."""
    try:
        address, port = httpx2.URL(base_url), URL(base_url).port
        address.host.encode("idna")
    except (httpx2.InvalidURL, ValueError):
        return False
    return bool(address.scheme in ("http", "https") and address.host and port and not address.userinfo)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request of httpx2's as aiohttp takes it, without its body."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    timeout: aiohttp.ClientTimeout

    @classmethod
    def of(cls, request: httpx2.Request) -> Self:
        timeout = request.extensions.get("timeout", {})
        return cls(
            request.method,
            URL(str(request.url), encoded=True),
            _headers(request),
            aiohttp.ClientTimeout(
                sock_connect=min(timeout.get("connect") or inf, CONNECT_TIMEOUT_SECONDS),
                sock_read=timeout.get("read"),
            ),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back whole, unpacked."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Sends one httpx2 request as exactly one aiohttp request."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._send(Prepared.of(request), await request.aread())
        body = _body_of(response)
        # The body unpacks itself: httpx2 would do it without bounds.
        headers = [(name, value) for name, value in response.raw_headers if name.lower() not in _OF_PACKING]
        return httpx2.Response(response.status, headers=headers, stream=body, request=request)

    async def answer(self, prepared: Prepared, body: bytes) -> Answer:
        """The same for a request that is sent often. Raises httpx2's exceptions for the network's failures
        and for what is not to be read, none for a status."""
        response = await self._send(prepared, body)
        try:
            content = b"".join([piece async for piece in _body_of(response)])
        finally:
            response.release()
        return Answer(response.status, response.headers, content)

    async def _send(self, prepared: Prepared, body: bytes) -> aiohttp.ClientResponse:
        with _as_httpx_errors():
            return await self._open_session().request(
                prepared.method,
                prepared.url,
                headers=prepared.headers,
                data=body or None,
                allow_redirects=False,
                timeout=prepared.timeout,
            )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        # Not in __init__: a session belongs to the loop that is running when it is made.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # How many calls may be in flight is decided above; a queue here would only hide them.
                connector=aiohttp.TCPConnector(limit=0, ssl=tls_context(), socket_factory=guarded_socket),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=_READ_SIZE,
                max_line_size=_MOST_HEADER_BYTES,
                max_field_size=_MOST_HEADER_BYTES,
                max_headers=_MOST_HEADERS,
                trust_env=False,
            )
        return self._session


class _Body(httpx2.AsyncByteStream):
    """The bytes of an answer, unpacked and held to the bounds. An error's body just ends there: what it says
    up to then, and its status, are the answer.

    Making and reading one raise httpx2.DecodingError (TooMuch).
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._is_error = response.status >= 400
        coding = response.headers.get("content-encoding", "").strip().lower()
        if not self._is_error:
            if (response.content_length or 0) > MOST_BYTES:
                raise TooMuch
            if coding not in ("", "identity", *Unpacking.CODINGS):
                raise httpx2.DecodingError("the answer is packed in a way that was not asked for")
        self._pieces_of = Unpacking(coding).pieces if coding in Unpacking.CODINGS else plain_pieces
        self._measure = BodyMeter(
            is_list=response.method == "GET",
            is_event_stream=response.content_type == "text/event-stream",
        )
        self._packed = self._unpacked = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            with _as_httpx_errors():
                async for chunk in self._response.content.iter_any():
                    self._packed += len(chunk)
                    if self._packed > MOST_BYTES:
                        raise TooMuch
                    for piece in self._pieces_of(chunk):
                        if self._unpacked:
                            # Other calls' turn, and the clock's: whoever reads does not wait in between.
                            await asyncio.sleep(0)
                        self._unpacked += len(piece)
                        if self._is_error and self._unpacked > MOST_BYTES_OF_ERROR:
                            return
                        self._measure.add(piece)
                        yield piece
        except httpx2.DecodingError:
            if not self._is_error:
                raise

    async def aclose(self) -> None:
        # A body that was read to its end has given its connection back; any other connection is closed.
        self._response.release()


def _body_of(response: aiohttp.ClientResponse) -> _Body:
    try:
        return _Body(response)
    except httpx2.DecodingError:
        response.close()
        raise


def _headers(request: httpx2.Request) -> CIMultiDict[str]:
    kept = [
        (name.decode("ascii"), value.decode("latin-1"))
        for name, value in request.headers.raw
        if not name.lower().startswith(_TELEMETRY_HEADERS) and name.lower() not in _OURS
    ]
    return CIMultiDict([*kept, ("Accept-Encoding", ", ".join(Unpacking.CODINGS))])


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    """The SDKs know httpx2's exceptions. Texts are ours: aiohttp's carry addresses."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout("connecting took too long") from error
    except TimeoutError as error:
        raise httpx2.ReadTimeout("waiting for the reply took too long") from error
    except (aiohttp.ClientConnectorError, aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise httpx2.ConnectError("no connection") from error
    except aiohttp.ClientError as error:
        raise httpx2.RemoteProtocolError("the connection broke") from error


async def until(deadline: float, stream: AsyncIterator[T]) -> AsyncIterator[T]:
    """The items of `stream`, with TimeoutError once the loop's clock passes `deadline`.

    The clock runs on while the consumer works, but only a wait for the vendor is interrupted. Other calls get
    their turn also while the items come out of what has been read already, without a wait.
    """
    loop = asyncio.get_running_loop()
    turn_began = loop.time()
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                if loop.time() - turn_began > _LONGEST_TURN:
                    await asyncio.sleep(0)
                    turn_began = loop.time()
                item = await anext(stream)
        except StopAsyncIteration:
            return
        yield item
