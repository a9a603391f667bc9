"""Reads one public web page on a user's request, and nothing else."""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from typing import Literal

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
from yarl import URL

from accounts.concurrency import in_parsing_thread
from extraction.addresses import AddressGuard
from extraction.charsets import decoded
from extraction.errors import PageTimedOut, PageTooLarge, PageUnavailable, UnsupportedContent, UrlNotAllowed
from extraction.visible.page import looks_like_html
from providers.public_addresses import UncheckedAddress

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
JSON_TYPES = frozenset({"application/json", "application/ld+json", "text/json"})
SNIFFED_TYPES = frozenset({"text/plain", "application/xml", "text/xml"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HEADERS = {
    "User-Agent": "Aditus/0.1 (reads one job posting at a user's request)",
    "Accept": "text/html, application/xhtml+xml, application/pdf, application/ld+json;q=0.9, "
    "text/plain;q=0.8",
    # Those that the HTTP client decompresses in bounded steps.
    "Accept-Encoding": "gzip, deflate, br, zstd",
}
# A page that leads on by itself to where the posting is does so at once.
MAX_REFRESH_SECONDS = 10
_REFRESH = re.compile(
    r"<meta\b[^<>]{0,200}?http-equiv\s*=\s*[\"']?refresh\b[^<>]{0,200}?content\s*=\s*[\"']\s*(\d{1,3})[\d.]{0,5}\s*;"
    r"\s*url\s*=\s*[\"']?([^\"'<>\s]{1,1500})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """`seconds` is for everything together: names, connections, redirects, the body. `size` and `pdf_size`
    are in bytes and hold for the body as sent and as decompressed."""

    seconds: float = 15.0
    size: int = 5 * 1024 * 1024
    pdf_size: int = 10 * 1024 * 1024
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Page:
    """What was read. `url` is where the last redirect led; `body` is text, whatever its charset was, and
    empty for a PDF, which `content` holds until its text was read."""

    url: str
    body: str = field(repr=False)
    kind: Literal["html", "text", "json", "pdf"] = "html"
    content: bytes = field(default=b"", repr=False)


DEFAULT_LIMITS = FetchLimits()


async def fetch(*, url: str, limits: FetchLimits = DEFAULT_LIMITS) -> Page:
    """Read the page at a public http or https address.

    Sends no cookies, credentials or Referer, ignores proxy variables, and follows redirects (those of a
    page's own `<meta http-equiv="refresh">` too) by hand so that every hop is checked. Raises UrlNotAllowed,
    PageUnavailable, PageTimedOut, PageTooLarge or UnsupportedContent.
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
    for hop in range(limits.redirects + 1):
        async with session.get(url, allow_redirects=False) as response:
            if response.status in REDIRECTS and "Location" in response.headers:
                url = guard.check_url(url.join(_parsed(response.headers["Location"])))
                continue
            page = await _read(response, limits)
        onward = _refresh_target(page)
        if onward is None or hop == limits.redirects:
            return page
        target = url.join(_parsed(onward))
        if target.with_fragment(None) == url.with_fragment(None):
            return page
        url = guard.check_url(target)
    raise PageUnavailable("The address redirects too often to be read.", details={"reason": "redirects"})


def _refresh_target(page: Page) -> str | None:
    """Where a page sends its reader at once, if it does."""
    if page.kind != "html":
        return None
    head = re.sub(r"(?is)<!--.{0,5000}?-->|<noscript\b.{0,5000}?</noscript>", "", page.body[:20_000])
    match = _REFRESH.search(head)
    return match[2] if match and int(match[1]) <= MAX_REFRESH_SECONDS else None


async def _read(response: ClientResponse, limits: FetchLimits) -> Page:
    if not 200 <= response.status < 300:
        raise PageUnavailable(
            _SENTENCES.get(response.status), details={"reason": "status", "upstream_status": response.status}
        )
    declared = response.content_type if "Content-Type" in response.headers else ""
    may_be_pdf = declared in {"application/pdf", "application/x-pdf", "application/octet-stream", ""}
    if declared and not may_be_pdf and declared not in HTML_TYPES | JSON_TYPES | SNIFFED_TYPES:
        raise UnsupportedContent(details={"content_type": declared})
    limit = limits.pdf_size if may_be_pdf else limits.size
    if (response.content_length or 0) > limit:
        raise PageTooLarge(details={"limit_bytes": limit})
    raw = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        raw += chunk
        if len(raw) > limit:
            raise PageTooLarge(details={"limit_bytes": limit})
    header = response.headers.get("Content-Type")
    return await in_parsing_thread(
        page_of, bytes(raw), url=str(response.url), declared=declared, header=header
    )


def page_of(content: bytes, *, url: str, declared: str, header: str | None) -> Page:
    """What bytes are, by their declared type ("" for none) and, where that leaves it open, by themselves.
    Raises UnsupportedContent."""
    if b"%PDF-" in content[:1024]:
        return Page(url=url, body="", kind="pdf", content=content)
    if declared in {"application/pdf", "application/x-pdf", "application/octet-stream"}:
        raise UnsupportedContent(details={"content_type": declared})
    if not declared and b"\0" in content[:4096] and content[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        raise UnsupportedContent(details={"content_type": "unknown"})
    body = decoded(content, header)
    if declared in HTML_TYPES:
        return Page(url=url, body=body, kind="html")
    if declared in JSON_TYPES or (not declared and body.lstrip("\ufeff \r\n\t")[:1] in {"{", "["}):
        return Page(url=url, body=body, kind="json")
    return Page(url=url, body=body, kind="html" if looks_like_html(body) else "text")


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
