"""Calls that wait for a vendor's batch."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q

from accounts.models.sealed import SealedField
from orchestration.models.batches import Batch, BatchItem
from providers.models import AIProviderConfig
from providers.registry import provider_choices


class VendorBatchState(models.TextChoices):
    NEW = "new", "To be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "At the vendor"
    ENDED = "ended", "Ended"


class VendorBatch(models.Model):
    """Calls of one batch that are sent to a vendor together; `id` is the name that it goes by there,
    `vendor_id` the vendor's.

    It is SENDING from before the vendor is asked until the vendor's id is written down: whoever finds it so
    asks the vendor whether it is there. It is worked on by whoever knows `claim`, until `held_until`;
    `not_before` is when it is to be looked at again. `batch` is null once its owner deleted it; like one that
    `is_unwanted` it is then cancelled at the vendor (`cancelled_at`), and settled all the same.
    `from_environment` says that its key is the environment's; otherwise a `provider_config` that is null was
    deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    batch = models.ForeignKey(Batch, on_delete=models.SET_NULL, null=True, related_name="vendor_batches")
    provider_config = models.ForeignKey(
        AIProviderConfig, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    from_environment = models.BooleanField(default=False, db_default=False)
    provider_type = models.CharField(max_length=20, choices=provider_choices)
    model_name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=VendorBatchState.choices, default=VendorBatchState.NEW)
    vendor_id = models.CharField(max_length=200, blank=True)
    is_unwanted = models.BooleanField(default=False)
    cancelled_at = models.DateTimeField(null=True)
    claim = models.CharField(max_length=32, blank=True)
    held_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "vendor_batches"
        verbose_name_plural = "vendor batches"
        default_permissions = ()
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(
                fields=["created_at"], name="vendor_batches_open", condition=~Q(state=VendorBatchState.ENDED)
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider_type} {self.vendor_id or self.id}"


class EconomyCallState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    ANSWERED = "answered", "Answered"
    FAILED = "failed", "Failed"
    UNSENT = "unsent", "Not sent"


class EconomyCall(models.Model):
    """The one model call of an item that a vendor answers in a batch. `usage_row` is its row in the usage
    log, which stays open until it is settled; `sealed` are the request in the vendor's words and what was
    made ready for it, later the answer: they are about people. `item` is null once its owner deleted it, and
    `sealed` soon empty."""

    item = models.OneToOneField(BatchItem, on_delete=models.SET_NULL, null=True, related_name="economy_call")
    vendor_batch = models.ForeignKey(VendorBatch, on_delete=models.CASCADE, null=True, related_name="calls")
    provider_config = models.ForeignKey(
        AIProviderConfig, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    from_environment = models.BooleanField(default=False, db_default=False)
    provider_type = models.CharField(max_length=20, choices=provider_choices)
    model_name = models.CharField(max_length=200)
    usage_row = models.BigIntegerField()
    state = models.CharField(
        max_length=10, choices=EconomyCallState.choices, default=EconomyCallState.WAITING
    )
    has_form = models.BooleanField(default=False)
    size = models.PositiveIntegerField()
    sealed = SealedField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "economy_calls"
        default_permissions = ()
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Call {self.pk} of {self.vendor_batch_id}"

    @property
    def key(self) -> str:
        """What the request is called at the vendor, of at most 64 characters there."""
        return f"{self.vendor_batch_id.hex if self.vendor_batch_id else ''}-{self.pk}"
