"""What was answered to a request that its sender may send again."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class IdempotencyKey(models.Model):
    """One request, named by its sender, and the answer to it.

    `fingerprint` digests the request. While `status` is null the request is being worked on by whoever knows
    `claim`, until `held_until` at the latest, which the worker keeps moving as long as it lives.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    claim = models.CharField(max_length=32)
    held_until = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(default="")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        db_table = "idempotency_keys"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_keys_one_per_user")]

    def __str__(self) -> str:
        return f"Request {self.key} of user {self.user_id}"
