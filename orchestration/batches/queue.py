"""The queue: what is waiting, who works on it, and what came of it. Nothing here asks a vendor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from accounts.models import User
from orchestration.batches.calling import call_a_worker
from orchestration.batches.kinds import Answer
from orchestration.models import (
    Batch,
    BatchItem,
    EconomyCall,
    EconomyCallState,
    ItemState,
    VendorBatch,
    VendorBatchState,
)

# A vendor may take a day over what it was sent together.
STUCK_AFTER = timedelta(days=2)
FAILED_LATELY = timedelta(days=7)
# A worker that died is waited for this long, by the database's clock: those of workers differ.
HELD_FOR = timedelta(seconds=60)
# An item that a worker dies of each time is given up.
MOST_TRIES = 5
OPEN = (ItemState.WAITING, ItemState.RUNNING)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many items are in each state. `state` is that of the whole: waiting, running, done, or cancelled
    once nothing of a cancelled batch is left to be done. `saved_usd` is what vendors' batches saved, where
    that is known of any item."""

    total: int
    waiting: int
    running: int
    done: int
    failed: int
    cancelled: int
    ended_at: datetime | None
    saved_usd: Decimal | None = None

    @property
    def state(self) -> str:
        if self.waiting + self.running:
            return "waiting" if self.waiting == self.total else "running"
        return "cancelled" if self.cancelled else "done"


_NOTHING = Progress(0, 0, 0, 0, 0, 0, ended_at=None)


def start(*, user: User, kind: str, items: Sequence[Any], economy: bool = False) -> Batch:
    """Keep the requests, which were checked, and have workers called. Nothing waits for a broker: where there
    is none now, the beat calls them within a minute."""
    with transaction.atomic():
        batch = Batch.objects.create(user=user, kind=kind, economy=economy)
        BatchItem.objects.bulk_create(
            [
                BatchItem(batch=batch, number=number, given=given, request_id=uuid4().hex)
                for number, given in enumerate(items, 1)
            ],
            batch_size=100,
        )
        transaction.on_commit(partial(call_a_worker, batch.pk))
    return batch


def cancel(batch: Batch, *, actor: Actor | None = None) -> bool:
    """Nothing more of it is begun, nor begun again; what is under way ends, because it is paid for. What a
    vendor has in a batch is cancelled there, and what the vendor had begun by then ends. `actor` is who does
    so in its owner's place, for the audit trail. False when it is over already, or cancelled."""
    with transaction.atomic():
        # First, so that whoever is making a vendor's batch of it has done so, or sees it.
        is_open = Exists(BatchItem.objects.filter(batch=OuterRef("pk"), state__in=OPEN))
        if not Batch.objects.filter(is_open, pk=batch.pk, cancelled_at=None).update(
            cancelled_at=timezone.now()
        ):
            return False
        # An item that is put back at this very moment may escape; `claim_next` gives out none of it.
        BatchItem.objects.filter(~_is_answered(), batch=batch, state=ItemState.WAITING).update(**_OVER)
        if batch.economy:
            at_vendors = VendorBatch.objects.filter(batch=batch).exclude(state=VendorBatchState.ENDED)
            at_vendors.update(is_unwanted=True, not_before=None)
            transaction.on_commit(partial(call_a_worker, batch.pk))
        if actor is not None:
            audit.record(action="batch.cancelled", actor=actor, target=batch)
    return True


