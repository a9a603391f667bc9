"""A quota rule beside the others for the same people: which of them makes another pointless."""

from __future__ import annotations

from decimal import Decimal

from accounts.limits import above_the_month, amount
from usage.models import QuotaRule

_COLUMNS = {
    ("tokens", "day"): "daily_token_limit",
    ("tokens", "month"): "monthly_token_limit",
    ("usd", "day"): "daily_cost_limit_usd",
    ("usd", "month"): "monthly_cost_limit_usd",
}


def contradictions_of(rule: QuotaRule) -> list[str]:
    """Sentences about `rule` and what else is set for the same plan or user: a day above its month, a task
    above all tasks together. Empty when it contradicts nothing."""
    if rule.limit is None:
        return []
    unit = "tokens" if rule.unit == "tokens" else "USD"
    limits = {period: _limit(rule, task=rule.task, period=period) for period in ("day", "month")}
    limits[rule.period] = rule.limit
    told = above_the_month(unit=unit, day=limits["day"], month=limits["month"])
    whole = _limit(rule, task="", period=rule.period) if rule.task else None
    if whole is not None and rule.limit > whole:
        told.append(
            f"The limit of {amount(rule.limit)} {unit} a {rule.period} for {rule.get_task_display()} is "
            f"above that of {amount(whole)} for all tasks together, which is used up first. Lower the one or "
            "raise the other."
        )
    return told


def _limit(rule: QuotaRule, *, task: str, period: str) -> Decimal | None:
    """What the same plan or user has set for a task (empty: all tasks) and period, in the unit of `rule`."""
    if rule.plan is not None and not task:
        stored = getattr(rule.plan, _COLUMNS[rule.unit, period])
        return None if stored is None else Decimal(stored)
    same = QuotaRule.objects.filter(plan=rule.plan, user=rule.user, task=task, unit=rule.unit, period=period)
    return same.exclude(pk=rule.pk).values_list("limit", flat=True).first()
