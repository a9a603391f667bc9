"""Housekeeping of logins, of answered requests and of what is kept of people."""

from celery import shared_task
from django.utils import timezone

from accounts.audit import Actor
from accounts.idempotency import forget_expired
from accounts.logins import forget_abandoned_turns
from accounts.retention.pruning import prune
from accounts.tokens import forget_ended_families


@shared_task(name="accounts.celery_tasks.forget_expired_tokens")
def forget_expired_tokens(**_: object) -> int:
    """Delete what is left of logins whose tokens nobody can use any more; returns how many there were."""
    forget_abandoned_turns()
    return forget_ended_families()


@shared_task(name="accounts.celery_tasks.forget_idempotency_keys")
def forget_idempotency_keys(**_: object) -> int:
    """Delete the answers that are no longer given again; returns how many there were."""
    return forget_expired()


@shared_task(name="accounts.celery_tasks.prune_personal_data")
def prune_personal_data(**_: object) -> int:
    """Forget what is older than the rules of retention let it be; returns how many rows that were. Safe to
    run twice or in parallel."""
    return sum(one.rows for one in prune(actor=Actor.system(), now=timezone.now()))
