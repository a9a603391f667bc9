"""An attempt of a call that was made outside the loop, in a vendor's batch, and failed there."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from orchestration.calls.call import Call
from orchestration.calls.loop import pause_before_retry
from orchestration.calls.question import Failure
from providers.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Who failed (None: a config that was deleted since), how, and what it cost in USD (None: unknown)."""

    identity: int | str | None
    model_name: str
    error: ProviderError
    cost_usd: Decimal | None

    def put_into(self, call: Call) -> None:
        """Have the call go on after it as after any failure. What a model does not take is left to be found
        out, and remembered, by the loop."""
        call.budget.attempts = call.budget.next_number()
        call.budget.costs.append(self.cost_usd)
        candidate = next(
            (one for one in call.order if self._was(one.provider.identity, one.model_name)), None
        )
        if candidate is None or self.error.meaning.retry_here == "once_without":
            return
        call.failures.append(Failure(candidate, self.error, was_elsewhere=True))
        if pause_before_retry(self.error, retries_here=call.retries_of(candidate)) is None:
            call.rule_out_after(candidate, self.error)

    def _was(self, identity: int | str, model_name: str) -> bool:
        return (identity, model_name) == (self.identity, self.model_name)
