"""From a vendor's HTTP answer, or the lack of one, to the kinds of docs/architecture.md's error table.

Every sentence here is ours: what a vendor or proxy writes into an error may repeat the key or the prompt.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

import httpx2

from providers.errors import ErrorKind, ProviderError

MESSAGES: dict[ErrorKind, str] = {
    ErrorKind.AUTH: "The provider refused the API key.",
    ErrorKind.BILLING: "The provider's account has no credit left or has reached its spending limit.",
    ErrorKind.NOT_FOUND: "The provider knows no such model, or there is no such API at this address.",
    ErrorKind.BAD_REQUEST: "The provider found the request invalid.",
    ErrorKind.TOO_LONG: "The input is longer than the model can read.",
    ErrorKind.TOO_LARGE: "The request is larger than the provider accepts.",
    ErrorKind.TIMEOUT: "The provider did not answer in time.",
    ErrorKind.SERVER: "The provider failed internally.",
    ErrorKind.RATE_LIMITED: "The provider's rate limit was reached.",
    ErrorKind.OVERLOADED: "The provider is overloaded.",
    ErrorKind.BLOCKED: "The provider's safety filter blocked the content.",
    ErrorKind.UNPARSABLE: "The reply does not have the form that was asked for.",
}

_KIND_BY_STATUS: dict[int, ErrorKind] = {
    401: ErrorKind.AUTH,
    402: ErrorKind.BILLING,
    403: ErrorKind.AUTH,
    404: ErrorKind.NOT_FOUND,
    405: ErrorKind.NOT_FOUND,
    408: ErrorKind.TIMEOUT,
    409: ErrorKind.SERVER,
    413: ErrorKind.TOO_LARGE,
    429: ErrorKind.RATE_LIMITED,
    529: ErrorKind.OVERLOADED,
}
# A gateway that stopped waiting: the model behind it may have worked on, and may be billed.
_GAVE_UP_WAITING = frozenset({408, 504, 524})

# One status, several meanings: OpenAI, Anthropic, Gemini, vLLM and llama.cpp on a prompt that is too long.
_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|prompt is too long|input token count.{0,40}exceeds|too many tokens",
    re.IGNORECASE,
)
# OpenAI and Gemini answer 503 both when overloaded and when down.
_OVERLOADED = re.compile(r"overloaded", re.IGNORECASE)
# Anthropic answers 400 where others answer 402.
_NO_CREDIT = re.compile(r"credit balance is too low", re.IGNORECASE)


def kind_of(status: int, text: str = "") -> ErrorKind:
    """The kind for an HTTP status; `text` (the vendor's) decides only where a status means several things."""
    if status == 400 and _TOO_LONG.search(text):
        return ErrorKind.TOO_LONG
    if status == 400 and _NO_CREDIT.search(text):
        return ErrorKind.BILLING
    if status == 503 and _OVERLOADED.search(text):
        return ErrorKind.OVERLOADED
    if status in _KIND_BY_STATUS:
        return _KIND_BY_STATUS[status]
    if 300 <= status < 400:
        # Never followed (the key would be sent along): the address of the config is not the API's.
        return ErrorKind.NOT_FOUND
    return ErrorKind.BAD_REQUEST if 400 <= status < 500 else ErrorKind.SERVER


def refused(
    vendor: str,
    *,
    status: int,
    kind: ErrorKind | None = None,
    text: str = "",
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
    retry_after: float | None = None,
) -> ProviderError:
    """The vendor answered with an error. `kind` overrules what the status says; `text` is not kept."""
    kind = kind or kind_of(status, text)
    if retry_after is None:
        retry_after = retry_after_seconds(headers or {}, now=time.time())
    return ProviderError(
        kind,
        MESSAGES[kind],
        vendor=vendor,
        status_code=status,
        vendor_code=machine_code(code),
        retry_after=retry_after,
        may_have_cost=status in _GAVE_UP_WAITING,
    )


def timed_out(vendor: str) -> ProviderError:
    return ProviderError(ErrorKind.TIMEOUT, MESSAGES[ErrorKind.TIMEOUT], vendor=vendor)


def not_reached(vendor: str) -> ProviderError:
    message = "The provider could not be reached."
    return ProviderError(ErrorKind.SERVER, message, vendor=vendor, may_have_cost=False)


def broke_off(vendor: str) -> ProviderError:
    message = "The connection to the provider broke before the reply was complete."
    return ProviderError(ErrorKind.SERVER, message, vendor=vendor, may_have_cost=True)


def malformed(vendor: str) -> ProviderError:
    message = "The provider's answer is not in its own format."
    return ProviderError(ErrorKind.SERVER, message, vendor=vendor, may_have_cost=True)


def from_network(vendor: str, cause: BaseException | None) -> ProviderError:
    """For httpx2's exceptions, which SDKs raise bare or wrap."""
    if isinstance(cause, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol)):
        return not_reached(vendor)
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
        except ValueError:
            return None
    return max(0.0, wait) if wait < float("inf") else None


def machine_code(code: object) -> str:
    """A vendor's code if it looks like one; anything else could be prose."""
    text = str(code or "")
    return text if re.fullmatch(r"[\w.\-]{1,64}", text) else ""
