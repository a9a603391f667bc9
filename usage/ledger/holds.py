"""What an attempt has to hold of each counter: all that it may use, or what is left. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from providers.adapters.base import TokenUsage
from usage.ledger.base import Attempt, Hold, UnknownPrice
from usage.ledger.limits import CounterKey, QuotaLimit, exceeded, picos
from usage.ledger.rows import estimate_of
from usage.pricing import Overrides, bound


def holds_of(attempt: Attempt, *, overrides: Overrides) -> list[tuple[QuotaLimit, Hold]]:
    """What the attempt has to hold, in the order of locking: its tokens, or what they would cost at the price
    in force. UnknownPrice when a cap on money is in force and nobody knows."""
    found = []
    for limit in sorted(attempt.limits, key=lambda limit: (limit.scope, limit.window)):
        amount = attempt.reserved_tokens
        if limit.unit == "usd":
            amount = _price_of_estimate(attempt, limit, overrides)
        found.append((limit, Hold(limit.scope, limit.window, amount)))
    return found


def _price_of_estimate(attempt: Attempt, limit: QuotaLimit, overrides: Overrides) -> int:
    usage = estimate_of(attempt.reserved_input_tokens, attempt.reserved_tokens)
    cost = _quoted(attempt, usage, overrides)
    if cost is None:
        whose = {"provider": "the AI provider", "access_token": "the access token"}.get(
            limit.subject, "your account"
        )
        raise UnknownPrice(
            f"A spending cap is in force for {whose}, and the price of {attempt.model_name} is not known, so "
            "it cannot be held to the cap. A super-admin sets its price, or a ceiling, under Model prices.",
            details={
                "provider_type": attempt.provider_type,
                "model": attempt.model_name,
                "scope": limit.subject,
            },
        )
    if attempt.cache_for:
        written = [replace(usage, cache_write_tokens=usage.input_tokens)]
        if attempt.cache_for == "1h":
            written.append(replace(written[0], cache_write_1h_tokens=usage.input_tokens))
        costs = [_quoted(attempt, one, overrides) for one in written]
        # Who has no price for it takes none.
        cost = max([cost, *(one for one in costs if one is not None)])
    return picos(cost)


def _quoted(attempt: Attempt, usage: TokenUsage, overrides: Overrides) -> Decimal | None:
    quoted = bound(
        provider_type=attempt.provider_type,
        model_name=attempt.model_name,
        usage=usage,
        at=attempt.started_at,
        service_tier=attempt.requested_tier,
        overrides=overrides,
    )
    return quoted.cost if quoted else None


def cut(attempt: Attempt, *, taken: Mapping[CounterKey, tuple[int, int]], overrides: Overrides) -> Attempt:
    """The attempt with as many tokens as every counter has left for it, of which `taken` has (used,
    reserved). QuotaExceeded when that is less than it is made for."""
    fewest = replace(attempt, reserved_tokens=attempt.fewest_tokens)
    most, money = attempt.reserved_tokens, None
    for limit, hold in holds_of(fewest, overrides=overrides):
        if limit.limit is None:
            continue
        used, reserved = taken[hold.key]
        left = limit.limit - used - reserved
        if hold.amount > left:
            raise exceeded(limit, used=used, reserved=reserved, requested=hold.amount, now=attempt.started_at)
        if limit.unit == "tokens":
            most = min(most, left)
        elif money is None or left < money[1]:
            money = limit, left
    if money is not None:
        most = _tokens_for(attempt, *money, most=most, overrides=overrides)
    return replace(attempt, reserved_tokens=most)


def _tokens_for(
    attempt: Attempt, limit: QuotaLimit, picos_left: int, *, most: int, overrides: Overrides
) -> int:
    """How many of `most` tokens the money left pays for; it pays for the fewest."""

    def price_of(tokens: int) -> int:
        return _price_of_estimate(replace(attempt, reserved_tokens=tokens), limit, overrides)

    sizes = range(attempt.fewest_tokens, most + 1)
    return sizes[bisect_right(sizes, picos_left, key=price_of) - 1]
