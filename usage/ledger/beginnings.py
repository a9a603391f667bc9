"""What a counter starts with. Tokens of users and providers are counted at all times; money, and the tokens
of one task, only while there is a limit. A limit set in the middle of a month counts the whole month, but not
what was moved in from an earlier system: that was allowed by other limits."""

from __future__ import annotations

from django.db.models import Q, Sum

from usage.ledger.base import Attempt, QuotaLimit
from usage.models import AIProviderUsageLog, MovedRecord
from usage.stats.cells import PICOS, CellQuery, read
from usage.stats.period import Period
from usage.stats.rollup import standing

# The earlier system kept no plan with its rows; of those that were made here none is without.
_IS_MOVED = Q(plan="")


def used_before(limit: QuotaLimit, attempt: Attempt) -> int:
    """What the usage rows of the window say when its counter begins, in the counter's unit. Calls whose price
    was not known add nothing to money, since nobody can say what; neither do calls still under way."""
    if limit.starts_at is None:
        return 0
    if limit.subject == "provider":
        return _by_provider(limit, attempt)
    if attempt.user_id is None:
        return 0
    rows = AIProviderUsageLog.objects.filter(
        ~_IS_MOVED, created_at__gte=limit.starts_at, created_at__lt=limit.resets_at
    )
    if limit.subject == "access_token":
        rows = rows.filter(personal_token=attempt.personal_token)
    else:
        rows = rows.filter(user_id=attempt.user_id)
    if limit.task:
        rows = rows.filter(task_type=limit.task)
    sums = rows.order_by().aggregate(used=Sum("total_tokens" if limit.unit == "tokens" else PICOS))
    return int(sums["used"] or 0)


def _by_provider(limit: QuotaLimit, attempt: Attempt) -> int:
    """From the rollups: a provider may have made millions of calls this month."""
    if limit.starts_at is None or attempt.config_id is None:
        return 0
    period = Period.between(start=limit.starts_at, end=limit.resets_at)
    query = CellQuery(period, provider=attempt.config_id)
    used = sum(figures.cost_picos for figures in read(query, standing()).values())
    if not MovedRecord.objects.filter(kind="provider", new_id=attempt.config_id).exists():
        return used
    rows = AIProviderUsageLog.objects.filter(
        _IS_MOVED,
        provider_config_id=attempt.config_id,
        created_at__gte=limit.starts_at,
        created_at__lt=limit.resets_at,
    )
    return used - int(rows.order_by().aggregate(moved=Sum(PICOS))["moved"] or 0)
