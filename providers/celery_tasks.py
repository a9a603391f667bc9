"""What the workers do for the providers. (`providers.tasks` are the kinds of work that models do.)"""

from celery import shared_task
from django.utils import timezone

from providers.capabilities import lists


@shared_task(name="providers.celery_tasks.refresh_capabilities")
def refresh_capabilities(**_: object) -> int:
    """Refresh the capability matrix from the vendors' lists; returns how many kinds of vendors it asked. Safe
    to run twice or in parallel."""
    refreshed = lists.refresh(now=timezone.now())
    return len(refreshed.learned)
