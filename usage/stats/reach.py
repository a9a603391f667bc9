"""How far back the usage log has rows of a kind, so that nobody reads all of it to find none."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Min, Q

from usage.models import AIProviderUsageLog, Status, UsageRollup
from usage.stats.dimensions import ALL_PROVIDERS, Dimension
from usage.stats.rollup import standing


def oldest(dimension: Dimension, key: Q) -> datetime | None:
    """No row whose key is one of `key`, a condition on a rollup's column of that name, was made before this
    moment; None where the rollups cannot say. Rows that they do not hold yet are taken to be of the kind."""
    known = standing()
    if known.until is None or known.pruned_before is not None:
        return None
    kept = UsageRollup.objects.filter(
        key, Q(span="day") | Q(span="hour", start__gte=known.until.replace(hour=0)), provider=ALL_PROVIDERS
    )
    is_open = AIProviderUsageLog.objects.filter(status=Status.STARTED)
    found = (
        kept.filter(dimension=dimension.value).aggregate(first=Min("start"))["first"],
        is_open.aggregate(first=Min("created_at"))["first"],
    )
    since: datetime = min([known.until, *known.stale, *(moment for moment in found if moment is not None)])
    return since
