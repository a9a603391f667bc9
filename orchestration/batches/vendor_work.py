"""Sending, looking after and settling vendors' batches.

A vendor is asked for a batch only after it was written down that it is (SENDING). Who finds one so asks the
vendor for it by its name before sending it again: a worker may die at any moment, and nothing is sent twice
by one that does not know. Settling is idempotent, and what the vendor holds is forgotten last.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.utils import timezone

from accounts.concurrency import in_database_thread, in_parsing_thread
from orchestration.batches import vendor_queue
from orchestration.batches.calling import call_a_worker
from orchestration.batches.contents import Contents
from orchestration.calls import accounting
from orchestration.calls.accounting import Accounting
from orchestration.models import EconomyCall, EconomyCallState, VendorBatch, VendorBatchState
from providers.adapters.base import ProviderReply, TokenUsage
from providers.adapters.batching import (
    BATCH_TIER,
    BatchAPI,
    Ended,
    Json,
    NotKnownYet,
    closing,
    lost,
    was_refused,
)
from providers.errors import ProviderError, UndecryptableKey
from usage.ledger import get_ledger
from usage.ledger.base import Outcome, Reservation, Settlement
from usage.ledger.reopened import reservation_in
from usage.pricing import overrides_for, price

logger = logging.getLogger(__name__)

# Less than a batch is held for: whoever takes it over then meets nobody at work on it.
_STEP_SECONDS = 240.0
_LATER = vendor_queue.LOOKED_AT_EVERY.total_seconds()
# A vendor that does not take it by then is done without.
_LONGEST_REFUSED = timedelta(hours=2)
# How far the clocks of a vendor and of ours may be apart.
_CLOCKS = timedelta(minutes=10)


async def advance(batch_id: UUID | None = None) -> int:
    """Send, look after and settle what is due: of one batch, or all; returns how many of the vendors'. Any
    number of workers may do so at once."""
    await in_database_thread(vendor_queue.gather, batch_id)
    worked_on = 0
    for pk in await in_database_thread(vendor_queue.due, batch_id):
        if one := await in_database_thread(vendor_queue.claim, pk):
            worked_on += 1
            try:
                await _step(one)
            except Exception:
                # Ours to mend, or the database's to come back: it is taken up when it is held no longer.
                logger.exception("The vendor's batch %s could not be worked on", one)
    return worked_on


async def _step(one: VendorBatch) -> None:
    if one.begun_at and timezone.now() - one.begun_at > vendor_queue.LONGEST_UNKNOWN:
        await _give_up(one)
        return
    provider = await in_database_thread(vendor_queue.provider_of, one)
    if provider is None:
        await _give_up(one)
        return
    try:
        api = vendor_queue.api_of(provider, one.model_name)
    except UndecryptableKey:
        await _without_key(one)
        return
    step = {
        VendorBatchState.NEW.value: _send,
        VendorBatchState.SENDING.value: _find,
        VendorBatchState.SENT.value: _look,
    }[one.state]
    try:
        async with closing(api), asyncio.timeout(_STEP_SECONDS):
            await step(one, api)
    except (ProviderError, NotKnownYet, TimeoutError) as error:
        logger.warning("The vendor's batch %s has to wait: %s", one, error)
        await _put_off(one)


async def _without_key(one: VendorBatch) -> None:
    """Nobody can ask the vendor. What it may have is waited for as long as any; what it never had, for as
    long as it is wanted and the key may be repaired."""
    if one.state == VendorBatchState.NEW:
        is_late = timezone.now() - one.created_at >= _LONGEST_REFUSED
        if is_late or await in_database_thread(vendor_queue.is_unwanted, one):
            await _release(one, UndecryptableKey.code)
            return
    await _put_off(one)


async def _send(one: VendorBatch, api: BatchAPI) -> None:
    calls = await in_database_thread(vendor_queue.calls_of, one)
    if not calls or await in_database_thread(vendor_queue.is_unwanted, one):
        await _release(one, "cancelled")
        return
    if not await in_database_thread(vendor_queue.is_still_asked, one):
        await _release(one, "switched_off")
        return
    # All at once: they are one request to the vendor, of as many and as long as `vendor_queue` puts together.
    bodies = {call.key: (await _opened(call)).body for call in calls}
    if not all(bodies.values()):
        await _release(one, UndecryptableKey.code)
        return
    if not await in_database_thread(vendor_queue.begin_sending, one, calls):
        return
    try:
        vendor_id = await api.submit(one.id.hex, bodies)
    except ProviderError as error:
        await _after_refusal(one, error)
    else:
        await _put_off(one, state=VendorBatchState.SENT, vendor_id=vendor_id)


async def _after_refusal(one: VendorBatch, error: ProviderError) -> None:
    """Where the vendor has refused it, it has nothing; where it may have it all the same, it is looked
    for."""
    logger.warning("The vendor's batch %s was not taken: %s", one, error.kind)
    is_refused = was_refused(error)
    if not is_refused and (error.status_code is not None or error.may_have_cost):
        await _put_off(one)
        return
    may_be_taken_later = not is_refused or error.meaning.retry_here == "if_wait_is_short"
    if may_be_taken_later and timezone.now() - one.created_at < _LONGEST_REFUSED:
        await _put_off(one, seconds=error.retry_after or _LATER, state=VendorBatchState.NEW)
        return
    await _release(one, error.kind)


async def _find(one: VendorBatch, api: BatchAPI) -> None:
    """By whoever sent it and did not hear, or by another after that one died."""
    requests = await in_database_thread(vendor_queue.number_of_calls, one)
    since = (one.begun_at or one.created_at) - _CLOCKS
    vendor_id = await api.find(one.id.hex, since=since, requests=requests)
    if vendor_id is None:
        await _send(one, api)
    else:
        await in_database_thread(
            vendor_queue.put_off, one, seconds=0, state=VendorBatchState.SENT, vendor_id=vendor_id
        )


async def _look(one: VendorBatch, api: BatchAPI) -> None:
    if not await in_database_thread(vendor_queue.number_of_calls, one):
        # Who settled it all died before it wrote that down.
        await _forget_and_end(one, api)
        return
    is_late = one.begun_at is not None and timezone.now() - one.begun_at > vendor_queue.LONGEST_AT_VENDOR
    if one.cancelled_at is None and (is_late or await in_database_thread(vendor_queue.is_unwanted, one)):
        await api.cancel(one.vendor_id)
        await in_database_thread(vendor_queue.note, one, cancelled_at=timezone.now())
    ended = await api.outcome(one.vendor_id)
    if ended is None:
        await _put_off(one)
        return
    await _settle(one, ended, api)
    await _forget_and_end(one, api)


async def _forget_and_end(one: VendorBatch, api: BatchAPI) -> None:
    try:
        await api.forget(one.vendor_id)
    except ProviderError as error:
        # It forgets by itself, only later.
        logger.warning("The vendor was not told to forget its batch %s: %s", one, error.kind)
    await _end(one)


async def _settle(one: VendorBatch, ended: Ended, api: BatchAPI | None) -> None:
    for call in await in_database_thread(vendor_queue.calls_of, one):
        told = _understood(ended.answers.get(call.key, ended.rest), call, api)
        settlement, saved = await _settled(call, told)
        contents = (await _opened(call)).answered(told, settlement)
        if isinstance(told, ProviderError):
            await in_database_thread(vendor_queue.close_call, one, call, EconomyCallState.FAILED, contents)
        else:
            await in_database_thread(
                vendor_queue.close_call, one, call, EconomyCallState.ANSWERED, contents, saved=saved
            )


def _understood(
    told: Json | ProviderError, call: EconomyCall, api: BatchAPI | None
) -> ProviderReply | ProviderError:
    if isinstance(told, ProviderError) or api is None:
        return told if isinstance(told, ProviderError) else lost(call.provider_type)
    try:
        return api.reply_of(told, has_form=call.has_form)
    except ProviderError as error:
        return error


async def _settled(
    call: EconomyCall, told: ProviderReply | ProviderError
) -> tuple[Settlement, Decimal | None]:
    """At what the vendor says was used; and how much less that cost than asked alone, in USD."""
    if isinstance(told, ProviderError):
        outcome = accounting.failed(told, latency_ms=0)
    else:
        outcome = accounting.success(told, latency_ms=0)
    outcome = replace(outcome, service_tier=BATCH_TIER, is_timed=False)
    reservation = await in_database_thread(reservation_in, call.usage_row)
    if reservation is None:
        # Its row was deleted by hand: nothing is held by it.
        return Settlement(usage=outcome.usage or TokenUsage(), usage_source="", cost_usd=None), None
    settlement = await Accounting(get_ledger()).settle_parked(reservation, outcome)
    return settlement, await in_database_thread(_saved, reservation, outcome, settlement)


def _saved(reservation: Reservation, outcome: Outcome, settlement: Settlement) -> Decimal | None:
    attempt = reservation.attempt
    names = (attempt.model_name, outcome.model_name)
    alone = price(
        provider_type=attempt.provider_type,
        model_name=attempt.model_name,
        reported_model=outcome.model_name,
        usage=settlement.usage,
        at=attempt.started_at,
        overrides=overrides_for(provider_type=attempt.provider_type, model_names=names),
    )
    if alone.cost is None or settlement.cost_usd is None:
        return None
    return alone.cost - settlement.cost_usd


async def _opened(call: EconomyCall) -> Contents:
    """What it carried; nothing where no key opens it any more, so that it can be settled all the same. The
    pages in it may have megabytes: it is held for one call at a time, except by who sends a vendor's batch,
    where `vendor_queue` bounds the sum."""
    sealed = await in_database_thread(vendor_queue.sealed_in, call)
    try:
        return await in_parsing_thread(Contents.of, sealed)
    except InvalidToken:
        return Contents()


async def _release(one: VendorBatch, error_kind: str) -> None:
    """Give back what was reserved: the vendor never had it. The items go the ordinary way, or are over."""
    for call in await in_database_thread(vendor_queue.calls_of, one):
        reservation = await in_database_thread(reservation_in, call.usage_row)
        if reservation is not None:
            await Accounting(get_ledger()).settle_parked(reservation, accounting.unsent(error_kind))
        contents = Contents(kept=(await _opened(call)).kept)
        await in_database_thread(vendor_queue.close_call, one, call, EconomyCallState.UNSENT, contents)
    await _end(one)


async def _give_up(one: VendorBatch) -> None:
    """Nobody can say any more what the vendor did: it is settled at the estimate, and asked the ordinary way;
    what was never sent is given back."""
    if one.state == VendorBatchState.NEW:
        await _release(one, "abandoned")
        return
    logger.error("The vendor's batch %s is given up", one)
    await _settle(one, Ended({}, lost(one.provider_type)), None)
    await _end(one)


async def _end(one: VendorBatch) -> None:
    await in_database_thread(vendor_queue.end, one)
    if one.batch_id is not None:
        await in_database_thread(call_a_worker, one.batch_id)


async def _put_off(one: VendorBatch, *, seconds: float = _LATER, **fields: object) -> None:
    await in_database_thread(vendor_queue.put_off, one, seconds=seconds, **fields)
