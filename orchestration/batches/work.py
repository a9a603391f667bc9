"""Working off a batch."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError
from django.utils import timezone

from accounts.concurrency import in_database_thread
from accounts.errors import DomainError
from orchestration.batches import queue
from orchestration.batches.kinds import KINDS, Answer
from orchestration.models import Batch, BatchItem

logger = logging.getLogger(__name__)

# Items of one batch that one worker has under way at once.
LANES = 4
# After so many seconds a worker lets others have their turn and is called again.
SLICE_SECONDS = 30.0
HELD_EVERY_SECONDS = 15.0
# Who is refused for longer than this gets the refusal; a shorter wait is waited for.
LONGEST_WAIT_SECONDS = 120
# A batch that is older waits for nothing any more.
LONGEST_IN_ALL = timedelta(days=1)
KEPT_TRYING = 30


async def work_off(batch_id: UUID) -> bool:
    """Answer items of the batch until none can be begun, or this worker's turn is over; whether something may
    be left. Any number of workers may do so at once: each item is one worker's."""
    until = time.monotonic() + SLICE_SECONDS
    ended = await asyncio.gather(*(_lane(batch_id, until) for _ in range(LANES)))
    return not all(ended)


async def _lane(batch_id: UUID, until: float) -> bool:
    """Whether there was nothing more to begin."""
    while time.monotonic() < until:
        item = await in_database_thread(queue.claim_next, batch_id)
        if item is None:
            return True
        await _work(item)
    return False


async def _work(item: BatchItem) -> None:
    holding = asyncio.ensure_future(_keep_holding(item))
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
    else:
        await in_database_thread(queue.put_back, item, seconds=answer)


async def _answer(item: BatchItem) -> Answer | float:
    """The answer, or the seconds after which to ask again."""
    batch = await in_database_thread(_batch_of, item)
    try:
        return await KINDS[batch.kind].answer(batch.user, item.given)
    except DomainError as refusal:
        wait = refusal.retry_after
        may_wait = timezone.now() - batch.created_at < LONGEST_IN_ALL
        if refusal.status in (429, 503) and may_wait and wait is not None and wait <= LONGEST_WAIT_SECONDS:
            return float(wait)
        error = {"code": refusal.code, "message": refusal.message, "details": refusal.details}
        return Answer(refusal.status, error)


def _batch_of(item: BatchItem) -> Batch:
    return Batch.objects.select_related("user").get(pk=item.batch_id)


async def _keep_answer(item: BatchItem, answer: Answer) -> None:
    """It is paid for, so a database that is away is waited for as long as the item is held."""
    for _ in range(KEPT_TRYING):
        try:
            await in_database_thread(queue.finish, item, answer)
            break
        except DatabaseError:
            logger.exception("The answer to item %s could not be kept yet", item.pk)
            await asyncio.sleep(1)


async def _keep_holding(item: BatchItem) -> None:
    while True:
        await asyncio.sleep(HELD_EVERY_SECONDS)
        try:
            await in_database_thread(queue.hold, item)
        except Exception:
            logger.exception("Item %s could not be held on to", item.pk)
