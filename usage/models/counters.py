"""The counters that quotas are held by."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class QuotaCounter(models.Model):
    """What one scope took in one window ("day:2026-11-21", "month:2026-11"): tokens ("user:7", "provider:3",
    "task:7:extraction", "access_token:5"), or pico-dollars ("user-usd:7" and so on; 10^12 are one USD).

    `reserved` belongs to calls in flight, `used` to settled ones. A new window is a new row, so a reset is
    nothing that runs: it cannot be missed, run twice or overwrite spending.
    """

    scope = models.CharField(max_length=100)
    window = models.CharField(max_length=20)
    used = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)

    class Meta:
        db_table = "quota_counters"
        # Those of now among those of all days. A counter keeps its window, so calls do not write to it.
        indexes = [models.Index(fields=["window"], name="quota_counters_window")]
        constraints = [
            models.UniqueConstraint(fields=["scope", "window"], name="quota_counters_scope_window"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="quota_counters_reserved_not_negative"),
        ]

    def __str__(self) -> str:
        return f"Quota of {self.window.partition(':')[2]}"
