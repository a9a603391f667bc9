"""From a vendor's HTTP answer, or the lack of one, to a ProviderError.

Every sentence here is ours: what a vendor or proxy writes into an error may repeat the key or the prompt.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Protocol

import httpx2

from providers.adapters import refusals
from providers.adapters.told import told
from providers.errors import ErrorKind, ProviderError

# A gateway that stopped waiting: the model behind it may have worked on, and may be billed.
_GAVE_UP_WAITING = frozenset({408, 504, 524})
# An error in a body that may be a reply too, which has `"error": null` at most.
_HOLDS_ERROR = re.compile(rb'"error"\s*:\s*["{]')
# The last is of a job of Google's that has ended, and says of what.
_REPLIES = ("choices", "candidates", "content", "output", "done")


class Answered(Protocol):
    """An answer of a vendor's, whoever has read it."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


class ErrorInside(httpx2.HTTPError):
    """A server answered 200, and with an error in place of a reply."""

    def __init__(self, response: httpx2.Response, body: object) -> None:
        super().__init__("an error in place of a reply")
        self.response, self.body = response, body


async def look_inside(response: httpx2.Response) -> None:
    """An event hook for the HTTP client: raises ErrorInside for an error that came with status 200. What is
    streamed as events is left to its reader."""
    if may_hold_error(response) and (body := error_in(await response.aread())):
        raise ErrorInside(response, body)


def may_hold_error(answer: Answered) -> bool:
    return answer.status_code == 200 and "json" in answer.headers.get("content-type", "")


def error_in(content: bytes) -> object:
    """The body, where it is an error in place of a reply; None where it is not."""
    if not _HOLDS_ERROR.search(content):
        return None
    try:
        body: object = json.loads(content)
    except (ValueError, RecursionError):
        return None
    first = body[0] if isinstance(body, list) and body else body
    is_error = isinstance(first, dict) and first.get("error") and not any(map(first.get, _REPLIES))
    return body if is_error else None


def refused(
    vendor: str,
    *,
    status: int,
    body: object,
    headers: Mapping[str, str] | None = None,
    has_generated: bool = False,
) -> ProviderError:
    """The vendor answered with an error, or stopped with one in the middle of its answer: then
    `has_generated`. `body` is decoded JSON or text, and not kept."""
    said = told(body)
    kind = refusals.kind_of(status, said)
    retry_after = said.retry_delay
    if retry_after is None:
        retry_after = retry_after_seconds(headers or {}, now=time.time())
    return ProviderError(
        kind,
        vendor=vendor,
        status_code=status,
        vendor_code=machine_code(said.code),
        retry_after=retry_after,
        parameter=refusals.refused_parameter(said) if kind is ErrorKind.PARAMETER else "",
        may_have_cost=has_generated or status in _GAVE_UP_WAITING,
    )


def body_of(response: httpx2.Response) -> object:
    """`decoded_or_text` of a response that was read; empty where it was not."""
    try:
        return decoded_or_text(response.content)
    except httpx2.ResponseNotRead:
        return ""


def decoded_or_text(content: bytes) -> object:
    """The decoded JSON; text where it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("latin-1")


def timed_out(vendor: str) -> ProviderError:
    return ProviderError(ErrorKind.TIMEOUT, vendor=vendor)


def not_reached(vendor: str) -> ProviderError:
    message = "The provider could not be reached."
    return ProviderError(ErrorKind.SERVER, message, vendor=vendor, may_have_cost=False)


def broke_off(vendor: str) -> ProviderError:
    message = "The connection to the provider broke before the reply was complete."
    return ProviderError(ErrorKind.SERVER, message, vendor=vendor, may_have_cost=True)


def malformed(vendor: str) -> ProviderError:
    return ProviderError(ErrorKind.MALFORMED, vendor=vendor)


def from_network(vendor: str, cause: BaseException | None) -> ProviderError:
    """For httpx2's exceptions, which SDKs raise bare or wrap."""
    if isinstance(cause, ErrorInside):
        return refused(vendor, status=200, body=cause.body, headers=cause.response.headers)
    if isinstance(cause, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol)):
        return not_reached(vendor)
    if isinstance(cause, httpx2.DecodingError):
        return malformed(vendor)
    return (
        timed_out(vendor) if isinstance(cause, (httpx2.TimeoutException, TimeoutError)) else broke_off(vendor)
    )


@contextmanager
def translated(vendor: str) -> Iterator[None]:
    """Translates what every SDK lets through unwrapped. A vendor's own translation goes around this one."""
    try:
        yield
    except TimeoutError:
        raise timed_out(vendor) from None
    except httpx2.HTTPError as error:
        raise from_network(vendor, error) from None
    except json.JSONDecodeError:
        raise malformed(vendor) from None


class Progress:
    """How far an answer has come: whether the model has begun to write when an error ends it."""

    def __init__(self) -> None:
        self.has_generated = False


def retry_after_seconds(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds to wait by Retry-After (seconds or a date, RFC 9110 10.2.3); None without a usable one."""
    lowered = {name.lower(): value for name, value in headers.items()}
    value = lowered.get("retry-after", "").strip()
    if not value:
        return None
    try:
        wait = float(value)
    except ValueError:
        try:
            wait = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return max(0.0, wait) if wait < float("inf") else None


def machine_code(code: object) -> str:
    """A vendor's code if it looks like one; anything else could be prose."""
    text = str(code or "")
    return text if re.fullmatch(r"[\w.\-]{1,64}", text) else ""
