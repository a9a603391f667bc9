"""Why the orchestrator gave up, in the terms a client can act on."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from accounts.errors import DomainError
from orchestration.guards.base import Gate
from providers.registry import key_variables
from usage.ledger.limits import IN_FLIGHT_RETRY_SECONDS, LONGEST_WINDOW_SECONDS, QuotaExceeded

# What a vendor asks for is passed on to clients only so far: by then another may answer.
LONGEST_VENDOR_WAIT_SECONDS = 60 * 60


class NoActiveProvider(DomainError):
    code = "no_active_provider"
    status = 503
    message = (
        "No active provider configured. A super-admin adds one in the console, or an operator sets one of "
        f"{', '.join(key_variables())}."
    )


class NoCapableProvider(DomainError):
    """`details["missing"]` names the capability (vision, structured output, input window)."""

    code = "no_capable_provider"
    status = 503
    message = "None of the configured models can do this task. A super-admin adds one that can."


class EconomyNotForKind(DomainError):
    code = "economy_not_for_kind"
    status = 422
    message = "Requests of this kind cannot wait for a vendor's batch. Send them without `economy`."


class EconomyUnavailable(DomainError):
    code = "economy_unavailable"
    status = 503
    message = (
        "None of the configured providers has a batch API. Send the batch without `economy`, or have a "
        "super-admin add one that does."
    )


class ProviderFailed(DomainError):
    """Every candidate failed. `details["attempts"]` lists provider type, model and error kind of each."""

    code = "provider_failed"
    status = 502
    longest_wait = LONGEST_VENDOR_WAIT_SECONDS
    message = "The AI provider could not answer. Nothing was lost; try again in a moment."


class ProviderTimedOut(ProviderFailed):
    code = "provider_timeout"
    status = 504
    message = "The AI provider did not answer in time. Try again, or send a shorter text."


class StreamInterrupted(ProviderFailed):
    """Part of the answer has been handed on already, so no other provider could go on with it."""

    code = "stream_interrupted"
    message = "The AI provider broke off in the middle of its answer. Ask again for a whole one."


class StreamNotRead(DomainError):
    code = "stream_not_read"
    status = 408
    message = "The answer was not read as fast as it came, so it was ended. Ask again."


class ProvidersUnavailable(DomainError):
    """Nothing was sent: every candidate is down, or busy for longer than the call may wait. `retry_after`
    says when one may be asked again."""

    code = "providers_unavailable"
    status = 503
    longest_wait = LONGEST_VENDOR_WAIT_SECONDS
    message = "No AI provider can take this request at the moment. Try again a little later."


class TooManyCalls(DomainError):
    """The plan's rate or concurrency. `details`: limit, and per ("minute" or "moment")."""

    code = "too_many_calls"
    status = 429
    message = "That was too fast."

    @classmethod
    def because(cls, cause: str, *, wait: float, gate: Gate, whose: str = "Your plan") -> TooManyCalls:
        """`cause` as the gate gave it, `wait` in seconds; `whose` limit it is, at the beginning of a
        sentence."""
        if cause == "concurrency":
            return cls(
                f"{whose} allows {gate.concurrent} calls at a time. Try again when one of them has ended.",
                details={"limit": gate.concurrent, "per": "moment"},
                retry_after=1,
            )
        return cls(
            f"{whose} allows {gate.per_minute} calls a minute. Try again in {max(1, ceil(wait))} s.",
            details={"limit": gate.per_minute, "per": "minute"},
            retry_after=max(1, ceil(wait)),
        )


class RequestRefused(DomainError):
    """The vendor found fault with the request itself; asking elsewhere would not help."""

    code = "request_refused"
    status = 422
    message = "The AI provider refused this request. Change the input and try again."


class ContentBlocked(RequestRefused):
    code = "content_blocked"
    message = "The AI provider's safety filter blocked this content. Change the input and try again."


class InputTooLong(RequestRefused):
    code = "input_too_long"
    status = 413
    message = "The input is longer than the model can read. Shorten it and try again."


# What a model's vendor may hold against an input that we took.
ABOUT_THE_INPUT = (RequestRefused, ContentBlocked, InputTooLong)


class ProviderQuotaExhausted(DomainError):
    code = "provider_quota_exceeded"
    status = 429
    longest_wait = LONGEST_WINDOW_SECONDS
    message = (
        "Every AI provider has used up its limit, or has too little left of it for this request. Try again "
        "after the reset."
    )

    @classmethod
    def because(cls, refusals: Sequence[QuotaExceeded]) -> ProviderQuotaExhausted:
        """The refusals of all providers; the soonest to have room says when to try again."""
        waits = [refusal.retry_after for refusal in refusals if refusal.retry_after is not None]
        soonest = min(waits, default=None)
        if soonest is None or soonest > IN_FLIGHT_RETRY_SECONDS:
            return cls(retry_after=soonest)
        return cls(
            "Calls under way hold what is left of the AI providers' limits. Try again in a few seconds.",
            retry_after=soonest,
        )
