"""The calls that wait for vendors' batches, as the database has them: which belong together, who works on
which, and what came of them. Nothing here asks a vendor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from orchestration.batches.contents import Contents
from orchestration.batches.queue import yielded
from orchestration.models import (
    Batch,
    BatchItem,
    EconomyCall,
    EconomyCallState,
    ItemState,
    VendorBatch,
    VendorBatchState,
)
from orchestration.routing.candidates import Candidate, is_asked
from orchestration.routing.snapshot import ProviderSnapshot, current_snapshot, environment_providers
from providers.adapters.batching import MOST_REQUESTS, BatchAPI
from providers.models import AIProviderConfig
from providers.registry import ProviderFactory
from usage.ledger.reopened import keep_open

# How long a vendor is given: all three promise a day, and end what takes longer, Google after two.
LONGEST_AT_VENDOR = timedelta(hours=25)
# After so long what became of it can be told no more.
LONGEST_UNKNOWN = timedelta(hours=27)
# A row is open for longer than any batch, so that the sweeper never closes one that a vendor works on.
ROW_STAYS_OPEN = timedelta(hours=30)
# Items that are not ready by then are left to a batch of their own.
LONGEST_GATHERING = timedelta(minutes=10)
# A worker that died is waited for this long, by the database's clock: those of workers differ.
HELD_FOR = timedelta(minutes=5)
LOOKED_AT_EVERY = timedelta(minutes=1)
# Seconds that one request to a vendor may take.
REQUEST_SECONDS = 60.0


def key_of(provider: ProviderSnapshot) -> str:
    """Raises UndecryptableKey."""
    return provider.sealed_key.reveal() if provider.sealed_key else provider.plain_key or ""


def api_of(provider: ProviderSnapshot, model_name: str) -> BatchAPI:
    """The batch API of a provider, to be closed. Raises UndecryptableKey."""
    return ProviderFactory.create_batches(
        provider.provider_type,
        api_key=key_of(provider),
        model_name=model_name,
        base_url=provider.base_url,
        timeout=REQUEST_SECONDS,
    )


def provider_of(one: VendorBatch) -> ProviderSnapshot | None:
    """Whose batch it is, active or not; None where the config, or the key in the environment, is gone."""
    if one.from_environment:
        found = (each for each in environment_providers() if each.provider_type == one.provider_type)
        return next(found, None)
    config = AIProviderConfig.objects.filter(pk=one.provider_config_id or 0).first()
    return ProviderSnapshot.of(config) if config else None


def is_still_asked(one: VendorBatch) -> bool:
    """Whether calls go to its provider and model now: since its own were made ready, somebody may have
    switched the provider off, or given it another model."""
    identity = one.provider_type if one.from_environment else one.provider_config_id
    return is_asked(current_snapshot(), identity=identity, model_name=one.model_name)


def park(
    item: BatchItem, *, candidate: Candidate, usage_row: int, contents: Contents, has_form: bool
) -> bool:
    """Have the item wait for a vendor's batch; False when it is not the caller's any more."""
    sealed = contents.sealed()
    with transaction.atomic():
        if not yielded(item):
            return False
        EconomyCall.objects.create(
            item=item,
            provider_config_id=candidate.provider.config_id,
            from_environment=candidate.provider.config_id is None,
            provider_type=candidate.provider.provider_type,
            model_name=candidate.model_name,
            usage_row=usage_row,
            has_form=has_form,
            size=contents.size,
            sealed=sealed,
        )
        keep_open([usage_row], until=timezone.now() + ROW_STAYS_OPEN)
    return True


def is_parked(usage_row: int) -> bool:
    """Whether a call was stored with this row of the usage log."""
    return EconomyCall.objects.filter(usage_row=usage_row).exists()


def gather(batch_id: UUID | None) -> None:
    """Put the calls that wait into vendors' batches: those of one batch, or of all, once none of its items is
    being made ready any more. Those of batches that were cancelled or deleted too, to be given back."""
    _forget_ended()
    loose = _loose().filter(item__batch=batch_id) if batch_id else _loose()
    for found in set(loose.order_by().values_list("item__batch", flat=True)):
        _gather(found)


def _loose() -> QuerySet[EconomyCall]:
    return EconomyCall.objects.filter(vendor_batch=None, state=EconomyCallState.WAITING)


def _gather(batch_id: UUID | None) -> None:
    with transaction.atomic():
        # One at a time: the second finds what the first has left.
        batch = Batch.objects.select_for_update().filter(pk=batch_id).first() if batch_id else None
        if batch is None and batch_id is not None:
            return
        calls = list(
            _loose().filter(item__batch=batch_id).order_by("item__number", "pk").defer("sealed")
            if batch
            else _loose().filter(item=None).select_for_update().defer("sealed")
        )
        if not calls or (batch and _is_being_made_ready(batch, calls)):
            return
        for chunk in _chunks(calls):
            first = chunk[0]
            one = VendorBatch.objects.create(
                batch=batch,
                provider_config_id=first.provider_config_id,
                from_environment=first.from_environment,
                provider_type=first.provider_type,
                model_name=first.model_name,
                is_unwanted=batch is None or batch.cancelled_at is not None,
            )
            EconomyCall.objects.filter(pk__in=[call.pk for call in chunk]).update(vendor_batch=one)


def _is_being_made_ready(batch: Batch, calls: Sequence[EconomyCall]) -> bool:
    if batch.cancelled_at is not None:
        return False
    if min(call.created_at for call in calls) < timezone.now() - LONGEST_GATHERING:
        return False
    at_work = Q(state=ItemState.RUNNING) & ~Q(claim="")
    return batch.items.filter(at_work | Q(state=ItemState.WAITING)).exists()


def _chunks(calls: Sequence[EconomyCall]) -> Iterator[list[EconomyCall]]:
    """By whom and what model is asked, as many together as one vendor's batch takes."""
    by_model = defaultdict(list)
    for call in calls:
        account = call.provider_config_id, call.from_environment, call.provider_type
        by_model[account, call.model_name].append(call)
    for ((_, _, provider_type), _), alike in by_model.items():
        most = ProviderFactory.batch_class(provider_type).most_bytes
        chunk: list[EconomyCall] = []
        size = 0
        for call in alike:
            if chunk and (len(chunk) >= MOST_REQUESTS or size + call.size > most):
                yield chunk
                chunk, size = [], 0
            chunk.append(call)
            size += call.size
        yield chunk


