"""What the workers do for routing."""

from celery import shared_task

from accounts import concurrency
from orchestration.probes import probe_due


@shared_task(name="orchestration.celery_tasks.probe_providers")
def probe_providers(**_: object) -> int:
    """Probe the providers that are due; returns how many. One process does so at a time, so running it twice
    or in parallel is safe."""
    return len(concurrency.run(probe_due()) or ())
