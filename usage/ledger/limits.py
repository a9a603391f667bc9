"""Quotas as the ledger holds them: what is limited, what is held, and how a full one is explained."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from accounts.calendars import Period, period_of
from accounts.errors import DomainError
from providers.tasks import TASKS

Unit = Literal["tokens", "usd"]
Subject = Literal["user", "task", "access_token", "provider"]
CounterKey = tuple[str, str]
_KINDS = frozenset({"task", "access_token", "provider"})

# Money is counted in whole pico-dollars, the last place of a usage row's cost, so that sums are exact.
PICOS_PER_USD = 10**12
# Calls in flight end sooner or later, and mostly use less than they hold: worth asking again in so long.
IN_FLIGHT_RETRY_SECONDS = 5
# A month, and a day for those whose time zone changed.
LONGEST_WINDOW_SECONDS = 32 * 24 * 60 * 60
# The largest amount of money a counter limits, 9 million USD: a 64-bit column holds little more.
MOST_PICOS = 9_000_000 * PICOS_PER_USD

_PERIOD_NAMES: dict[Period, str] = {"day": "daily", "month": "monthly"}
_UNIT_NAMES: dict[Unit, str] = {"tokens": "token quota", "usd": "spending cap"}
_ADVICE: dict[Subject, str] = {
    "user": "Try again after the reset, or move to a larger plan.",
    "task": "Try again after the reset, or move to a larger plan.",
    "access_token": "Try again after the reset, or make a token with a larger limit.",
    "provider": "Try again after the reset; a super-admin can raise it.",
}


class QuotaExceeded(DomainError):
    """`details`: scope ("user", "task", "access_token" or "provider"), task (empty but for "task"), unit
    ("tokens" or "usd"), window ("day" or "month"), limit, used, reserved, left, requested (in the unit:
    tokens as numbers, USD as decimal text), resets_at (ISO 8601, in time_zone), time_zone. `requested` is the
    least that the call is made for. `retry_after` counts to the reset; where only calls in flight are in the
    way it is IN_FLIGHT_RETRY_SECONDS, and where the call is larger than the whole quota None."""

    code = "quota_exceeded"
    status = 429
    longest_wait = LONGEST_WINDOW_SECONDS
    message = "The quota is used up. Try again after the reset, or move to a larger plan."


class UnknownPrice(DomainError):
    """A spending cap is in force and the price of this model is not known, so it cannot be held to the cap.
    `details`: provider_type, model, scope (whose cap it is)."""

    code = "price_unknown"
    status = 503
    message = "The price of this model is not known, so it cannot be held to a spending cap."


@dataclass(frozen=True, slots=True)
class QuotaLimit:
    """One counter an attempt moves. `scope` is "user:<id>", "task:<user>:<task>", "access_token:<id>" or
    "provider:<id>" for tokens, and with "-usd" after the first word for money. `limit` in tokens or
    pico-dollars, None for counted but unlimited. `starts_at` of a counter that is not kept at all times says
    since when the usage rows have to be added up when it begins; None begins it at zero."""

    scope: str
    window: str
    limit: int | None
    resets_at: datetime
    starts_at: datetime | None = None

    @property
    def key(self) -> CounterKey:
        return self.scope, self.window

    @property
    def unit(self) -> Unit:
        return unit_of(self.scope)

    @property
    def subject(self) -> Subject:
        return parts_of(self.scope)[0]

    @property
    def task(self) -> str:
        return parts_of(self.scope)[2]

    @property
    def period(self) -> Period:
        return period_of(self.window)

    @property
    def quiet_until(self) -> int | None:
        """The most that can be taken before a warning is due: less than 80 % of the limit."""
        return None if self.limit is None else (4 * self.limit - 1) // 5

    def is_due_for_warning(self, taken: int) -> bool:
        return self.quiet_until is not None and taken > self.quiet_until


@dataclass(frozen=True, slots=True)
class Hold:
    """What one attempt holds of one counter, in tokens or, in a scope of money, pico-dollars."""

    scope: str
    window: str
    amount: int

    @property
    def key(self) -> CounterKey:
        return self.scope, self.window

    @property
    def unit(self) -> Unit:
        return unit_of(self.scope)


@dataclass(frozen=True, slots=True)
class QuotaWarning:
    """A quota of which 80 % are taken. `taken` is used and held together, in tokens or pico-dollars."""

    quota: QuotaLimit
    taken: int

    @property
    def share(self) -> float:
        """Of the limit; 1 is all of it, and more after an overshoot."""
        return round(self.taken / self.quota.limit, 4) if self.quota.limit else 1.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON; amounts as in QuotaExceeded.details."""
        quota = self.quota
        return {
            "scope": quota.subject,
            "task": quota.task,
            "unit": quota.unit,
            "window": quota.period,
            "limit": amount_in(quota.unit, quota.limit),
            "used": amount_in(quota.unit, self.taken),
            "share": self.share,
            "resets_at": quota.resets_at.isoformat(),
        }


