"""The ledger's contract: every counter in force and the usage row move together, or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from providers.adapters.base import TokenUsage
from usage.ledger.limits import Hold, QuotaExceeded, QuotaLimit, QuotaWarning, UnknownPrice

if TYPE_CHECKING:
    from usage.pricing import Overrides

__all__ = [
    "Attempt",
    "Hold",
    "Ledger",
    "Outcome",
    "QuotaExceeded",
    "QuotaLimit",
    "QuotaWarning",
    "Reservation",
    "Settlement",
    "StaleRouting",
    "StaleStanding",
    "UnknownPrice",
]


class StaleRouting(Exception):
    """The routing revision moved since the caller took its snapshot; nothing was reserved. Load and retry."""


class StaleStanding(StaleRouting):
    """The same of the account, or of the personal access token: something changed since it was read."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known before a call. `config_id` is None for the env fallback. `reserved_tokens` is the
    estimate to hold, `reserved_input_tokens` the part of it that the prompt takes (it prices an estimate, and
    what is held of a spending cap); `least_tokens` the fewest that the call is worth making with where a
    quota has less left, None for all of them; `prices` are the admin's own, as the routing data has them,
    None to have them read; `expires_at` is when a sweeper may assume that the caller died. `stamp` names the
    account's standing that the caller went by, `login_family` the login and `token_stamp` what the personal
    access token allows, for the ledger to verify; None where the caller has read them just now, or there is
    none. `requested_tier` is the service tier that the vendor is asked for, at whose price it is held;
    `cache_for` how long it is asked to keep the prompt, which may cost more than reading it. `is_parked`: no
    process is at it until it ends, and then it may be another one."""

    user_id: int | None
    config_id: int | None
    provider_type: str
    model_name: str
    task: str
    plan: str
    request_id: str
    number: int
    reserved_tokens: int
    limits: tuple[QuotaLimit, ...]
    routing_revision: int
    started_at: datetime
    expires_at: datetime
    reserved_input_tokens: int = 0
    least_tokens: int | None = None
    prices: Overrides | None = field(default=None, repr=False)
    experiment_arm: int | None = None
    personal_token: int | None = None
    stamp: str | None = None
    login_family: str | None = None
    token_stamp: str | None = None
    prompt_version: str = ""
    requested_tier: str = ""
    cache_for: str = ""
    is_parked: bool = False

    @property
    def fewest_tokens(self) -> int:
        return min(self.reserved_tokens, self.least_tokens or self.reserved_tokens)

    @property
    def max_output_tokens(self) -> int:
        """The longest reply that what is held has room for."""
        return self.reserved_tokens - self.reserved_input_tokens


@dataclass(frozen=True, slots=True)
class Reservation:
    """`attempt` is the one that was reserved, with fewer tokens where less was left. `holds` is what it
    holds, in the order of locking. `near` are the user's own quotas that were past 80 % with what was held,
    each with what was taken of it then."""

    log_id: int
    attempt: Attempt
    holds: tuple[Hold, ...]
    near: tuple[QuotaWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended. `status` is a `usage.models.Status` other than started. `usage` None with
    `may_have_cost` settles at the reserved estimate (a timeout, a dead connection: the vendor may bill it);
    None without it settles at zero (the vendor refused before doing any work). `estimate` is a better one
    than what was reserved, where part of the answer came. `model_name` is the one the vendor says it used,
    where it says so; `settled_at` None means now. `is_timed` False: nobody waited for it, so that
    `latency_ms` says nothing and is not written. `was_sent` False makes the row one of attempt 0, since no
    vendor was asked after all."""

    status: str
    usage: TokenUsage | None
    latency_ms: int
    may_have_cost: bool = True
    model_name: str = ""
    service_tier: str = ""
    error_kind: str = ""
    error_message: str = ""
    settled_at: datetime | None = None
    was_sent: bool = True
    is_timed: bool = True
    estimate: TokenUsage | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was written: tokens and cost (USD, None = price unknown) as they stand in the row.

    `quota_warnings` are the user's own quotas of which this call took more than 80 %, by the counters as they
    were when it reserved and by what it really used. A call that used more than it had held may pass the mark
    unnoticed; then the next one tells. `saved_usd` is what the vendor's cache took off the cost (`bill`).
    `corrects_sweep`: a sweeper had closed the row at the estimate. `is_news` False: it was settled before,
    and nothing was written."""

    usage: TokenUsage
    usage_source: str
    cost_usd: Decimal | None
    quota_warnings: tuple[QuotaWarning, ...] = ()
    saved_usd: Decimal | None = Decimal(0)
    corrects_sweep: bool = field(default=False, compare=False)
    is_news: bool = field(default=True, compare=False)


class Ledger(ABC):
    """`has_stamps`: a call may go by what its process knows, because `reserve` verifies it.

    All methods are safe to call from any event loop and hold no connection when they return.

    Callers shield `reserve` and `settle` from cancellation and await them to the end: a statement that is on
    its way to the database may take effect after its caller has gone.
    """

    has_stamps = False

    @abstractmethod
    async def reserve(self, attempt: Attempt) -> Reservation:
        """Move every counter of `attempt.limits` by the tokens, or by their price now, and write the usage
        row as `started`. Where a counter has less left, but enough for `attempt.least_tokens`, all of them
        move by what is left, and the reservation's attempt says so.

        One short transaction, or two near a limit. Raises QuotaExceeded (nothing moved, no row),
        UnknownPrice, StaleRouting, StaleStanding or SignedOut (likewise). The first two are said only of what
        was verified.
        """

    @abstractmethod
    async def settle(self, reservation: Reservation, outcome: Outcome) -> Settlement:
        """Turn the reservation into what was really used, priced; never capped by any limit.

        Idempotent. A row the sweeper closed meanwhile is corrected to the actual figures. What a vendor
        reported and no column takes is settled at the estimate instead: every row can be closed.
        """

    @abstractmethod
    async def record_refusal(self, attempt: Attempt, *, error_kind: str, error_message: str) -> None:
        """Write a row with attempt 0, status error and no tokens, for a call no vendor was asked for."""

    @abstractmethod
    async def record_cached(self, attempt: Attempt, *, latency_ms: int) -> None:
        """Write a row with attempt 0, status success, `cached`, no tokens and no cost, for an answer that was
        given again instead of asking a vendor."""

    @abstractmethod
    async def sweep(self, *, now: datetime) -> int:
        """Close rows still `started` past `expires_at` at their reserved estimate (status aborted, usage
        estimated); returns how many. Safe to run in parallel."""
