"""What a call holds before it is made: how many tokens, of which counters, and when those start anew; and
what is left of quotas that are nearly used up, in headers.

A user's windows are days and months of the user's own calendar. A provider's are those of UTC: it serves
users of every zone at once, and its figures on every page are of UTC days.

`RateLimit-Policy` and `RateLimit` are those of draft-ietf-httpapi-ratelimit-headers: a list of policies with
their quota `q`, its unit `qu` and its window `w` in seconds, and for each what remains (`r`) and the seconds
to its reset (`t`). Amounts are whole numbers there, so money is in millionths of a dollar.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

from django.db.models import Q
from pydantic import BaseModel

from accounts.calendars import IN_UTC, PERIODS, Calendar, Period, window_at
from accounts.models import Plan
from providers.adapters.base import GenerationRequest
from usage.ledger.limits import MOST_PICOS, QuotaLimit, Subject, Unit, picos
from usage.models import QuotaRule

UNITS: tuple[Unit, ...] = ("tokens", "usd")

# OpenAI and Google both document "about four characters of English a token", Anthropic about 3.5. Three UTF-8
# bytes are a third more cautious for English and, because other scripts take two to four bytes a character,
# come to a token a character in Chinese or Thai, where a rule by characters would hold a quarter of the need.
BYTES_PER_TOKEN = 3

# Role markers and separators around the messages of one request.
FRAME_TOKENS = 16

# A page-sized picture at the dearest of the three vendors' published rules: OpenAI 1,536 patches x 1.62
# (gpt-5-mini) = 2,489; Google 258 for each 768-pixel tile; Anthropic width x height / 750, some 1,600 in all.
IMAGE_TOKENS = 2_600

# (a plan's slug or a user's id, task, unit, period) -> limit in tokens or pico-dollars, None for no limit.
Limits = Mapping[tuple[Any, str, str, str], int | None]


class Capped(Protocol):
    """A plan, a provider, or a snapshot of one. Limits in tokens and in USD; None is none."""

    @property
    def daily_token_limit(self) -> int | None: ...
    @property
    def monthly_token_limit(self) -> int | None: ...
    @property
    def daily_cost_limit_usd(self) -> Decimal | None: ...
    @property
    def monthly_cost_limit_usd(self) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules, frozen and looked up without a query; part of what a process keeps per routing revision."""

    of_plans: Limits = field(default_factory=dict)
    of_users: Limits = field(default_factory=dict)

    @classmethod
    def load(cls, *, user_ids: list[int] | None = None) -> RuleBook:
        """Every rule, or those of all plans and of these users (one query)."""
        rules = QuotaRule.objects.all()
        if user_ids is not None:
            rules = rules.filter(Q(user=None) | Q(user__in=user_ids))
        of_plans, of_users = {}, {}
        for rule in rules.order_by():
            key = (rule.task, rule.unit, rule.period)
            if rule.user_id is not None:
                of_users[rule.user_id, *key] = rule.amount
            else:
                of_plans[rule.plan_id, *key] = rule.amount
        return cls(of_plans, of_users)

    def over_all_tasks(self, *, user_id: int, plan: Capped, unit: Unit, period: Period) -> int | None:
        """The user's limit for everything together, in the unit of its counter; None is no limit."""
        own = (user_id, "", unit, period)
        return self.of_users[own] if own in self.of_users else cap_of(plan, unit, period)

    def within_task(self, *, user_id: int, plan: Plan, task: str, unit: Unit, period: Period) -> int | None:
        """The user's limit for one task; None is no limit of its own."""
        own = (user_id, task, unit, period)
        if own in self.of_users:
            return self.of_users[own]
        return self.of_plans.get((plan.pk, task, unit, period))

    def tasks_limited_for(self, *, user_id: int, plan: Plan) -> set[str]:
        """The tasks for which the user may have limits of their own."""
        of_plan = {task for slug, task, _, _ in self.of_plans if slug == plan.pk}
        return of_plan | {task for owner, task, _, _ in self.of_users if owner == user_id and task}


NO_RULES = RuleBook()


