"""What the workers do for the ledger and the statistics."""

import asyncio
from pathlib import Path

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from usage.alerts import rounds
from usage.ledger import get_ledger
from usage.pruning import prune
from usage.pruning_lease import AlreadyPruning
from usage.stats import rollup


@shared_task(name="usage.celery_tasks.sweep")
def sweep(**_: object) -> int:
    """Close the rows of calls whose process died; returns how many. Safe to run twice or in parallel."""
    return asyncio.run(get_ledger().sweep(now=timezone.now()))


@shared_task(name="usage.celery_tasks.roll_up")
def roll_up(**_: object) -> int:
    """Bring the rollups up to date; returns how many days that took. Safe to run twice or in parallel."""
    return rollup.refresh(now=timezone.now())


@shared_task(name="usage.celery_tasks.prune_logs")
def prune_logs(**_: object) -> int:
    """Archive and delete the rows older than USAGE_LOG_KEEP_DAYS, of which 0 keeps all; returns how many.
    Safe to run twice or in parallel."""
    if not settings.USAGE_LOG_KEEP_DAYS:
        return 0
    try:
        return prune(
            older_than_days=settings.USAGE_LOG_KEEP_DAYS,
            directory=Path(settings.USAGE_LOG_ARCHIVE),
            now=timezone.now(),
        ).rows
    except AlreadyPruning:
        return 0


@shared_task(name="usage.celery_tasks.check_alerts")
def check_alerts(**_: object) -> int:
    """Judge all alerts and send what is due; returns how many changed. Safe to run twice or in parallel."""
    return len(rounds.make_round(now=timezone.now()).judged.events)


@shared_task(name="usage.celery_tasks.tend_alerts")
def tend_alerts(**_: object) -> None:
    """Walk over the audit trail once a day, and forget old deliveries. Safe to run twice or in parallel."""
    rounds.tend(now=timezone.now())
