"""Which counters are nearest to their limits now, whosever they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from accounts.calendars import PERIODS, period_of
from accounts.models import PersonalToken, Plan, Subscription, User
from providers.models import AIProviderConfig
from usage.ledger.limits import CounterKey, Subject, parts_of, unit_of
from usage.models import QuotaCounter
from usage.quotas import RuleBook, cap_of, window_of

# Of each period and unit so many that took most are compared with their limits.
MOST_COMPARED = 500
# From the westernmost calendar to the easternmost.
_HOURS_AROUND_THE_WORLD = (-12, 0, 14)
NEAR = 0.8


@dataclass(frozen=True, slots=True)
class LimitShare:
    """A counter beside its limit of now, in the unit of the counter; None where there is none. `is_running`
    is whether its day or month is not over where its owner is."""

    counter: QuotaCounter
    limit: int | None
    is_running: bool

    @property
    def share(self) -> float | None:
        """Of the limit that is taken, held included; 1 is all of it. None for what is over or not limited."""
        if self.limit is None or not self.is_running:
            return None
        taken = self.counter.used + self.counter.reserved
        return taken / self.limit if self.limit else 1.0


def nearest(*, now: datetime) -> list[LimitShare]:
    """The running counters with a limit, the fullest first: of each period and unit those MOST_COMPARED that
    took most. Ten queries at most, which look at the counters of now, however many are over."""
    found: list[QuotaCounter] = []
    for period in PERIODS:
        windows = {window_of(period, now + timedelta(hours=hours)) for hours in _HOURS_AROUND_THE_WORLD}
        running = QuotaCounter.objects.filter(window__in=windows).annotate(taken=F("used") + F("reserved"))
        running = running.filter(taken__gt=0).order_by("-taken")
        found += running.filter(scope__contains="-usd:")[:MOST_COMPARED]
        found += running.exclude(scope__contains="-usd:")[:MOST_COMPARED]
    shares = [one for one in shares_of(found, now=now) if one.share is not None]
    return sorted(shares, key=lambda one: (-(one.share or 0), one.counter.pk))


def shares_of(counters: Iterable[QuotaCounter], *, now: datetime) -> list[LimitShare]:
    """Each counter beside its limit, in their order; six queries at most. Of an owner who has left nothing is
    limited."""
    counters = list(counters)
    owners = _Owners([counter.scope for counter in counters], now)
    return [LimitShare(one, *owners.limit_of((one.scope, one.window))) for one in counters]


class _Owners:
    """Whose the counters are, with all that limits them."""

    def __init__(self, scopes: Iterable[str], now: datetime) -> None:
        ids: defaultdict[Subject, set[int]] = defaultdict(set)
        for scope in scopes:
            subject, owner, _ = parts_of(scope)
            if owner.isdecimal():
                ids[subject].add(int(owner))
        people = ids["user"] | ids["task"]
        self.now = now
        self.people: dict[int, Any] = User.objects.in_bulk(people)
        self.tokens: dict[int, Any] = PersonalToken.objects.select_related("user").in_bulk(
            ids["access_token"]
        )
        self.configs: dict[int, Any] = AIProviderConfig.objects.in_bulk(ids["provider"])
        current = Subscription.objects.current().filter(user__in=people).select_related("plan")
        self.plans: dict[int, Plan] = {one.user_id: one.plan for one in current}
        self.default = Plan.objects.filter(is_default=True).first() or Plan()
        self.rules = RuleBook.load(user_ids=list(people))

    def limit_of(self, key: CounterKey) -> tuple[int | None, bool]:
        """The limit, and whether the window runs."""
        scope, window = key
        subject, owner, task = parts_of(scope)
        unit, period = unit_of(scope), period_of(window)
        pk = int(owner) if owner.isdecimal() else 0
        held: Any = {"access_token": self.tokens, "provider": self.configs}.get(subject, self.people).get(pk)
        if held is None:
            return None, False
        if subject == "provider":
            zone, limit = "UTC", cap_of(held, unit, period)
        elif subject == "access_token":
            zone, limit = held.user.time_zone, cap_of(held, unit, period)
        else:
            plan = self.plans.get(pk, self.default)
            zone = held.time_zone
            if subject == "task":
                limit = self.rules.within_task(user_id=pk, plan=plan, task=task, unit=unit, period=period)
            else:
                limit = self.rules.over_all_tasks(user_id=pk, plan=plan, unit=unit, period=period)
        return limit, window == window_of(period, self.now, zone)
