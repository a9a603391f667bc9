"""What the workers do for the ledger and the statistics."""

import asyncio

from celery import shared_task
from django.utils import timezone

from usage.ledger import get_ledger
from usage.stats import rollup


@shared_task(name="usage.celery_tasks.sweep")
def sweep(**_: object) -> int:
    """Close the rows of calls whose process died; returns how many. Safe to run twice or in parallel."""
    return asyncio.run(get_ledger().sweep(now=timezone.now()))


@shared_task(name="usage.celery_tasks.roll_up")
def roll_up(**_: object) -> int:
    """Bring the rollups up to date; returns how many days that took. Safe to run twice or in parallel."""
    return rollup.refresh(now=timezone.now())
