"""What batches cost, by the usage log, for lists of them."""

from __future__ import annotations

from django.db.models import OuterRef, QuerySet, Subquery, Sum

from orchestration.batches.queue import with_progress
from orchestration.models import Batch, BatchItem
from usage.models import AIProviderUsageLog


def with_costs(items: QuerySet[BatchItem]) -> QuerySet[BatchItem]:
    """The items with `cost_usd`: that of all model calls that were made for each, as far as their prices are
    known; null where there were none."""
    calls = AIProviderUsageLog.objects.filter(request_id=OuterRef("request_id")).order_by()
    sums = calls.values("request_id").annotate(cost=Sum("estimated_cost_usd")).values("cost")
    return items.annotate(cost_usd=Subquery(sums))


def with_figures(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """The batches with their progress, and `cost_usd` of all their items."""
    items = with_costs(BatchItem.objects.filter(batch=OuterRef("pk")).exclude(request_id="")).order_by()
    cost = items.values("batch").annotate(sum=Sum("cost_usd")).values("sum")
    return with_progress(batches).annotate(cost_usd=Subquery(cost))
