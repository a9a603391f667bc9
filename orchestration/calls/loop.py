"""The loop of one call: admission, quota, the request, the account of it, and the next candidate."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace

from django.utils import timezone

from accounts.concurrency import in_database_thread
from accounts.errors import DomainError
from orchestration.calls import accounting, outcomes, streaming
from orchestration.calls.accounting import Accounting
from orchestration.calls.call import Call
from orchestration.calls.question import Failure, GenerationResult
from orchestration.errors import ProvidersUnavailable
from orchestration.guards.admission import Admission
from orchestration.guards.passes import Pass
from orchestration.routing.balancing import latencies
from orchestration.routing.candidates import Candidate
from orchestration.routing.snapshot import current_snapshot
from providers.adapters.base import AIProvider, GenerationRequest, ProviderReply
from providers.capabilities import parameters
from providers.capabilities.matrix import note_refused
from providers.configs.flags import flag, unflag
from providers.errors import ErrorKind, ProviderError, UndecryptableKey
from providers.pool import provider_for
from usage.ledger.base import QuotaExceeded, Reservation, StaleRouting, UnknownPrice

logger = logging.getLogger(__name__)

# Seconds. A vendor that was given less to answer in, because the call's deadline was near, is not to blame.
FAIR_CHANCE = 10.0
# A vendor that asks for a longer pause is left for the next candidate instead.
LONGEST_RETRY_AFTER_SECONDS = 3.0
# The longest pause before the one retry there is, where the vendor names none.
_LONGEST_PAUSE_SECONDS = 0.5


class Asking:
    def __init__(self, accounting: Accounting, admission: Admission) -> None:
        self._accounting = accounting
        self._admission = admission

    async def answer(self, call: Call) -> GenerationResult:
        """The first candidate that answers, or the reason why none did. StaleRouting when what the call
        assumed has changed, and nothing was sent."""
        skipped: list[DomainError] = []
        while (remaining := call.remaining()) and _seconds_left(call) > 0:
            user_id, deadline = call.question.user_id, call.budget.deadline
            granting = self._admission.first(remaining, user_id=user_id, deadline=deadline, visit=call.visit)
            try:
                async with granting as granted:
                    candidate = granted.candidate
                    return await self._attempt(call, granted)
            except ProvidersUnavailable as unavailable:
                skipped.append(unavailable)
                break
            except StaleRouting:
                if call.is_assumed:
                    raise
                call.replan(await in_database_thread(current_snapshot))
            except (UndecryptableKey, QuotaExceeded, UnknownPrice) as error:
                if isinstance(error, QuotaExceeded) and error.details["scope"] != "provider":
                    raise
                logger.warning("Config %s was passed over: %s", candidate.provider.config_id, error.code)
                skipped.append(error)
                call.give_up_on(candidate)
            except ProviderError as error:
                await self._after_failure(call, granted, error)
        raise outcomes.final_error(call, skipped)

    async def _attempt(self, call: Call, granted: Pass) -> GenerationResult:
        """Reserve, ask, settle. Raises what the ledger or the adapter raised, after settling."""
        candidate, adapter = granted.candidate, _adapter_of(granted.candidate)
        reservation = await self._reserve(call, candidate)
        started = time.perf_counter()
        try:
            reply = await _reply_in_time(call, granted, adapter, reservation.attempt.max_output_tokens)
        except ProviderError as error:
            estimate = streaming.estimate_after(error, call, reservation.attempt, adapter)
            outcome = accounting.failed(error, latency_ms=_since(started), estimate=estimate)
            call.budget.costs.append((await self._accounting.settle(reservation, outcome)).cost_usd)
            raise
        except asyncio.CancelledError:
            estimate = streaming.estimate_of(call, reservation.attempt, adapter)
            outcome = accounting.aborted(latency_ms=_since(started), estimate=estimate)
            await self._accounting.settle(reservation, outcome)
            raise
        except BaseException:
            # A bug of ours is never failover: release what was held and let it be seen.
            await self._accounting.settle(reservation, accounting.crashed(latency_ms=_since(started)))
            raise
        outcome = accounting.success(reply, latency_ms=_since(started))
        settlement = await self._accounting.settle(reservation, outcome)
        call.budget.costs.append(settlement.cost_usd)
        await _note_success(candidate, outcome.latency_ms)
        return call.result(
            candidate,
            reply,
            settlement,
            latency_ms=outcome.latency_ms,
            takes_temperature=adapter.takes_temperature,
        )

    async def _reserve(self, call: Call, candidate: Candidate) -> Reservation:
        number = call.budget.next_number()
        try:
            attempt = call.attempt_at(candidate, number=number, now=timezone.now())
            reservation = await self._accounting.reserve(attempt)
        except BaseException as error:
            call.budget.take_back(number)
            call.is_verified |= isinstance(error, QuotaExceeded | UnknownPrice)
            raise
        call.is_verified = True
        call.budget.attempts += 1
        return reservation

    async def _after_failure(self, call: Call, ended: Pass, error: ProviderError) -> None:
        """Note the failure; pause before asking the same candidate again, or rule others out."""
        candidate = ended.candidate
        call.failures.append(Failure(candidate, error))
        config_id = candidate.provider.config_id
        logger.warning("Attempt %s at config %s failed: %s", call.budget.attempts, config_id, error.kind)
        if (flagged := error.meaning.flag) and max(1, ended.in_a_row) >= flagged.after:
            await _keep_in_mind(flag, candidate, error.kind.value)
        if ended.is_helped:
            await _remember_refused(candidate, error.parameter)
        pause = pause_before_retry(
            error, retries_here=call.retries_of(candidate), can_do_without=ended.is_helped
        )
        if pause is None or pause >= _seconds_left(call) or call.has_begun_to_answer:
            call.rule_out_after(candidate, error)
        else:
            await asyncio.sleep(pause)


async def _reply_in_time(
    call: Call, granted: Pass, adapter: AIProvider, max_output_tokens: int
) -> ProviderReply:
    """Ask once, within the provider's timeout and what is left of the call's; tells the pass how it went. The
    reply is held to the tokens that were reserved for it."""
    request = replace(call.request_for(granted.candidate), max_output_tokens=max_output_tokens)
    seconds, timeout = _seconds_left(call), granted.candidate.provider.timeout
    granted.sent()
    try:
        async with asyncio.timeout(seconds if seconds < timeout else None):
            if call.pieces is None:
                reply = await adapter.generate_content(request)
            else:
                asked = granted.candidate.provider.provider_type, granted.candidate.model_name
                call.pieces.answered_by = (*asked, call.budget.attempts)
                reply = await streaming.reply_in_pieces(adapter, request, call.pieces)
    except ProviderError as error:
        if call.pieces is None or not call.pieces.was_kept_waiting:
            granted.failed(error, is_helped=_can_do_without(adapter, request, error.parameter))
        raise
    except TimeoutError:
        too_late = ProviderError(
            ErrorKind.TIMEOUT, "The call's deadline passed before the reply came.", vendor=adapter.vendor
        )
        if seconds >= FAIR_CHANCE and not (call.pieces and call.pieces.was_kept_waiting):
            granted.failed(too_late)
        raise too_late from None
    granted.answered()
    return reply


def _can_do_without(adapter: AIProvider, request: GenerationRequest, parameter: str) -> bool:
    """Whether the vendor can be asked without what it refused; not if it was asked so already."""
    is_optional = parameter in adapter.optional or parameters.is_lower_limit(parameter, request)
    return is_optional and parameter not in request.without


async def _remember_refused(candidate: Candidate, parameter: str) -> None:
    """For this process, and for all if the model has a row; the next attempt needs the first only."""
    provider_type, model_name = candidate.provider.provider_type, candidate.model_name
    parameters.note(
        provider_type=provider_type,
        base_url=candidate.provider.base_url,
        model_name=model_name,
        parameter=parameter,
    )
    try:
        await in_database_thread(
            note_refused, provider_type=provider_type, model_name=model_name, parameter=parameter
        )
    except Exception:
        logger.exception("What %s does not take could not be written down", model_name)


async def _note_success(candidate: Candidate, latency_ms: int) -> None:
    provider = candidate.provider
    latencies.note(provider.identity, candidate.model_name, latency_ms)
    if provider.is_flagged:
        await _keep_in_mind(unflag, candidate)


async def _keep_in_mind(what: Callable[..., bool], candidate: Candidate, *details: str) -> None:
    """`flag` or `unflag` the candidate's config, if it still is as it was asked. The answer, or the failover,
    is worth more than the flag."""
    provider = candidate.provider
    if provider.config_id is None:
        return
    asked = {"api_key_encrypted": provider.sealed_key, "base_url": provider.base_url}
    try:
        await in_database_thread(what, provider.config_id, *details, **asked)
    except Exception:
        logger.exception("The flag of config %s could not be changed", provider.config_id)


def _adapter_of(candidate: Candidate) -> AIProvider:
    provider = candidate.provider
    return provider_for(
        provider_type=provider.provider_type,
        sealed_key=provider.sealed_key,
        plain_key=provider.plain_key,
        model_name=candidate.model_name,
        base_url=provider.base_url,
        timeout=provider.timeout,
    )


def _seconds_left(call: Call) -> float:
    return call.budget.deadline - asyncio.get_running_loop().time()


def _since(started: float) -> int:
    """Milliseconds since a perf_counter reading."""
    return round((time.perf_counter() - started) * 1000)


def pause_before_retry(
    error: ProviderError, *, retries_here: int, can_do_without: bool = False
) -> float | None:
    """Seconds to wait before asking the same provider again, or None when it must not be asked again.

    `can_do_without`: the request can be made without the parameter that was refused, which counts for none of
    the `retries_here`. Without a Retry-After the pause is drawn with full jitter
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """
    retry = error.meaning.retry_here
    if retry == "once_without":
        return 0.0 if can_do_without else None
    if retry == "no" or retries_here >= 1:
        return None
    if retry == "once_told":
        return 0.0
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= LONGEST_RETRY_AFTER_SECONDS else None
    return _jittered() if retry == "once" else None


def _jittered() -> float:
    return random.uniform(0, _LONGEST_PAUSE_SECONDS)  # noqa: S311 - spreads retries, guards nothing
