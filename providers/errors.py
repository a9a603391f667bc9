"""What can go wrong between us and a vendor, in the terms the orchestrator decides by."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from accounts.errors import DomainError

if TYPE_CHECKING:
    from providers.adapters.base import TokenUsage


class ErrorKind(StrEnum):
    """One value per row of the error table in docs/architecture.md."""

    AUTH = "auth"
    BILLING = "billing"
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    SERVER = "server"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    BLOCKED = "blocked"
    UNPARSABLE = "unparsable"


class ProviderError(Exception):
    """A vendor call that failed. Raised by adapters only.

    `message` is ours, never the vendor's text, so it can be logged and shown. `vendor_code` is the vendor's
    own machine-readable code where it sent one. `retry_after` is in seconds. `usage` is set when the vendor
    reported tokens for the failed call (a refusal, a reply that could not be parsed): they are billed.
    `may_have_cost` says that the vendor may bill a call without reported usage: by default one that was sent
    and never answered (a timeout, a connection that broke); False when the connection was never made.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        vendor: str,
        status_code: int | None = None,
        vendor_code: str = "",
        retry_after: float | None = None,
        usage: TokenUsage | None = None,
        may_have_cost: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.vendor = vendor
        self.status_code = status_code
        self.vendor_code = vendor_code
        self.retry_after = retry_after
        self.usage = usage
        no_answer = status_code is None and kind in {ErrorKind.TIMEOUT, ErrorKind.SERVER}
        self.may_have_cost = no_answer if may_have_cost is None else may_have_cost


class UndecryptableKey(DomainError):
    """The stored token was made with a key that is no longer in FERNET_KEYS."""

    code = "key_undecryptable"
    status = 503
    message = "The stored API key cannot be decrypted with the current FERNET_KEYS. Re-enter the key."
