"""What a counter starts with. Tokens of users and providers are counted at all times; money, and the tokens
of one task, only while there is a limit. A limit set in the middle of a month counts the whole month."""

from __future__ import annotations

from django.db.models import Sum

from usage.ledger.base import Attempt, QuotaLimit
from usage.models import AIProviderUsageLog
from usage.stats.cells import PICOS, CellQuery, read
from usage.stats.period import Period
from usage.stats.rollup import standing


def used_before(limit: QuotaLimit, attempt: Attempt) -> int:
    """What the usage rows of the window say when its counter begins, in the counter's unit. Calls whose price
    was not known add nothing to money, since nobody can say what; neither do calls still under way."""
    if limit.starts_at is None:
        return 0
    if limit.subject == "provider":
        return _by_provider(limit, attempt)
    if attempt.user_id is None:
        return 0
    rows = AIProviderUsageLog.objects.filter(created_at__gte=limit.starts_at, created_at__lt=limit.resets_at)
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
    return sum(figures.cost_picos for figures in read(query, standing()).values())