def cap_of(holder: Capped, unit: Unit, period: Period) -> int | None:
    """A limit from the columns of a plan or a provider, in the unit of its counter."""
    if unit == "tokens":
        return holder.daily_token_limit if period == "day" else holder.monthly_token_limit
    usd = holder.daily_cost_limit_usd if period == "day" else holder.monthly_cost_limit_usd
    return None if usd is None else min(picos(Decimal(usd)), MOST_PICOS)


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
    token_id: int | None = None,
    token: Capped | None = None,
) -> tuple[QuotaLimit, ...]:
    """The counters in force for a call made at `now` (aware): the user's, the user's within the task where
    that is limited, those of the personal access token that it is made with where that is limited, and the
    provider's. A key from the environment (`config_id` None) has none.

    Tokens of users and providers are counted without a limit too; money, tasks and access tokens only where
    limited.
    """
    limits: list[QuotaLimit] = []
    if user_id is not None:
        limits += user_limits(user_id=user_id, plan=plan, calendar=calendar, rules=rules, now=now)
        if task:
            limits += task_limits(
                user_id=user_id, plan=plan, calendar=calendar, tasks=(task,), rules=rules, now=now
            )
    if token_id is not None and token is not None:
        limits += token_limits(token_id=token_id, token=token, calendar=calendar, now=now)
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


def token_limits(*, token_id: int, token: Capped, calendar: Calendar, now: datetime) -> Iterator[QuotaLimit]:
    """The counters of a personal access token, by its owner's calendar, where there is a limit."""
    for unit in UNITS:
        for period in PERIODS:
            limit = cap_of(token, unit, period)
            yield from _counters("access_token", token_id, unit, (period, calendar, now), limit)


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
    is_always_counted = unit == "tokens" and kind in ("user", "provider")
    if limit is None and not is_always_counted:
        return
    scope = f"{kind}:{of}" if unit == "tokens" else f"{kind}-usd:{of}"
    period, calendar, now = window
    for running in calendar.windows(period, now):
        starts_at = None if is_always_counted else running.starts_at
        yield QuotaLimit(scope, running.name, limit, running.ends_at, starts_at)


def estimate_input_tokens(request: GenerationRequest) -> int:
    """Tokens the model will read, estimated high; add the request's `max_output_tokens` for a reservation.
    Only reservations and calls that died are ever charged by it."""
    size = request.text_bytes
    if request.response_model is not None:
        size += _schema_bytes(request.response_model)
    return (
        -(-size // BYTES_PER_TOKEN) + FRAME_TOKENS * len(request.turns) + IMAGE_TOKENS * len(request.pictures)
    )


@lru_cache(maxsize=64)
def _schema_bytes(response_model: type[BaseModel]) -> int:
    return len(json.dumps(response_model.model_json_schema()).encode())


DAY_SECONDS = 24 * 60 * 60
_UNITS = {"tokens": "tokens", "usd": "micro-usd"}


def headers_of(quotas: Iterable[Mapping[str, Any]], *, now: datetime) -> dict[str, str]:
    """For quotas as `QuotaWarning.as_dict` and `QuotaExceeded.details` show them; empty for none. One that
    has begun anew since is left out."""
    policies, limits = [], []
    for quota in quotas:
        seconds = _seconds_left(quota, now)
        if seconds <= 0:
            continue
        task = f"-{quota['task']}" if quota["task"] else ""
        name = f'"{quota["scope"]}-{quota["window"]}-{quota["unit"]}{task}"'
        # The length of a month is another one each time.
        window = f";w={DAY_SECONDS}" if quota["window"] == "day" else ""
        limit = _whole(quota, quota["limit"])
        policies.append(f'{name};q={limit};qu="{_UNITS[quota["unit"]]}"{window}')
        limits.append(f"{name};r={_left(quota)};t={seconds}")
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(limits)} if limits else {}


def openai_headers_of(quotas: Iterable[Mapping[str, Any]], *, now: datetime) -> dict[str, str]:
    """Of the quota of tokens with the least left, under the names that OpenAI's clients read
    (https://platform.openai.com/docs/guides/rate-limits, "Rate limits in headers")."""
    tokens = [one for one in quotas if one["unit"] == "tokens" and _seconds_left(one, now) > 0]
    if not tokens:
        return {}
    least = min(tokens, key=_left)
    return {
        "x-ratelimit-limit-tokens": str(least["limit"]),
        "x-ratelimit-remaining-tokens": str(_left(least)),
        "x-ratelimit-reset-tokens": f"{_seconds_left(least, now)}s",
    }


def _left(quota: Mapping[str, Any]) -> int:
    return max(0, _whole(quota, quota["limit"]) - _whole(quota, quota["used"]))


def _whole(quota: Mapping[str, Any], amount: int | str) -> int:
    return int(amount) if quota["unit"] == "tokens" else int(Decimal(amount).scaleb(6))


def _seconds_left(quota: Mapping[str, Any], now: datetime) -> int:
    return int((datetime.fromisoformat(quota["resets_at"]) - now).total_seconds())
