"""What is used and left of the quotas, read from the counters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Cast, Concat

from accounts.calendars import Period
from accounts.models import Plan, Subscription, User
from providers.models import AIProviderConfig
from usage.ledger.limits import QuotaLimit, QuotaWarning
from usage.models import QuotaCounter
from usage.quotas import RuleBook, cap_of, provider_limits, task_limits, user_limits, window_of


@dataclass(frozen=True, slots=True)
class QuotaStatus:
    """One counter in one window. Amounts in its unit: tokens or pico-dollars; `limit` and `left` are None
    where there is no limit; `reserved` is held by calls in flight; `left` is never below 0, although a call
    may have overshot."""

    quota: QuotaLimit
    used: int
    reserved: int

    @property
    def limit(self) -> int | None:
        return self.quota.limit

    @property
    def taken(self) -> int:
        return self.used + self.reserved

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.taken)

    @property
    def warning(self) -> QuotaWarning | None:
        """Set from 80 % on."""
        return QuotaWarning(self.quota, self.taken) if self.quota.is_due_for_warning(self.taken) else None


def quota_status(*, user: User, plan: Plan, now: datetime) -> tuple[QuotaStatus, ...]:
    """The user's quotas over all tasks and within those that are limited, in the user's own time zone: tokens
    always, money where there is a cap. Two queries.

    Where a day or month of a time zone the user was in before still runs and has less left, it is that one.
    """
    rules, calendar = RuleBook.load(user_ids=[user.pk]), user.calendar
    tasks = sorted(rules.tasks_limited_for(user_id=user.pk, plan=plan))
    limits = [
        *user_limits(user_id=user.pk, plan=plan, calendar=calendar, rules=rules, now=now),
        *task_limits(user_id=user.pk, plan=plan, calendar=calendar, tasks=tasks, rules=rules, now=now),
    ]
    tightest: dict[tuple[str, Period], QuotaStatus] = {}
    for status in statuses_of(limits):
        key = (status.quota.scope, status.quota.period)
        known = tightest.get(key)
        if known is None or (status.left is not None and known.left is not None and status.left < known.left):
            tightest[key] = status
    return tuple(tightest.values())


def provider_status(*, configs: Iterable[AIProviderConfig], now: datetime) -> dict[int, list[QuotaStatus]]:
    """The quotas of each provider by its id, in UTC days and months: tokens always, money where there is a
    cap. One query."""
    limits = {
        config.pk: list(provider_limits(config_id=config.pk, config=config, now=now)) for config in configs
    }
    known = {
        (status.quota.scope, status.quota.window): status
        for status in statuses_of([limit for own in limits.values() for limit in own])
    }
    return {pk: [known[limit.scope, limit.window] for limit in own] for pk, own in limits.items()}


def statuses_of(limits: list[QuotaLimit]) -> list[QuotaStatus]:
    """How the counters stand, in the order of the limits (one query)."""
    counters = {
        (counter.scope, counter.window): counter
        for counter in QuotaCounter.objects.filter(
            scope__in={limit.scope for limit in limits}, window__in={limit.window for limit in limits}
        )
    }
    found = []
    for limit in limits:
        counter = counters.get((limit.scope, limit.window), QuotaCounter())
        found.append(QuotaStatus(limit, counter.used, counter.reserved))
    return found


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """What a user or a provider has taken of one window, in tokens; `limit` None means no limit, `percent` of
    it likewise (above 100 after an overshoot)."""

    scope: Literal["user", "provider"]
    id: int
    label: str
    used: int
    reserved: int
    limit: int | None

    @property
    def percent(self) -> float | None:
        if self.limit is None:
            return None
        taken = self.used + self.reserved
        return round(100 * taken / self.limit, 1) if self.limit else 100.0


def quota_ranking(
    *,
    scope: Literal["user", "provider"],
    window: Period,
    now: datetime,
    limit: int = 10,
) -> list[QuotaUse]:
    """Who has taken most tokens of the running day or month, at most `limit` of them; six queries at most. A
    user's day is that of the user's time zone, a provider's that of UTC. Deleted users and configs are left
    out."""
    running = _running_windows(window, now) if scope == "user" else Q(window=window_of(window, now))
    counters = (
        QuotaCounter.objects.filter(running, scope__startswith=f"{scope}:")
        .annotate(taken=F("used") + F("reserved"))
        .order_by("-taken", "scope")[: limit * 2]
    )
    by_id = {int(counter.scope.partition(":")[2]): counter for counter in counters if counter.taken}
    names, limits = (_users if scope == "user" else _providers)(list(by_id), window)
    ranking = [
        QuotaUse(scope, pk, names[pk], counter.used, counter.reserved, limits[pk])
        for pk, counter in by_id.items()
        if pk in names
    ]
    return ranking[:limit]


def _running_windows(window: Period, now: datetime) -> Q:
    """The counters of every user's own running day or month; around the world that is two or three dates."""
    zones: dict[str, list[str]] = {}
    for zone in User.objects.order_by().values_list("time_zone", flat=True).distinct():
        zones.setdefault(window_of(window, now, zone), []).append(zone)
    if len(zones) == 1:
        return Q(window=next(iter(zones)))
    scope = Concat(Value("user:"), Cast("pk", CharField()), output_field=CharField())
    return Q(
        *(
            Q(window=name, scope__in=User.objects.filter(time_zone__in=there).order_by().values_list(scope))
            for name, there in zones.items()
        ),
        _connector=Q.OR,
    )


def _users(ids: list[int], window: Period) -> tuple[dict[int, str], dict[int, int | None]]:
    names = dict(User.objects.filter(pk__in=ids).values_list("pk", "email"))
    subscriptions = Subscription.objects.current().filter(user_id__in=ids).select_related("plan")
    plans = {subscription.user_id: subscription.plan for subscription in subscriptions}
    default = Plan.objects.filter(is_default=True).first()
    rules = RuleBook.load(user_ids=ids)
    limits = {
        pk: rules.over_all_tasks(
            user_id=pk, plan=plans.get(pk) or default or Plan(), unit="tokens", period=window
        )
        for pk in ids
    }
    return names, limits


def _providers(ids: list[int], window: Period) -> tuple[dict[int, str], dict[int, int | None]]:
    configs = AIProviderConfig.objects.in_bulk(ids)
    names = {pk: str(config) for pk, config in configs.items()}
    return names, {pk: cap_of(config, "tokens", window) for pk, config in configs.items()}
