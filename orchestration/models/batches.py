"""Requests that nobody waits for."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q


class Batch(models.Model):
    """Requests of one kind that a user sent together and that workers answer; one alone is a batch of one.
    With `economy` their model calls go through the vendors' batch APIs.

    Whoever knows `claim` is called to work on it, or does, until `held_until` at the latest; nobody else is
    called meanwhile."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="batches")
    kind = models.CharField(max_length=30)
    economy = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    cancelled_at = models.DateTimeField(null=True)
    claim = models.CharField(max_length=32, blank=True, default="", db_default="")
    held_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "batches"
        verbose_name_plural = "batches"
        default_permissions = ("view",)
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["user", "-created_at"], name="batches_user_created")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class ItemState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class BatchItem(models.Model):
    """One of the requests: what was `given`, and what it was answered with.

    While it is running it belongs to whoever knows `claim`, until `held_until` at the latest, which that
    worker keeps moving as long as it lives. `not_before` is when one that waits may be tried again. `status`
    is the HTTP status that the request would have been answered with, `answer` the data or the error of it.
    `request_id` names its model calls in the usage log. One that is running with no claim waits for a
    vendor's batch; `saved_usd` is what that saved (null where nobody knows the prices, or none was used).
    """

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items")
    number = models.PositiveIntegerField()
    given = models.JSONField()
    request_id = models.CharField(max_length=36, blank=True)
    state = models.CharField(max_length=10, choices=ItemState.choices, default=ItemState.WAITING)
    claim = models.CharField(max_length=32, blank=True)
    held_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    saved_usd = models.DecimalField(max_digits=20, decimal_places=12, null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "batch_items"
        default_permissions = ()
        ordering = ["batch", "number"]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="batch_items_one_per_number")]
        indexes = [
            # What is left to do is little beside what was done, and is asked for every minute.
            models.Index(
                fields=["batch", "number"],
                name="batch_items_open",
                condition=Q(state__in=[ItemState.WAITING, ItemState.RUNNING]),
            ),
            # What failed lately is looked for among all that was ever done.
            models.Index(fields=["ended_at"], name="batch_items_failed", condition=Q(state=ItemState.FAILED)),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} #{self.number}"
