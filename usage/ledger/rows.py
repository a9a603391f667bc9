"""What the ledger writes into a usage row and moves in the counters. Pure; shared by all implementations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from providers.adapters.base import TokenUsage
from providers.redaction import redact
from usage.ledger.base import Attempt, Hold, Outcome, QuotaWarning, Reservation, Settlement
from usage.ledger.limits import CounterKey, picos
from usage.models import AIProviderUsageLog, Status, UsageSource
from usage.pricing import Overrides, price, saved_usd

ERROR_MESSAGE_LENGTH = 500
# The most that its column holds, of 24 days.
_LONGEST_LATENCY_MS = 2**31 - 1


_ABANDONED = Outcome(
    status=Status.ABORTED.value,
    usage=None,
    latency_ms=0,
    error_kind="abandoned",
    error_message="The process that made this call ended before settling it.",
)


@dataclass(frozen=True, slots=True)
class Held:
    """What a row that is to be closed holds: tokens, and what of which counters."""

    provider_type: str
    model_name: str
    tokens: int
    input_tokens: int
    holds: tuple[Hold, ...]
    started_at: datetime
    requested_tier: str = ""

    @classmethod
    def by_reservation(cls, reservation: Reservation) -> Held:
        attempt = reservation.attempt
        return cls(
            provider_type=attempt.provider_type,
            model_name=attempt.model_name,
            tokens=attempt.reserved_tokens,
            input_tokens=attempt.reserved_input_tokens,
            holds=reservation.holds,
            started_at=attempt.started_at,
            requested_tier=attempt.requested_tier,
        )

    @classmethod
    def by_row(cls, row: AIProviderUsageLog) -> Held:
        return cls(
            provider_type=row.provider_type,
            model_name=row.model_name,
            tokens=row.reserved_tokens,
            input_tokens=row.reserved_input_tokens,
            holds=tuple(_hold_of(row, *entry) for entry in sorted(row.quota_keys)),
            started_at=row.created_at,
            requested_tier=row.requested_tier,
        )

    def estimate(self) -> TokenUsage:
        return estimate_of(self.input_tokens, self.tokens)

    def charge(self, *, tokens: int, cost_usd: Decimal | None) -> dict[CounterKey, int]:
        """What each counter is to bear. Money whose price got lost since it was held stays as it was held."""
        spent = None if cost_usd is None else picos(cost_usd)
        return {
            hold.key: tokens if hold.unit == "tokens" else hold.amount if spent is None else spent
            for hold in self.holds
        }


def _hold_of(row: AIProviderUsageLog, scope: str, window: str, amount: int | None = None) -> Hold:
    return Hold(scope, window, row.reserved_tokens if amount is None else amount)


def estimate_of(input_tokens: int, tokens: int) -> TokenUsage:
    read = min(input_tokens, tokens)
    return TokenUsage(input_tokens=read, output_tokens=tokens - read)


def lock_order(keys: Iterable[CounterKey]) -> tuple[CounterKey, ...]:
    """Every transaction that moves several counters takes them in this order, or two of them deadlock."""
    return tuple(sorted(keys))


def warnings_after(reservation: Reservation, charged: Mapping[CounterKey, int]) -> tuple[QuotaWarning, ...]:
    """Which of the quotas that were nearly used up with what was held still are with what was charged."""
    held = {hold.key: hold.amount for hold in reservation.holds}
    found = []
    for warning in reservation.near:
        key = (warning.quota.scope, warning.quota.window)
        taken = warning.taken - held[key] + charged[key]
        if warning.quota.is_due_for_warning(taken):
            found.append(replace(warning, taken=taken))
    return tuple(found)


def columns_opened(attempt: Attempt, holds: Iterable[Hold] = ()) -> dict[str, Any]:
    """The columns of a call about to be made that are not left at their defaults. They name what it holds, so
    that whoever closes the row needs nothing else; counters of tokens all hold `reserved_tokens`, so only
    amounts of money are spelt out."""
    return {
        "user_id": attempt.user_id,
        "provider_config_id": attempt.config_id,
        "provider_type": attempt.provider_type,
        "model_name": attempt.model_name,
        "task_type": attempt.task,
        "plan": attempt.plan,
        "request_id": attempt.request_id,
        "attempt": attempt.number,
        "prompt_version": attempt.prompt_version,
        "requested_tier": attempt.requested_tier,
        "status": Status.STARTED.value,
        "reserved_tokens": attempt.reserved_tokens,
        "reserved_input_tokens": attempt.reserved_input_tokens,
        "quota_keys": [[*hold.key] if hold.unit == "tokens" else [*hold.key, hold.amount] for hold in holds],
        "created_at": attempt.started_at,
        "expires_at": attempt.expires_at,
        "experiment_arm": attempt.experiment_arm,
        "personal_token": attempt.personal_token,
    }


def opened(attempt: Attempt, holds: Iterable[Hold] = ()) -> AIProviderUsageLog:
    """The unsaved row of a call about to be made."""
    return AIProviderUsageLog(**columns_opened(attempt, holds))


def answered_again(attempt: Attempt, *, latency_ms: int) -> AIProviderUsageLog:
    """The unsaved row of a call that was answered from the cache: closed, empty, and free of charge."""
    row = _unsent(attempt)
    row.status = Status.SUCCESS
    row.cached = True
    row.latency_ms = max(0, latency_ms)
    return row


def refused(attempt: Attempt, *, error_kind: str, error_message: str) -> AIProviderUsageLog:
    """The unsaved row of a call that no vendor was asked for: closed, empty, and free of charge."""
    row = _unsent(attempt)
    row.status = Status.ERROR
    row.error_kind = error_kind[:30]
    row.error_message = _presentable(error_message)
    return row


def _unsent(attempt: Attempt) -> AIProviderUsageLog:
    row = opened(attempt)
    row.attempt = 0
    row.reserved_tokens = row.reserved_input_tokens = 0
    row.expires_at = None
    row.settled_at = attempt.started_at
    row.estimated_cost_usd = Decimal(0)
    return row


def closed(
    held: Held, outcome: Outcome, *, overrides: Overrides, now: datetime
) -> tuple[Settlement, Mapping[str, Any]]:
    """How a call ended, and the columns that say so; `outcome` is a presentable one."""
    usage, source = _charged(held, outcome)
    priced = price(
        provider_type=held.provider_type,
        model_name=held.model_name,
        reported_model=outcome.model_name,
        usage=usage,
        at=held.started_at,
        service_tier=outcome.service_tier or held.requested_tier,
        overrides=overrides,
    )
    columns = {
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "total_tokens": usage.total_tokens,
        "usage_source": source,
        "estimated_cost_usd": priced.cost,
        "unit_prices": priced.unit_prices,
        "is_free": priced.is_free,
        "reported_model": outcome.model_name,
        "service_tier": outcome.service_tier,
        "status": outcome.status,
        "error_kind": outcome.error_kind[:30],
        "error_message": outcome.error_message,
        "latency_ms": min(max(0, outcome.latency_ms), _LONGEST_LATENCY_MS) if outcome.is_timed else None,
        "settled_at": outcome.settled_at or now,
    }
    if not outcome.was_sent:
        columns["attempt"] = 0
    saved = saved_usd(usage, priced.unit_prices)
    return Settlement(usage, source, priced.cost, saved_usd=saved), columns


def swept(
    held: Held, *, overrides: Overrides, now: datetime
) -> tuple[Mapping[str, Any], Mapping[CounterKey, tuple[int, int]]]:
    """The columns of a call that nobody closed, settled at the estimate, and by how much each of its counters
    moves: (used, reserved)."""
    settlement, columns = closed(held, _ABANDONED, overrides=overrides, now=now)
    charged = held.charge(tokens=settlement.usage.total_tokens, cost_usd=settlement.cost_usd)
    moves = {hold.key: (charged[hold.key], -hold.amount) for hold in held.holds}
    return {**columns, "latency_ms": None, "swept": True}, moves


def presentable(outcome: Outcome) -> Outcome:
    """The outcome with nothing in its texts that a column does not take."""
    return replace(
        outcome,
        model_name=_presentable(outcome.model_name, 200),
        service_tier=_presentable(outcome.service_tier, 30),
        error_message=_presentable(outcome.error_message),
    )


def without_details(outcome: Outcome) -> Outcome:
    """The outcome without what came from a vendor: settled at the estimate where it cost anything."""
    return replace(
        outcome,
        usage=None,
        estimate=None,
        may_have_cost=outcome.may_have_cost or outcome.usage is not None,
        model_name="",
        service_tier="",
        error_message="",
    )


def as_it_stands(row: AIProviderUsageLog) -> Settlement:
    """What a closed row says."""
    usage = TokenUsage(
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cached_tokens=row.cached_tokens,
        cache_write_tokens=row.cache_write_tokens,
        cache_write_1h_tokens=row.cache_write_1h_tokens,
        reasoning_tokens=row.reasoning_tokens,
    )
    saved = saved_usd(usage, row.unit_prices)
    return Settlement(usage, row.usage_source, row.estimated_cost_usd, saved_usd=saved, is_news=False)


def _charged(held: Held, outcome: Outcome) -> tuple[TokenUsage, str]:
    if outcome.usage is not None and outcome.usage.is_plausible:
        return outcome.usage, UsageSource.VENDOR.value
    if outcome.may_have_cost and held.tokens:
        return outcome.estimate or held.estimate(), UsageSource.ESTIMATED.value
    return TokenUsage(), UsageSource.NONE.value


def _presentable(text: object, length: int = ERROR_MESSAGE_LENGTH) -> str:
    """What a column of text takes from a vendor: no secrets, and nothing that a database refuses or a reader
    cannot see."""
    if not isinstance(text, str):
        return ""
    # Redacted before it is cut, so that half a key does not survive the cut unrecognised.
    return "".join(letter if letter.isprintable() else " " for letter in redact(text)[:length])
