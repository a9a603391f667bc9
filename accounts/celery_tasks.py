"""Housekeeping of logins and of answered requests."""

from celery import shared_task

from accounts.idempotency import forget_expired
from accounts.logins import forget_abandoned_turns
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
