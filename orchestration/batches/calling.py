"""Who works on a batch: one worker at a time is called to it, or at work on it, however many call."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from orchestration.models import Batch, BatchItem

logger = logging.getLogger(__name__)

# A call that nobody has answered by then may be lost: another goes out. Of both, one is answered.
CALLED_FOR = timedelta(minutes=2)
# A worker that died is waited for this long, by the database's clock: those of workers differ.
HELD_FOR = timedelta(seconds=60)


def call_a_worker(batch_id: UUID) -> bool:
    """Have the batch worked on by who takes tasks of its queue; for one item alone somebody waits. False when
    somebody is called or at work already, and when nobody can be called now, which the beat will."""
    from orchestration.celery_tasks import work_batch  # late: the tasks are made of this

    claim = None
    try:
        if (claim := _claimed(batch_id)) is None:
            return False
        is_alone = BatchItem.objects.filter(batch=batch_id, batch__economy=False)[:2].count() == 1
        queue = settings.INTERACTIVE_QUEUE if is_alone else settings.BATCH_QUEUE
        work_batch.apply_async(args=(str(batch_id),), kwargs={"claim": claim}, queue=queue, retry=False)
    except Exception:
        logger.exception("No worker could be called for batch %s; the beat will", batch_id)
        if claim:
            _forget_the_call(batch_id, claim)
        return False
    return True


def _claimed(batch_id: UUID) -> str | None:
    """What the worker is called with; None when there is one. It is what the last was called with, if that
    one never came, so that only the first of both to come is let in."""
    free = _free().filter(pk=batch_id)
    last = free.values_list("claim", flat=True).first()
    if last is None:
        return None
    claim = last or uuid4().hex
    is_mine = free.filter(claim=last).update(claim=claim, held_until=Now() + CALLED_FOR)
    return claim if is_mine else None


def _free() -> QuerySet[Batch]:
    return Batch.objects.filter(Q(held_until=None) | Q(held_until__lte=Now()))


def _forget_the_call(batch_id: UUID, claim: str) -> None:
    try:
        let_go(batch_id, claim)
    except Exception:
        logger.exception("Batch %s is called for again once its call has lapsed", batch_id)


def take(batch_id: UUID, claim: str) -> str | None:
    """The claim by which a worker has the batch, until it lets go or is not heard of for HELD_FOR; None when
    what it was called with is another's by now. Who was called with nothing takes it from whoever has it."""
    mine = uuid4().hex
    found = Batch.objects.filter(pk=batch_id)
    if claim:
        found = found.filter(claim=claim)
    return mine if found.update(claim=mine, held_until=Now() + HELD_FOR) else None


def hold(batch_id: UUID, claim: str) -> bool:
    """Keep it for another while; whether it is still the caller's."""
    found = Batch.objects.filter(pk=batch_id, claim=claim)
    return bool(found.update(held_until=Now() + HELD_FOR))


def let_go(batch_id: UUID, claim: str) -> None:
    Batch.objects.filter(pk=batch_id, claim=claim).update(claim="", held_until=None)
