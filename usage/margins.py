"""What plans and users bring in, beside what their calls cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from django.db.models import Q

from accounts.calendars import day_start
from accounts.models import Plan, Subscription, User
from usage import stats

By = Literal["plan", "user"]
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Margin:
    """Of one plan or user over a period, in USD. `months` are months of subscription, a part of one as a
    part. `revenue_usd` is None where a price is not known, `cost_usd` where no call had a known price; then
    `margin_usd` is None too. The cost of `unpriced_calls` is still to be taken off it.
    `open_ended` counts cancelled subscriptions that do not say when they ended: they are in no sum."""

    key: str
    label: str
    months: Decimal
    revenue_usd: Decimal | None
    cost_usd: Decimal | None
    calls: int
    unpriced_calls: int
    open_ended: int = 0

    @property
    def margin_usd(self) -> Decimal | None:
        if self.revenue_usd is None or self.cost_usd is None:
            return None
        return self.revenue_usd - self.cost_usd

    @property
    def margin_percent(self) -> float | None:
        """Of the revenue; None without any."""
        if self.margin_usd is None or not self.revenue_usd:
            return None
        return round(float(100 * self.margin_usd / self.revenue_usd), 1)


@dataclass(slots=True)
class _Paid:
    months: Decimal = Decimal(0)
    revenue: Decimal | None = Decimal(0)
    open_ended: int = 0


def margins(*, period: stats.Period, by: By, now: datetime) -> list[Margin]:
    """Everybody who subscribed or called in the period up to now, the smallest margin first and what is not
    known last. Costs go to the plan that a call was made under, revenue to the plan subscribed to, by the
    price that the plan has today."""
    plans = Plan.objects.in_bulk()
    paid = _paid(period, by, now, plans)
    costs = {row.key: row for row in stats.breakdown(period=period, by=by)}
    labels = _labels(by, set(paid) - set(costs), plans) | {key: row.label for key, row in costs.items()}
    free = {plan.slug for plan in plans.values() if plan.monthly_price_usd == 0}
    is_default_free = any(plan.is_default and plan.slug in free for plan in plans.values())
    found = []
    for key in labels:
        figures = costs[key].figures if key in costs else stats.Figures()
        one = paid.get(key)
        if one is None:
            is_free = key in free if by == "plan" else bool(key) and is_default_free
            is_known = is_free or (by == "plan" and _price(plans, key) is not None)
            one = _Paid(revenue=Decimal(0) if is_known else None)
        found.append(
            Margin(
                key=key,
                label=labels[key],
                months=one.months.quantize(_CENT),
                revenue_usd=None if one.revenue is None else one.revenue.quantize(_CENT),
                cost_usd=figures.total_cost_usd,
                calls=figures.calls,
                unpriced_calls=figures.unpriced_calls,
                open_ended=one.open_ended,
            )
        )
    return sorted(found, key=_order)


def _order(margin: Margin) -> tuple[bool, Decimal, str]:
    known = margin.margin_usd
    return known is None, Decimal(0) if known is None else known, margin.label


def _price(plans: Mapping[str, Plan], slug: str) -> Decimal | None:
    return plans[slug].monthly_price_usd if slug in plans else None


def _paid(period: stats.Period, by: By, now: datetime, plans: Mapping[str, Plan]) -> dict[str, _Paid]:
    """What was subscribed to, by plan or user (one query, row by row)."""
    end = min(period.end, now)
    months = list(_months(period.start, end, period))
    found: defaultdict[str, _Paid] = defaultdict(_Paid)
    rows = Subscription.objects.filter(started_at__lt=end).filter(
        Q(current_period_end=None) | Q(current_period_end__gt=period.start)
    )
    read = rows.order_by().values_list("plan_id", "user_id", "status", "started_at", "current_period_end")
    for plan, user, status, started, ended in read.iterator(chunk_size=2000):
        one = found[plan if by == "plan" else str(user)]
        if status == Subscription.Status.CANCELLED and ended is None:
            one.open_ended += 1
            continue
        share = sum((_share(month, started, ended) for month in months), Decimal(0))
        price = _price(plans, plan)
        one.months += share
        one.revenue = None if price is None or one.revenue is None else one.revenue + price * share
    return dict(found)


def _months(
    start: datetime, end: datetime, period: stats.Period
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Each calendar month of the period's time zone: the part of it that is in the period, and its length."""
    first = start.astimezone(period.zone).date().replace(day=1)
    while (begin := day_start(first, period.zone)) < end:
        following = (first + timedelta(days=32)).replace(day=1)
        after = day_start(following, period.zone)
        yield max(begin, start), min(after, end), after - begin
        first = following


def _share(month: tuple[datetime, datetime, timedelta], started: datetime, ended: datetime | None) -> Decimal:
    begin, after, length = month
    overlap = min(after, ended or after) - max(begin, started)
    if overlap <= timedelta(0):
        return Decimal(0)
    return Decimal(overlap // timedelta(microseconds=1)) / Decimal(length // timedelta(microseconds=1))


def _labels(by: By, keys: set[str], plans: Mapping[str, Plan]) -> dict[str, str]:
    if by == "plan":
        return {key: plans[key].name for key in keys}
    users = User.objects.filter(pk__in=[int(key) for key in keys])
    return {str(pk): email for pk, email in users.values_list("pk", "email")}
