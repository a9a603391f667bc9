"""How a call ended that nobody answered, for the client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accounts.errors import DomainError
from orchestration.calls.call import Call
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
    StreamInterrupted,
)
from orchestration.routing.candidates import missing_everywhere
from usage.ledger.base import QuotaExceeded

_REFUSALS = {refused.code: refused for refused in (RequestRefused, ContentBlocked, InputTooLong)}


def final_error(call: Call, skipped: Sequence[DomainError] = ()) -> DomainError:
    """Why no candidate answered: `skipped` are those that were passed over before anything was sent. Where
    nothing was, that is the reason, and not what failed in a vendor's batch before: it may pass."""
    is_all_elsewhere = all(failure.was_elsewhere for failure in call.failures)
    if call.failures and not (skipped and is_all_elsewhere):
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
    if not missing:
        # Others could, but the one provider that a vote may ask was taken away meanwhile.
        return ProvidersUnavailable(retry_after=1)
    if missing == ("input_window",):
        return InputTooLong()
    names = " and ".join(name.replace("_", " ") for name in missing)
    return NoCapableProvider(
        f"None of the configured models supports {names}. A super-admin adds one that does.",
        details={"missing": list(missing)},
    )


def _from_failures(call: Call) -> DomainError:
    errors = [failure.error for failure in call.failures]
    details = {"attempts": _failed_attempts(call)}
    if refused := _refused_input(call):
        return refused(details=details)
    if call.has_begun_to_answer:
        return StreamInterrupted(details=details)
    if all(error.meaning.caller == ProviderTimedOut.code for error in errors):
        return ProviderTimedOut(details=details)
    waits = [error.retry_after for error in errors if error.retry_after is not None]
    return ProviderFailed(details=details, retry_after=min(waits, default=None))


def _refused_input(call: Call) -> type[RequestRefused] | None:
    """What the caller is to change, if the last word was about the input: what a vendor says is wrong with
    it, or that every provider refuses it. One whose key, account or model is not in order has no say."""
    heard = [one.error.meaning for one in call.failures if not one.error.meaning.is_unusable]
    if not heard or heard[-1].blames_input == "no":
        return None
    telling = [one for one in heard if one.blames_input == "yes"]
    if heard[-1].blames_input == "with_another" and not _is_refused_by_all(call):
        return None
    return _REFUSALS[(telling or heard)[-1].caller]


def _is_refused_by_all(call: Call) -> bool:
    """Whether two providers found fault with the request, or all that have a say."""
    refused = call.refused_by()
    unusable = {one.candidate.provider.identity for one in call.failures if one.error.meaning.is_unusable}
    able = {one.provider.identity for one in call.order if not one.provider.is_flagged}
    return len(refused) > 1 or able - unusable <= refused


def _failed_attempts(call: Call) -> list[Mapping[str, str]]:
    """What a client may know of each failure."""
    return [
        {
            "provider_type": failure.candidate.provider.provider_type,
            "model": failure.candidate.model_name,
            "error_kind": failure.error.kind.value,
        }
        for failure in call.failures
    ]