def with_progress(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """The batches with what `progress_in` reads."""
    counts = {state.value: Count("items", filter=Q(items__state=state)) for state in ItemState}
    return batches.annotate(
        total=Count("items"),
        last_ended_at=Max("items__ended_at"),
        saved_usd=Sum("items__saved_usd"),
        **counts,
    )


def troubles(*, now: datetime) -> tuple[QuerySet[Any], QuerySet[Any], QuerySet[Any]]:
    """The ids of batches that have something left after STUCK_AFTER, of those with an item that failed within
    FAILED_LATELY, and of those that have anything left. Each is found by an index, whatever else there is."""
    left = BatchItem.objects.filter(state__in=[ItemState.WAITING, ItemState.RUNNING]).order_by()
    failed = BatchItem.objects.filter(state=ItemState.FAILED, ended_at__gt=now - FAILED_LATELY).order_by()
    stuck = left.filter(batch__created_at__lt=now - STUCK_AFTER)
    return stuck.values("batch"), failed.values("batch"), left.values("batch")


def progress_in(batch: Any) -> Progress:
    """Of a batch `with_progress`."""
    numbers = {state.value: getattr(batch, state.value) for state in ItemState}
    return Progress(
        total=batch.total,
        ended_at=None if batch.waiting + batch.running else batch.last_ended_at,
        saved_usd=batch.saved_usd,
        **numbers,
    )


def progress_of(*batches: Batch) -> list[Progress]:
    """Of each, in one query; one that was deleted meanwhile has no items."""
    rows = with_progress(Batch.objects.filter(pk__in=[batch.pk for batch in batches]))
    found = {row.pk: progress_in(row) for row in rows}
    return [found.get(batch.pk, _NOTHING) for batch in batches]


def claim_next(batch_id: UUID) -> BatchItem | None:
    """An item to work on, held for whoever called; None when there is none now. One that was held by a worker
    that died is given again, MOST_TRIES times at most; of a batch that was cancelled, none is."""
    while True:
        claimable = _claimable().filter(batch=batch_id)
        item = claimable.annotate(is_unwanted=_is_unwanted()).order_by("number").first()
        if item is None:
            return None
        claim = uuid4().hex
        if item.is_unwanted:
            claimable.filter(_is_unwanted()).update(**_OVER)
        elif item.tries >= MOST_TRIES:
            _still(item).update(
                state=ItemState.FAILED, status=500, answer=_GIVEN_UP, ended_at=Now(), given={}
            )
        elif (
            _still(item)
            .exclude(_is_unwanted())
            .update(state=ItemState.RUNNING, claim=claim, held_until=Now() + HELD_FOR, tries=item.tries + 1)
        ):
            item.claim, item.tries = claim, item.tries + 1
            return item


def hold(item: BatchItem) -> bool:
    """Keep an item for another while; whether it is still the caller's."""
    return bool(_mine(item).update(held_until=Now() + HELD_FOR))


def finish(item: BatchItem, answer: Answer) -> None:
    """Keep the answer. What was given is not needed any more and is forgotten."""
    state = ItemState.DONE if answer.status < 400 else ItemState.FAILED
    _mine(item).update(
        state=state, status=answer.status, answer=answer.data, ended_at=timezone.now(), given={}
    )


def yielded(item: BatchItem) -> bool:
    """Have it wait for a vendor, and belong to nobody meanwhile; whether it was the caller's."""
    return bool(_mine(item).update(claim="", held_until=None))


def put_back(item: BatchItem, *, seconds: float) -> None:
    """Have it tried again after so many seconds, by whoever comes; that does not count as a try. It is
    over where its batch was cancelled meanwhile."""
    if _mine(item).filter(_is_unwanted()).update(**_OVER):
        return
    _mine(item).update(
        state=ItemState.WAITING,
        claim="",
        tries=max(0, item.tries - 1),
        not_before=Now() + timedelta(seconds=seconds),
    )


def is_economy(batch_id: UUID) -> bool:
    return Batch.objects.filter(pk=batch_id, economy=True).exists()


def left_to_do() -> list[UUID]:
    """The batches of which something can be begun now."""
    found = _claimable().order_by().values_list("batch", flat=True).distinct()
    return list(found)


def is_left(batch_id: UUID) -> bool:
    """Whether something of it can be begun now."""
    return _claimable().filter(batch=batch_id).exists()


def _claimable() -> QuerySet[BatchItem]:
    waiting = Q(state=ItemState.WAITING) & (Q(not_before=None) | Q(not_before__lte=Now()))
    return BatchItem.objects.filter(waiting | Q(state=ItemState.RUNNING, held_until__lte=Now()))


def _is_answered() -> Exists:
    """Whether a vendor's batch has answered an item: that is paid for."""
    return Exists(EconomyCall.objects.filter(item=OuterRef("pk"), state=EconomyCallState.ANSWERED))


def _is_unwanted() -> Q:
    """Whether the batch of an item was cancelled, and nothing is lost if it is not answered."""
    cancelled = Batch.objects.filter(pk=OuterRef("batch"), cancelled_at__isnull=False)
    return Q(Exists(cancelled)) & ~Q(_is_answered())


def _still(item: BatchItem) -> QuerySet[BatchItem]:
    """The row, if nobody else took it, kept it, or put it off meanwhile."""
    return _claimable().filter(pk=item.pk, state=item.state, claim=item.claim)


def _mine(item: BatchItem) -> QuerySet[BatchItem]:
    return BatchItem.objects.filter(pk=item.pk, state=ItemState.RUNNING, claim=item.claim)


# What becomes of an item that is cancelled.
_OVER: dict[str, Any] = {"state": ItemState.CANCELLED, "ended_at": Now(), "given": {}}
_GIVEN_UP = {
    "code": "given_up",
    "message": "Every worker that began this stopped in the middle of it. Send it again, or report it.",
    "details": {},
}
