"""Which counters a call moves, and when they start anew.

A user's windows are days and months of the user's own calendar. A provider's are those of UTC: it serves
users of every zone at once, and its figures on every page are of UTC days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from accounts.calendars import IN_UTC, PERIODS, Calendar, Period, window_at
from accounts.models import Plan
from usage.ledger.limits import QuotaLimit, Subject, Unit
from usage.quota_rules import NO_RULES, Capped, RuleBook, cap_of

UNITS: tuple[Unit, ...] = ("tokens", "usd")


def limits_for(
    *,
    now: datetime,
    user_id: int | None,
    plan: Plan,
    calendar: Calendar = IN_UTC,
    task: str = "",
    rules: RuleBook = NO_RULES,
    config_id: int | None = None,
    config: Capped | None = None,
) -> tuple[QuotaLimit, ...]:
    """The counters in force for a call made at `now` (aware): the user's, the user's within the task where
    that is limited, and the provider's. A key from the environment (`config_id` None) has none.

    Tokens of users and providers are counted without a limit too; money and tasks only where limited.
    """
    limits: list[QuotaLimit] = []
    if user_id is not None:
        limits += user_limits(user_id=user_id, plan=plan, calendar=calendar, rules=rules, now=now)
        if task:
            limits += task_limits(
                user_id=user_id, plan=plan, calendar=calendar, tasks=(task,), rules=rules, now=now
            )
    if config_id is not None and config is not None:
        limits += provider_limits(config_id=config_id, config=config, now=now)
    return tuple(limits)


def user_limits(
    *, user_id: int, plan: Plan, calendar: Calendar, rules: RuleBook, now: datetime
) -> Iterator[QuotaLimit]:
    """The user's counters over all tasks: tokens by day and month, then money where it is limited."""
    for unit in UNITS:
        for period in PERIODS:
            limit = rules.over_all_tasks(user_id=user_id, plan=plan, unit=unit, period=period)
            yield from _counters("user", user_id, unit, (period, calendar, now), limit)


def task_limits(
    *,
    user_id: int,
    plan: Plan,
    calendar: Calendar,
    tasks: Iterable[str],
    rules: RuleBook,
    now: datetime,
) -> Iterator[QuotaLimit]:
    """The user's counters of these tasks, where there is a limit."""
    for task in tasks:
        for unit in UNITS:
            for period in PERIODS:
                limit = rules.within_task(user_id=user_id, plan=plan, task=task, unit=unit, period=period)
                yield from _counters("task", f"{user_id}:{task}", unit, (period, calendar, now), limit)


def provider_limits(*, config_id: int, config: Capped, now: datetime) -> Iterator[QuotaLimit]:
    """The provider's counters: tokens by day and month, then money where it is limited."""
    for unit in UNITS:
        for period in PERIODS:
            limit = cap_of(config, unit, period)
            yield from _counters("provider", config_id, unit, (period, IN_UTC, now), limit)


def window_of(period: Period, now: datetime, zone: str = "UTC") -> str:
    """The name of the running window, as counters bear it."""
    return window_at(period, now, zone).name


def _counters(
    kind: Subject,
    of: int | str,
    unit: Unit,
    window: tuple[Period, Calendar, datetime],
    limit: int | None,
) -> Iterator[QuotaLimit]:
    is_always_counted = unit == "tokens" and kind != "task"
    if limit is None and not is_always_counted:
        return
    scope = f"{kind}:{of}" if unit == "tokens" else f"{kind}-usd:{of}"
    period, calendar, now = window
    for running in calendar.windows(period, now):
        starts_at = None if is_always_counted else running.starts_at
        yield QuotaLimit(scope, running.name, limit, running.ends_at, starts_at)
