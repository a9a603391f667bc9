"""How long batches and their answers may be kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from accounts.retention import Kind
from orchestration.models import Batch, BatchItem, ItemState


def _ended(before: datetime) -> QuerySet[Any]:
    open_items = BatchItem.objects.filter(
        batch=OuterRef("pk"), state__in=[ItemState.WAITING, ItemState.RUNNING]
    )
    return Batch.objects.filter(~Exists(open_items), created_at__lt=before)


# Of up to 500 items each.
KIND = Kind("batches", "Batches with their answers, once they have ended", _ended, chunk=10)
