"""Working off a batch."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import DatabaseError
from django.utils import timezone
from django_guid import set_guid

from accounts.concurrency import in_database_thread, kept
from accounts.errors import DomainError
from orchestration.batches import calling, queue
from orchestration.batches.economy import EconomyAsking, Parked
from orchestration.batches.kinds import KINDS, Answer
from orchestration.batches.vendor_work import advance
from orchestration.models import Batch, BatchItem, EconomyCall

logger = logging.getLogger(__name__)

# Items of one batch that one worker has under way at once.
LANES = 4
# After so many seconds a worker lets others have their turn and is called again.
SLICE_SECONDS = 30.0
HELD_EVERY_SECONDS = 15.0
# Who is refused for longer than this gets the refusal; a shorter wait is waited for.
LONGEST_WAIT_SECONDS = 120
# An item that could be asked for so long waits for nothing any more.
LONGEST_IN_ALL = timedelta(days=1)
KEPT_TRYING = 30


# Set once in a process that was told to end.
_ending = threading.Event()


def begin_nothing_more() -> None:
    """Have every turn of this process end with the items that are under way."""
    _ending.set()


async def take_a_turn(batch_id: UUID, claim: str) -> None:
    """Work the batch off for a turn, if nobody else was let in with this claim, and have the next worker
    called for what can be begun then."""
    mine = await in_database_thread(calling.take, batch_id, claim)
    if mine is None:
        return
    holding = asyncio.ensure_future(_keep_holding(calling.hold, batch_id, mine))
    try:
        await work_off(batch_id)
    finally:
        holding.cancel()
        await asyncio.shield(in_database_thread(calling.let_go, batch_id, mine))
    # Only now: who was not called because this one was at work has left what is found here.
    if await in_database_thread(queue.is_left, batch_id):
        await in_database_thread(calling.call_a_worker, batch_id)


async def work_off(batch_id: UUID) -> bool:
    """Answer items of the batch until none can be begun, or this worker's turn is over; whether something may
    be left. Any number of workers may do so at once: each item is one worker's."""
    until = time.monotonic() + SLICE_SECONDS
    # A group, unlike gather, waits for all of them when it is cancelled: each gives its item back.
    async with asyncio.TaskGroup() as group:
        lanes = [group.create_task(_lane(batch_id, until)) for _ in range(LANES)]
    ended = [lane.result() for lane in lanes]
    if all(ended) and await in_database_thread(queue.is_economy, batch_id):
        await advance(batch_id)
    return not all(ended)


async def _lane(batch_id: UUID, until: float) -> bool:
    """Whether there was nothing more to begin."""
    while time.monotonic() < until and not _ending.is_set():
        claiming = in_database_thread(queue.claim_next, batch_id)
        item = await kept(claiming, undo=_give_back)
        if item is None:
            return True
        await _work(item)
    return False


async def _give_back(item: BatchItem | None) -> None:
    """What was claimed for a worker that is stopped meanwhile would be nobody's for as long as it is held."""
    if item is not None:
        await in_database_thread(queue.put_back, item, seconds=0)


async def _work(item: BatchItem) -> None:
    holding = asyncio.ensure_future(_keep_holding(queue.hold, item))
    try:
        answer = await _answer(item)
    except asyncio.CancelledError:
        await asyncio.shield(in_database_thread(queue.put_back, item, seconds=0))
        raise
    except Exception:
        # Ours to mend, or the database's to come back: the item is tried again, a bounded number of times.
        logger.exception("Item %s could not be worked on", item.pk)
        return
    finally:
        holding.cancel()
    if isinstance(answer, Answer):
        await _keep_answer(item, answer)
    elif answer is not None:
        await in_database_thread(queue.put_back, item, seconds=answer)


async def _answer(item: BatchItem) -> Answer | float | None:
    """The answer, or the seconds after which to ask again; None when the item waits for a vendor's batch."""
    batch, call = await in_database_thread(_batch_of, item)
    kind = KINDS[batch.kind]
    # The calls of an item go by its id in the usage log, whichever worker makes them.
    set_guid(item.request_id or uuid4().hex)
    try:
        if batch.economy and kind.economy is not None:
            asking = await EconomyAsking.of(item, call)
            return await kind.economy.answer(batch.user, item.given, asking)
        return await kind.answer(batch.user, item.given)
    except Parked:
        return None
    except DomainError as refusal:
        wait = refusal.retry_after
        may_wait = timezone.now() - _could_be_asked_since(batch, call) < LONGEST_IN_ALL
        if refusal.status in (429, 503) and may_wait and wait is not None and wait <= LONGEST_WAIT_SECONDS:
            return float(wait)
        error = {"code": refusal.code, "message": refusal.message, "details": refusal.details}
        return Answer(refusal.status, error)


def _batch_of(item: BatchItem) -> tuple[Batch, EconomyCall | None]:
    batch = Batch.objects.select_related("user").get(pk=item.batch_id)
    calls = EconomyCall.objects.select_related("vendor_batch").filter(item=item)
    return batch, calls.first() if batch.economy else None


def _could_be_asked_since(batch: Batch, call: EconomyCall | None) -> datetime:
    """When the item's own waiting began: a vendor may have had it for more than a day."""
    if call is None:
        return batch.created_at
    ended_at = call.vendor_batch and call.vendor_batch.ended_at
    return ended_at or timezone.now()


async def _keep_answer(item: BatchItem, answer: Answer) -> None:
    """It is paid for, so a database that is away is waited for as long as the item is held."""
    for _ in range(KEPT_TRYING):
        try:
            await in_database_thread(queue.finish, item, answer)
            break
        except DatabaseError:
            logger.exception("The answer to item %s could not be kept yet", item.pk)
            await asyncio.sleep(1)


async def _keep_holding(hold: Callable[..., bool], *held: object) -> None:
    while True:
        await asyncio.sleep(HELD_EVERY_SECONDS)
        try:
            await in_database_thread(hold, *held)
        except Exception:
            logger.exception("%s could not be held on to", held)