def _forget_ended() -> None:
    """The texts of what was answered and taken up, or is nobody's any more. What is nobody's and not settled
    yet is never sent, and settled by its row of the usage log alone."""
    over = Q(item=None) | Q(item__state__in=[ItemState.DONE, ItemState.FAILED, ItemState.CANCELLED])
    EconomyCall.objects.filter(over).exclude(state=EconomyCallState.WAITING).delete()
    EconomyCall.objects.filter(item=None).exclude(sealed="").update(sealed="")
    VendorBatch.objects.filter(batch=None, state=VendorBatchState.ENDED).delete()


def due(batch_id: UUID | None) -> list[UUID]:
    """Which can be worked on now: of one batch, or all."""
    found = _claimable()
    if batch_id:
        found = found.filter(batch=batch_id)
    return list(found.order_by("created_at").values_list("pk", flat=True))


def _claimable() -> QuerySet[VendorBatch]:
    is_free = Q(held_until=None) | Q(held_until__lte=Now())
    is_time = Q(not_before=None) | Q(not_before__lte=Now())
    return VendorBatch.objects.exclude(state=VendorBatchState.ENDED).filter(is_free, is_time)


def claim(pk: UUID) -> VendorBatch | None:
    """The one to work on, held for whoever called; None when somebody else has it."""
    mark = uuid4().hex
    if not _claimable().filter(pk=pk).update(claim=mark, held_until=Now() + HELD_FOR):
        return None
    return VendorBatch.objects.filter(pk=pk, claim=mark).first()


def note(one: VendorBatch, **fields: object) -> bool:
    """Write down what became of it, and keep it; False when it is not the caller's any more."""
    if not _mine(one).update(**fields):
        return False
    for name, value in fields.items():
        setattr(one, name, value)
    return True


def put_off(one: VendorBatch, *, seconds: float, **fields: object) -> None:
    """Leave it to whoever comes after so many seconds."""
    later = Now() + timedelta(seconds=seconds)
    _mine(one).update(claim="", held_until=None, not_before=later, **fields)


def _mine(one: VendorBatch) -> QuerySet[VendorBatch]:
    return VendorBatch.objects.filter(pk=one.pk, claim=one.claim).exclude(state=VendorBatchState.ENDED)


def begin_sending(one: VendorBatch, calls: Iterable[EconomyCall]) -> bool:
    """From here on the vendor may have it; False when it is not the caller's any more."""
    now = timezone.now()
    with transaction.atomic():
        if not note(one, state=VendorBatchState.SENDING, begun_at=one.begun_at or now, tries=one.tries + 1):
            return False
        keep_open((call.usage_row for call in calls), until=now + ROW_STAYS_OPEN)
    return True


def calls_of(one: VendorBatch) -> list[EconomyCall]:
    """Those that are not settled yet, without what they carry: of a hundred that may be a gigabyte."""
    return list(_unsettled(one).defer("sealed"))


def number_of_calls(one: VendorBatch) -> int:
    """How many are not settled yet."""
    return _unsettled(one).count()


def _unsettled(one: VendorBatch) -> QuerySet[EconomyCall]:
    return one.calls.filter(state=EconomyCallState.WAITING)


def sealed_in(call: EconomyCall) -> str:
    """What one carries; nothing where it is gone."""
    return EconomyCall.objects.filter(pk=call.pk).values_list("sealed", flat=True).first() or ""


def close_call(
    one: VendorBatch,
    call: EconomyCall,
    state: EconomyCallState,
    contents: Contents,
    *,
    saved: Decimal | None = None,
) -> None:
    """Keep what came of a call that is settled, and have its item go on; one that is not wanted any more goes
    on only with an answer, which is paid for. Of one that is nobody's any more nothing is kept."""
    sealed = contents.sealed() if call.item_id else ""
    is_over = state != EconomyCallState.ANSWERED and is_unwanted(one)
    with transaction.atomic():
        EconomyCall.objects.filter(pk=call.pk).update(state=state, sealed=sealed)
        if call.item_id is None:
            return
        items = BatchItem.objects.filter(pk=call.item_id, state=ItemState.RUNNING, claim="", held_until=None)
        if is_over:
            items.update(state=ItemState.CANCELLED, ended_at=timezone.now(), given={})
        else:
            items.update(state=ItemState.WAITING, not_before=None, tries=0, saved_usd=saved)


def is_unwanted(one: VendorBatch) -> bool:
    """Whether its owner has cancelled or deleted it, as far as is known now."""
    row = VendorBatch.objects.filter(pk=one.pk).values_list("is_unwanted", "batch").first()
    return row is None or row[0] or row[1] is None


def end(one: VendorBatch) -> None:
    now = timezone.now()
    _mine(one).update(state=VendorBatchState.ENDED, ended_at=now, claim="", held_until=None)
