"""What the workers do for routing and for batches."""

from uuid import UUID

from celery import shared_task

from accounts import concurrency
from orchestration.batches.queue import call_a_worker, left_to_do
from orchestration.batches.vendor_work import advance
from orchestration.batches.work import work_off
from orchestration.probes import probe_due


@shared_task(name="orchestration.celery_tasks.probe_providers")
def probe_providers(**_: object) -> int:
    """Probe the providers that are due; returns how many. One process does so at a time, so running it twice
    or in parallel is safe."""
    return len(concurrency.run(probe_due()) or ())


@shared_task(name="orchestration.celery_tasks.work_batch")
def work_batch(batch_id: str, **_: object) -> None:
    """Answer what a batch has left, for a while, and call the next worker for the rest. Running it twice or
    in parallel is safe."""
    if concurrency.run(work_off(UUID(batch_id))):
        call_a_worker(UUID(batch_id))


@shared_task(name="orchestration.celery_tasks.resume_batches")
def resume_batches(**_: object) -> int:
    """Call workers for all batches that have something to begin: after a worker died, or a wait is over.
    Returns how many batches that are."""
    found = left_to_do()
    for batch_id in found:
        call_a_worker(batch_id)
    return len(found)


@shared_task(name="orchestration.celery_tasks.advance_economy")
def advance_economy(**_: object) -> int:
    """Send, look after and settle what is due of the vendors' batches; returns how many. Running it twice or
    in parallel is safe."""
    return concurrency.run(advance()) or 0