def unit_of(scope: str) -> Unit:
    return "usd" if scope.partition(":")[0].endswith("-usd") else "tokens"


def parts_of(scope: str) -> tuple[Subject, str, str]:
    """What a scope counts for: the kind of it, its id, and the task where it counts a user's within one."""
    kind, _, rest = scope.partition(":")
    owner, _, task = rest.partition(":")
    plain = kind.removesuffix("-usd")
    return plain if plain in _KINDS else "user", owner, task  # type: ignore[return-value]


def picos(usd: Decimal) -> int:
    """USD of at most 12 decimal places, as whole pico-dollars."""
    return int(usd.scaleb(12))


def amount_in(unit: Unit, amount: int | None) -> int | str | None:
    """How a counter's amount is written for people and programs: tokens as a number, USD as text."""
    if amount is None or unit == "tokens":
        return amount
    usd = Decimal(amount).scaleb(-12)
    return f"{usd.normalize() if usd else Decimal(0):f}"


def exceeded(limit: QuotaLimit, *, used: int, reserved: int, requested: int, now: datetime) -> QuotaExceeded:
    """The refusal of a call made at `now` that a counter has no room for."""
    if limit.limit is None:
        raise RuntimeError(f"the unlimited counter {limit.scope} {limit.window} could not be moved")
    fits_at_all, fits_later = requested <= limit.limit, used + requested <= limit.limit
    amounts = {
        "limit": limit.limit,
        "used": used,
        "reserved": reserved,
        "left": max(0, limit.limit - used - reserved),
        "requested": requested,
    }
    return QuotaExceeded(
        _explanation(limit, requested, fits_at_all=fits_at_all, fits_later=fits_later),
        details={
            "scope": limit.subject,
            "task": limit.task,
            "unit": limit.unit,
            "window": limit.period,
            **{name: amount_in(limit.unit, amount) for name, amount in amounts.items()},
            "resets_at": limit.resets_at.isoformat(),
            "time_zone": str(limit.resets_at.tzinfo),
        },
        retry_after=_wait(limit, now, fits_later=fits_later) if fits_at_all else None,
    )


def _wait(limit: QuotaLimit, now: datetime, *, fits_later: bool) -> float:
    until_reset = (limit.resets_at - now).total_seconds()
    return min(until_reset, IN_FLIGHT_RETRY_SECONDS) if fits_later else until_reset


def name_of(limit: QuotaLimit) -> str:
    """As in "daily token quota" or "monthly spending cap for cover letters"."""
    name = f"{_PERIOD_NAMES[limit.period]} {_UNIT_NAMES[limit.unit]}"
    if limit.subject == "provider":
        return f"{name} of the AI provider"
    if limit.subject == "access_token":
        return f"{name} of the access token"
    task = TASKS.get(limit.task)
    return f"{name} for {task.label if task else limit.task}" if limit.task else name


def _explanation(limit: QuotaLimit, requested: int, *, fits_at_all: bool, fits_later: bool) -> str:
    name, advice = name_of(limit), _ADVICE[limit.subject]
    if fits_later:
        return f"What is left of the {name} is held by calls under way. Try again in a few seconds."
    if limit.subject == "provider":
        return f"The {name} is used up. {advice}"
    if fits_at_all:
        return f"What is left of the {name} is not enough for this request. {advice}"
    needs = f"needs {in_words(limit.unit, requested)}"
    whole = f"more than the whole {name} of {in_words(limit.unit, limit.limit)}"
    wider = "make a token with a larger limit" if limit.subject == "access_token" else "move to a larger plan"
    return f"This request {needs}, {whole}. Shorten the input, or {wider}."


def in_words(unit: Unit, amount: int | None) -> str:
    """As in "1,500 tokens" or "$0.25"."""
    return f"{amount:,} tokens" if unit == "tokens" else f"${amount_in(unit, amount)}"
