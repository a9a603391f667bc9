"""What the workers do for routing and for batches."""

from uuid import UUID

from celery import shared_task

from accounts import concurrency
from orchestration.batches.calling import call_a_worker
from orchestration.batches.queue import left_to_do
from orchestration.batches.vendor_work import advance
from orchestration.batches.work import take_a_turn
from orchestration.probes import probe_due


@shared_task(name="orchestration.celery_tasks.probe_providers")
def probe_providers(**_: object) -> int:
    """Probe the providers that are due; returns how many. One process does so at a time, so running it twice
    or in parallel is safe."""
    return len(concurrency.run(probe_due()) or ())


@shared_task(name="orchestration.celery_tasks.work_batch")
def work_batch(batch_id: str, claim: str = "", **_: object) -> None:
    """Answer what a batch has left, for a while, and call the next worker for the rest. Whoever comes with a
    `claim` that was answered already does nothing, so running it twice or in parallel is safe."""
    concurrency.run(take_a_turn(UUID(batch_id), claim))


@shared_task(name="orchestration.celery_tasks.resume_batches")
def resume_batches(**_: object) -> int:
    """Call workers for all batches that have something to begin and nobody who does: after a worker died, or
    a wait is over. Returns how many were called."""
    return sum(call_a_worker(batch_id) for batch_id in left_to_do())


@shared_task(name="orchestration.celery_tasks.advance_economy")
def advance_economy(**_: object) -> int:
    """Send, look after and settle what is due of the vendors' batches; returns how many. Running it twice or
    in parallel is safe."""
    return concurrency.run(advance()) or 0
