"""How an attempt ended, for the ledger, and how a call ended, for the client."""

from __future__ import annotations

from accounts.errors import DomainError
from orchestration.call import Call
from orchestration.errors import (
    ContentBlocked,
    InputTooLong,
    NoActiveProvider,
    NoCapableProvider,
    ProviderFailed,
    ProviderQuotaExhausted,
    ProvidersUnavailable,
    ProviderTimedOut,
    RequestRefused,
)
from orchestration.routing import missing_everywhere
from providers.adapters.base import ProviderReply
from providers.errors import ErrorKind, ProviderError
from usage.ledger.base import Outcome, QuotaExceeded
from usage.models import Status

_REQUEST_AT_FAULT: dict[ErrorKind, type[RequestRefused]] = {
    ErrorKind.BAD_REQUEST: RequestRefused,
    ErrorKind.BLOCKED: ContentBlocked,
    ErrorKind.TOO_LONG: InputTooLong,
    ErrorKind.TOO_LARGE: InputTooLong,
}


def success(reply: ProviderReply, *, latency_ms: int) -> Outcome:
    """Settled at the vendor's usage; at the reserved estimate where the vendor reported none."""
    return Outcome(
        status=Status.SUCCESS,
        usage=reply.usage,
        latency_ms=latency_ms,
        model_name=reply.model_name,
        service_tier=reply.service_tier,
    )


def failed(error: ProviderError, *, latency_ms: int) -> Outcome:
    """A refusal costs what the vendor reported, or nothing; an answer that got lost may have been billed."""
    return Outcome(
        status=Status.TIMEOUT if error.kind is ErrorKind.TIMEOUT else Status.ERROR,
        usage=error.usage,
        latency_ms=latency_ms,
        may_have_cost=error.may_have_cost,
        model_name=error.model_name,
        service_tier=error.service_tier,
        error_kind=error.kind,
        error_message=error.message,
    )


def aborted(*, latency_ms: int) -> Outcome:
    """The caller left while the vendor was at work; vendors bill that (docs/quota-and-accounting.md)."""
    return Outcome(
        status=Status.ABORTED,
        usage=None,
        latency_ms=latency_ms,
        error_kind="cancelled",
        error_message="The caller went away before the reply came.",
    )


def crashed(*, latency_ms: int) -> Outcome:
    """A bug of ours during the call: whether the vendor was reached is not known."""
    return Outcome(
        status=Status.ERROR,
        usage=None,
        latency_ms=latency_ms,
        error_kind="internal",
        error_message="An internal error ended the call.",
    )


def final_error(call: Call, skipped: list[DomainError]) -> DomainError:
    """Why no candidate answered: `skipped` are those that were passed over before anything was sent."""
    if call.failures:
        return _from_failures(call)
    quotas = [error for error in skipped if isinstance(error, QuotaExceeded)]
    if quotas:
        return ProviderQuotaExhausted.because(quotas)
    if skipped or call.order:
        # Without a reason the deadline passed while others were let through.
        return skipped[0] if skipped else ProvidersUnavailable(retry_after=1)
    return _nobody_able(call)


def _nobody_able(call: Call) -> DomainError:
    if not call.snapshot.providers:
        return NoActiveProvider()
    missing = missing_everywhere(call.snapshot, tier=call.tier, needs=call.needs)
    if missing == ("input_window",):
        return InputTooLong()
    names = " and ".join(name.replace("_", " ") for name in missing)
    return NoCapableProvider(
        f"None of the configured models supports {names}. A super-admin adds one that does.",
        details={"missing": list(missing)},
    )


def _from_failures(call: Call) -> DomainError:
    errors = [failure.error for failure in call.failures]
    details = {"attempts": call.failed_attempts()}
    if refused := _REQUEST_AT_FAULT.get(errors[-1].kind):
        return refused(details=details)
    if all(error.kind is ErrorKind.TIMEOUT for error in errors):
        return ProviderTimedOut(details=details)
    waits = [error.retry_after for error in errors if error.retry_after is not None]
    return ProviderFailed(details=details, retry_after=min(waits, default=None))
