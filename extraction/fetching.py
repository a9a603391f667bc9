"""Reads one public web page on a user's request, and nothing else."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field

from aiohttp import (
    ClientConnectorDNSError,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)
from django.conf import settings
from w3lib.encoding import html_to_unicode
from yarl import URL

from extraction.addresses import AddressGuard, UncheckedAddress
from extraction.errors import PageTimedOut, PageTooLarge, PageUnavailable, UnsupportedContent, UrlNotAllowed

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HEADERS = {
    "User-Agent": "Aditus/0.1 (reads one job posting at a user's request)",
    "Accept": "text/html, application/xhtml+xml, text/plain;q=0.8",
    # The two the HTTP client decompresses in bounded steps.
    "Accept-Encoding": "gzip, deflate",
}


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """`seconds` is for everything together: names, connections, redirects, the body. `size` is in bytes and
    holds for the body as sent and as decompressed."""

    seconds: float = 15.0
    size: int = 5 * 1024 * 1024
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Page:
    """What was read. `url` is where the last redirect led; `body` is text, whatever its charset was."""

    url: str
    body: str = field(repr=False)
    is_html: bool


DEFAULT_LIMITS = FetchLimits()


async def fetch(*, url: str, limits: FetchLimits = DEFAULT_LIMITS) -> Page:
    """Read the page at a public http or https address.

    Sends no cookies, credentials or Referer, ignores proxy variables, and follows redirects by hand so that
    every hop is checked. Raises UrlNotAllowed, PageUnavailable, PageTimedOut, PageTooLarge or
    UnsupportedContent.
    """
    guard = AddressGuard(settings.EXTRACTION_ALLOWED_PRIVATE_HOSTS)
    target = guard.check_url(_parsed(url))
    try:
        async with asyncio.timeout(limits.seconds), _session(guard) as session:
            return await _follow(session, guard, target, limits)
    except TimeoutError as error:
        raise PageTimedOut(details={"limit_seconds": limits.seconds}) from error
    except InvalidURL as error:
        raise UrlNotAllowed from error
    except (ClientError, OSError, UnicodeError) as error:  # UnicodeError: a name that IDNA refuses
        raise _refusal(error) from error


def _parsed(url: str) -> URL:
    try:
        return URL(url.strip())
    except ValueError as error:
        raise UrlNotAllowed from error


def _session(guard: AddressGuard) -> ClientSession:
    connector = TCPConnector(
        resolver=guard, socket_factory=guard.open_socket, use_dns_cache=False, force_close=True
    )
    return ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        headers=HEADERS,
        trust_env=False,
        timeout=ClientTimeout(total=None),
    )


async def _follow(session: ClientSession, guard: AddressGuard, url: URL, limits: FetchLimits) -> Page:
    for _ in range(limits.redirects + 1):
        async with session.get(url, allow_redirects=False) as response:
            if response.status in REDIRECTS and "Location" in response.headers:
                url = guard.check_url(url.join(_parsed(response.headers["Location"])))
                continue
            return await _read(response, limits)
    raise PageUnavailable("The address redirects too often to be read.", details={"reason": "redirects"})


async def _read(response: ClientResponse, limits: FetchLimits) -> Page:
    if not 200 <= response.status < 300:
        raise PageUnavailable(
            _SENTENCES.get(response.status), details={"reason": "status", "upstream_status": response.status}
        )
    is_html = response.content_type in HTML_TYPES
    # aiohttp calls a missing header application/octet-stream, which is refused with the rest.
    if not is_html and response.content_type != "text/plain":
        raise UnsupportedContent(details={"content_type": response.content_type})
    if (response.content_length or 0) > limits.size:
        raise PageTooLarge(details={"limit_bytes": limits.size})
    raw = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        raw += chunk
        if len(raw) > limits.size:
            raise PageTooLarge(details={"limit_bytes": limits.size})
    _, body = html_to_unicode(response.headers.get("Content-Type"), bytes(raw))
    return Page(url=str(response.url), body=body, is_html=is_html)


_SENTENCES = {
    401: "The page asks for a login. Paste the posting's text instead.",
    403: "The site refuses automatic readers. Paste the posting's text instead.",
    404: "There is no page at this address. Check it, or paste the posting's text instead.",
    410: "The page has been taken down. Paste the posting's text if you have it.",
    429: "The site is receiving too many requests. Try again later, or paste the posting's text.",
}


def _refusal(error: Exception) -> PageUnavailable | UrlNotAllowed:
    if isinstance(error, UncheckedAddress) or isinstance(getattr(error, "os_error", None), UncheckedAddress):
        return UrlNotAllowed()
    reason = "connection"
    if isinstance(error, ClientConnectorDNSError):
        reason = "dns"
    elif isinstance(error, ssl.SSLError):
        reason = "tls"
    elif isinstance(error, ClientPayloadError):
        reason = "encoding"
    return PageUnavailable(details={"reason": reason})
