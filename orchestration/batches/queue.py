"""The queue: what is waiting, who works on it, and what came of it. Nothing here asks a vendor."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from orchestration.batches.kinds import Answer
from orchestration.models import Batch, BatchItem, ItemState

logger = logging.getLogger(__name__)

# A worker that died is waited for this long.
HELD_FOR = timedelta(seconds=60)
# An item that a worker dies of each time is given up.
MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """How many items are in each state. `state` is that of the whole: waiting, running, done, or cancelled
    once nothing of a cancelled batch is left to be done."""

    total: int
    waiting: int
    running: int
    done: int
    failed: int
    cancelled: int
    ended_at: datetime | None

    @property
    def state(self) -> str:
        if self.waiting + self.running:
            return "waiting" if self.waiting == self.total else "running"
        return "cancelled" if self.cancelled else "done"


def start(*, user: User, kind: str, items: Sequence[Any]) -> Batch:
    """Keep the requests, which were checked, and have workers called. Nothing waits for a broker: where there
    is none now, the beat calls them within a minute."""
    with transaction.atomic():
        batch = Batch.objects.create(user=user, kind=kind)
        BatchItem.objects.bulk_create(
            [BatchItem(batch=batch, number=number, given=given) for number, given in enumerate(items, 1)],
            batch_size=100,
        )
        transaction.on_commit(partial(call_a_worker, batch.pk))
    return batch


def call_a_worker(batch_id: UUID) -> None:
    from orchestration.celery_tasks import work_batch  # late: the tasks are made of this

    try:
        work_batch.apply_async(args=(str(batch_id),), retry=False)
    except Exception:
        logger.exception("No worker could be called for batch %s; the beat will", batch_id)


def cancel(batch: Batch) -> None:
    """Nothing more of it is begun; what is under way ends, because it is paid for."""
    Batch.objects.filter(pk=batch.pk, cancelled_at=None).update(cancelled_at=timezone.now())
    BatchItem.objects.filter(batch=batch, state=ItemState.WAITING).update(
        state=ItemState.CANCELLED, ended_at=timezone.now(), given={}
    )


def progress_of(batch: Batch) -> Progress:
    counts: dict[str, Any] = {state.value: Count("pk", filter=Q(state=state)) for state in ItemState}
    found = batch.items.aggregate(total=Count("pk"), ended_at=Max("ended_at"), **counts)
    if found["waiting"] + found["running"]:
        found["ended_at"] = None
    return Progress(**found)


def claim_next(batch_id: UUID) -> BatchItem | None:
    """An item to work on, held for whoever called; None when there is none now. One that was held by a worker
    that died is given again, MOST_TRIES times at most."""
    while True:
        now = timezone.now()
        item = _claimable(now).filter(batch=batch_id).order_by("number").first()
        if item is None:
            return None
        claim = uuid4().hex
        if item.tries >= MOST_TRIES:
            _still(item).update(state=ItemState.FAILED, status=500, answer=_GIVEN_UP, ended_at=now)
        elif _still(item).update(
            state=ItemState.RUNNING, claim=claim, held_until=now + HELD_FOR, tries=item.tries + 1
        ):
            item.claim, item.tries = claim, item.tries + 1
            return item


def hold(item: BatchItem) -> bool:
    """Keep an item for another while; whether it is still the caller's."""
    return bool(_mine(item).update(held_until=timezone.now() + HELD_FOR))


def finish(item: BatchItem, answer: Answer) -> None:
    """Keep the answer. What was given is not needed any more and is forgotten."""
    state = ItemState.DONE if answer.status < 400 else ItemState.FAILED
    _mine(item).update(
        state=state, status=answer.status, answer=answer.data, ended_at=timezone.now(), given={}
    )


def put_back(item: BatchItem, *, seconds: float) -> None:
    """Have it tried again after so many seconds, by whoever comes; that does not count as a try."""
    _mine(item).update(
        state=ItemState.WAITING,
        claim="",
        tries=max(0, item.tries - 1),
        not_before=timezone.now() + timedelta(seconds=seconds),
    )


def left_to_do() -> list[UUID]:
    """The batches of which something can be begun now."""
    found = _claimable(timezone.now()).order_by().values_list("batch", flat=True).distinct()
    return list(found)


def _claimable(now: datetime) -> QuerySet[BatchItem]:
    waiting = Q(state=ItemState.WAITING) & (Q(not_before=None) | Q(not_before__lte=now))
    return BatchItem.objects.filter(waiting | Q(state=ItemState.RUNNING, held_until__lte=now))


def _still(item: BatchItem) -> QuerySet[BatchItem]:
    """The row, if nobody else took it meanwhile."""
    return BatchItem.objects.filter(
        pk=item.pk, state=item.state, claim=item.claim, held_until=item.held_until, not_before=item.not_before
    )


def _mine(item: BatchItem) -> QuerySet[BatchItem]:
    return BatchItem.objects.filter(pk=item.pk, state=ItemState.RUNNING, claim=item.claim)


_GIVEN_UP = {
    "code": "given_up",
    "message": "Every worker that began this stopped in the middle of it. Send it again, or report it.",
    "details": {},
}
