"""Housekeeping of logins."""

from celery import shared_task
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken


@shared_task(name="accounts.tasks.forget_expired_tokens")
def forget_expired_tokens(**_: object) -> int:
    """Delete refresh tokens past their end, which nobody can use any more; returns how many."""
    expired = OutstandingToken.objects.filter(expires_at__lt=timezone.now())
    # Blacklist entries go with their token by cascade and are not counted.
    return int(expired.delete()[1].get("token_blacklist.OutstandingToken", 0))
