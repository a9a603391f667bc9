"""What can go wrong between us and a vendor, and all that each kind of failure means: one table, `MEANINGS`.

Nothing about a kind is known anywhere else. docs/failures.md shows the table to operators.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from accounts.errors import DomainError
from providers.meaning import Flag, Meaning

if TYPE_CHECKING:
    from providers.adapters.base import TokenUsage

# Seconds: the longest Retry-After that is believed.
LONGEST_RETRY_AFTER = 3600.0
# Refusals one after the other, with no answer between them, until a person is asked to look.
PERSISTING_CALLS = 5
MANY_CALLERS = 5


class ErrorKind(StrEnum):
    """One value per row of `MEANINGS`."""

    AUTH = "auth"
    BILLING = "billing"
    NOT_FOUND = "not_found"
    PARAMETER = "parameter"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    BLOCKED = "blocked"
    REJECTED = "rejected"
    PATH = "path"
    TIMEOUT = "timeout"
    SERVER = "server"
    MALFORMED = "malformed"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    UNPARSABLE = "unparsable"

    @classmethod
    def _missing_(cls, value: object) -> ErrorKind | None:
        """Rows keep the name that a kind had when they were written."""
        return FORMER_KINDS.get(str(value))

    @property
    def meaning(self) -> Meaning:
        return MEANINGS[self]


FORMER_KINDS: Mapping[str, ErrorKind] = MappingProxyType({"bad_request": ErrorKind.REJECTED})

_REFUSED = Flag("refused", "The vendor refused the key.", "Enter a new one.", lifted_by_list="yes")
_UNPAID = Flag(
    "unpaid",
    "The vendor wants a payment or a higher spending limit.",
    "Settle the account there, then test the key.",
)
_NO_MODEL = Flag(
    "no such model",
    "The vendor does not have the model, or the key may not use it.",
    "Choose another model, then test the key.",
    lifted_by_list="with_models",
)
_CANNOT_BE_ASKED = Flag(
    "cannot be asked",
    "The model goes on refusing a parameter of our requests.",
    "Choose another model, or correct what it can do under Model capabilities.",
    after=PERSISTING_CALLS,
)
_REJECTS = Flag(
    "rejects calls",
    "The vendor rejected the requests of many callers in a row.",
    "Test the key, and try another model.",
    after=MANY_CALLERS,
    counted="callers",
)
_NOT_UNDERSTOOD = "The vendor did not accept the probe, which says nothing about calls."

MEANINGS: Mapping[ErrorKind, Meaning] = MappingProxyType(
    {
        ErrorKind.AUTH: Meaning(
            says="401; 403 that names key or permission; 400 `invalid_api_key`",
            message="The provider refused the API key.",
            breaker="opens_config",
            flag=_REFUSED,
            prompts_probe=True,
        ),
        ErrorKind.BILLING: Meaning(
            says="402; `insufficient_quota`; a spending or usage limit that is reached, also as 400 or 403",
            message="The provider's account has no credit left or has reached its spending limit.",
            breaker="opens_config",
            flag=_UNPAID,
            prompts_probe=True,
        ),
        ErrorKind.NOT_FOUND: Meaning(
            says="404; 410; a model that is not known or not allowed",
            message="The provider knows no such model, or there is no such API at this address.",
            breaker="opens_model",
            flag=_NO_MODEL,
            prompts_probe=True,
            untold="There is no list of models at this address, so a probe can tell nothing. Calls may work.",
        ),
        ErrorKind.PARAMETER: Meaning(
            says="a parameter or value that the model does not take",
            message="The model does not take a parameter of the request.",
            retry_here="once_without",
            flag=_CANNOT_BE_ASKED,
            untold=_NOT_UNDERSTOOD,
        ),
        ErrorKind.TOO_LONG: Meaning(
            says="context length; prompt too long; max_tokens beyond the window",
            message="The input is longer than the model can read.",
            next_config="larger_window",
            caller="input_too_long",
            blames_input="yes",
            is_excused=True,
            untold=_NOT_UNDERSTOOD,
        ),
        ErrorKind.TOO_LARGE: Meaning(
            says="413",
            message="The request is larger than the provider accepts.",
            next_config="larger_request",
            caller="input_too_long",
            blames_input="yes",
            is_excused=True,
            untold=_NOT_UNDERSTOOD,
        ),
        ErrorKind.BLOCKED: Meaning(
            says="a refusal; a safety block; flagged input, also as 400 or 403",
            message="The provider's safety filter blocked the content.",
            next_config="per_task",
            caller="content_blocked",
            blames_input="yes",
            cost="estimate",
            is_excused=True,
            untold=_NOT_UNDERSTOOD,
        ),
        ErrorKind.REJECTED: Meaning(
            says="400, 422 and any 4xx that nothing else is known of",
            message="The provider found the request invalid.",
            next_config="one_other",
            flag=_REJECTS,
            caller="request_refused",
            blames_input="with_another",
            is_excused=True,
            untold=_NOT_UNDERSTOOD,
        ),
        ErrorKind.PATH: Meaning(
            says="407, 421, 424, 425, 499; a page of a proxy in place of the vendor's body; a redirect",
            message="Something else answered at the provider's address: a proxy, or the base URL is wrong.",
            retry_here="once",
            breaker="counts",
            prompts_probe=True,
        ),
        ErrorKind.TIMEOUT: Meaning(
            says="408; no answer in time",
            message="The provider did not answer in time.",
            retry_here="once",
            breaker="counts",
            caller="provider_timeout",
            cost="if_unanswered",
            prompts_probe=True,
        ),
        ErrorKind.SERVER: Meaning(
            says="409; 5xx; a connection that fails; an error inside a 200 of no other kind",
            message="The provider failed internally.",
            retry_here="once",
            breaker="counts",
            cost="if_unanswered",
            prompts_probe=True,
        ),
        ErrorKind.MALFORMED: Meaning(
            says="a reply that cannot be read, or is too large",
            message="The provider's answer is not in its own format.",
            retry_here="once",
            breaker="counts",
            cost="estimate",
            prompts_probe=True,
        ),
        ErrorKind.RATE_LIMITED: Meaning(
            says="429, also as 413 or 200 with a code of that kind",
            message="The provider's rate limit was reached.",
            retry_here="if_wait_is_short",
            breaker="cools",
            paces=True,
            untold="The vendor's rate limit was reached, so the probe could tell nothing.",
        ),
        ErrorKind.OVERLOADED: Meaning(
            says="529; 503 that says so",
            message="The provider is overloaded.",
            retry_here="if_wait_is_short",
            breaker="cools",
            prompts_probe=True,
        ),
        ErrorKind.UNPARSABLE: Meaning(
            says="a reply that is not in the form asked for",
            message="The reply does not have the form that was asked for.",
            retry_here="once_told",
            cost="estimate",
        ),
    }
)


def flag_of(reason: str) -> Flag | None:
    """What a config is flagged for, by the reason that is stored with it; None for one that nobody knows."""
    try:
        return ErrorKind(reason).meaning.flag
    except ValueError:
        return None


class ProviderError(Exception):
    """A vendor call that failed. Raised by adapters only.

    `message` is ours, never the vendor's text, so it can be logged and shown; empty takes the kind's. Its
    `vendor_code` is the vendor's own machine-readable code where it sent one. `retry_after` is in seconds, at
    most LONGEST_RETRY_AFTER. `parameter` is what the request may be made without (`capabilities.parameters`).
    `usage` is set when the vendor reported tokens for the failed call (a refusal, a reply that could not be
    parsed): they are billed, by `model_name` at `service_tier` where the vendor names them. `may_have_cost`
    says that the vendor may bill a call without reported usage: by default as the kind's `cost` says. False
    when the connection was never made.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str = "",
        *,
        vendor: str,
        status_code: int | None = None,
        vendor_code: str = "",
        retry_after: float | None = None,
        parameter: str = "",
        usage: TokenUsage | None = None,
        may_have_cost: bool | None = None,
    ) -> None:
        self.kind = kind
        self.message = message or kind.meaning.message
        super().__init__(self.message)
        self.vendor = vendor
        self.status_code = status_code
        self.vendor_code = vendor_code
        self.retry_after = None if retry_after is None else min(retry_after, LONGEST_RETRY_AFTER)
        self.parameter = parameter
        self.usage = usage
        self.model_name = self.service_tier = ""
        if may_have_cost is None:
            cost = kind.meaning.cost
            may_have_cost = cost == "estimate" or (cost == "if_unanswered" and status_code is None)
        self.may_have_cost = may_have_cost

    @property
    def meaning(self) -> Meaning:
        return self.kind.meaning


class UndecryptableKey(DomainError):
    """The stored token was made with a key that is no longer in FERNET_KEYS."""

    code = "key_undecryptable"
    status = 503
    message = "The stored API key cannot be decrypted with the current FERNET_KEYS. Re-enter the key."
