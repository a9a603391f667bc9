"""Limits of which one makes another pointless, told to whoever sets them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Protocol


class Limits(Protocol):
    """Of tokens, USD, calls a minute and calls at once; None is no limit."""

    daily_token_limit: Any
    monthly_token_limit: Any
    daily_cost_limit_usd: Any
    monthly_cost_limit_usd: Any
    requests_per_minute: Any
    max_concurrent_calls: Any


def contradictions_in(limits: Limits) -> list[str]:
    """Sentences about limits of which one makes another pointless."""
    told = []
    for unit, day, month in (
        ("tokens", limits.daily_token_limit, limits.monthly_token_limit),
        ("USD", limits.daily_cost_limit_usd, limits.monthly_cost_limit_usd),
    ):
        told += above_the_month(unit=unit, day=day, month=month)
    per_minute, at_once = limits.requests_per_minute, limits.max_concurrent_calls
    if per_minute is not None and at_once is not None and at_once > per_minute:
        told.append(
            f"{at_once:,} calls may be under way, but only {per_minute:,} a minute may begin. "
            "Lower the one or raise the other."
        )
    return told


def above_the_month(*, unit: str, day: int | Decimal | None, month: int | Decimal | None) -> list[str]:
    """A sentence when the limit of a day is above that of the month, in `unit`."""
    if day is None or month is None or day <= month:
        return []
    return [
        f"The daily limit of {amount(day)} {unit} is above the monthly one of {amount(month)}, so the month "
        "is used up first. Lower the one or raise the other."
    ]


def amount(number: int | Decimal) -> str:
    """With its thousands told apart, and no more places than it has."""
    return f"{number.normalize():,f}" if isinstance(number, Decimal) else f"{number:,}"
