"""The HTTP client under every vendor SDK: httpx2's interface, which the SDKs take, over aiohttp's engine.

aiohttp spends a tenth of the CPU that httpx2's own connection pool does once a hundred calls are in flight.
The SDKs bring aiohttp transports of their own, but those report a broken connection as a timeout and take
cookies, proxies and connection limits from places we do not control.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from math import inf
from typing import TypeVar

import aiohttp
import httpx2
from yarl import URL

from providers.addresses import guarded_socket

CONNECT_TIMEOUT_SECONDS = 10.0
_READ_SIZE = 64 * 1024
# Descriptions of this machine that the SDKs add to each request, and that no vendor needs.
_TELEMETRY_HEADERS = b"x-stainless-"

T = TypeVar("T")


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """One TLS context for the process: building one costs tens of milliseconds."""
    return httpx2.create_ssl_context()


def new_http_client() -> httpx2.AsyncClient:
    """A client for as many calls at once as the process makes, to any number of hosts and with any keys.

    It follows no redirect (the key would follow it), keeps no cookies (they would join accounts) and reads
    no proxy from the environment. The caller closes it, on the event loop it was used on.
    """
    return httpx2.AsyncClient(
        transport=AiohttpTransport(),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        trust_env=False,
    )


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Sends one httpx2 request as exactly one aiohttp request."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        timeout = request.extensions.get("timeout", {})
        with _as_httpx_errors():
            response = await self._open_session().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=_headers(request),
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    sock_connect=min(timeout.get("connect") or inf, CONNECT_TIMEOUT_SECONDS),
                    sock_read=timeout.get("read"),
                ),
            )
        return httpx2.Response(
            response.status, headers=response.raw_headers, stream=_Body(response), request=request
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
                trust_env=False,
            )
        return self._session


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx_errors():
            async for chunk in self._response.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        # A body that was read to its end has given its connection back; any other connection is closed.
        self._response.release()


def _headers(request: httpx2.Request) -> list[tuple[str, str]]:
    return [
        (name.decode("ascii"), value.decode("latin-1"))
        for name, value in request.headers.raw
        if not name.lower().startswith(_TELEMETRY_HEADERS)
    ]


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    """The SDKs know httpx2's exceptions. Texts are ours: aiohttp's carry addresses."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout("connecting took too long") from error
    except TimeoutError as error:
        raise httpx2.ReadTimeout("waiting for the reply took too long") from error
    except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
        raise httpx2.ConnectError("no connection") from error
    except aiohttp.ClientError as error:
        raise httpx2.RemoteProtocolError("the connection broke") from error


async def until(deadline: float, stream: AsyncIterator[T]) -> AsyncIterator[T]:
    """The items of `stream`, with TimeoutError once the loop's clock passes `deadline`.

    The clock runs on while the consumer works, but only a wait for the vendor is interrupted.
    """
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                item = await anext(stream)
        except StopAsyncIteration:
            return
        yield item
