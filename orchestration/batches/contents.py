"""What a call that waits for a vendor's batch carries, sealed at rest: it is about people."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from accounts.sealing import seal, unseal
from providers.adapters.base import ProviderReply, TokenUsage
from providers.errors import ErrorKind, ProviderError
from usage.ledger.base import Settlement

_COUNTS = (
    "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens",
    "cache_write_1h_tokens",
)  # fmt: skip


@dataclass(slots=True)
class Contents:
    """`body` is the request in the vendor's words; `kept` what the item needs again when the answer is there;
    `answer` or `error` what came of it, and `settled` what the usage row says of that. JSON all of it."""

    body: dict[str, Any] = field(default_factory=dict, repr=False)
    kept: dict[str, Any] = field(default_factory=dict, repr=False)
    answer: dict[str, str] | None = field(default=None, repr=False)
    error: dict[str, str] | None = None
    settled: dict[str, Any] | None = None

    @classmethod
    def of(cls, sealed: str) -> Contents:
        """Raises cryptography's InvalidToken when no key opens it."""
        return cls(**orjson.loads(zlib.decompress(unseal(sealed))))

    @property
    def size(self) -> int:
        """Bytes of the request."""
        return len(orjson.dumps(self.body))

    def sealed(self) -> str:
        fields = {name: getattr(self, name) for name in self.__slots__}
        return seal(zlib.compress(orjson.dumps(fields)))

    def answered(self, told: ProviderReply | ProviderError, settlement: Settlement) -> Contents:
        """The same without the request, which is not needed any more."""
        usage = {name: getattr(settlement.usage, name) for name in _COUNTS}
        cost = None if settlement.cost_usd is None else str(settlement.cost_usd)
        settled = {"usage": usage, "source": settlement.usage_source, "cost": cost}
        if isinstance(told, ProviderError):
            return Contents(
                kept=self.kept, error={"kind": told.kind, "message": told.message}, settled=settled
            )
        answer = {"text": told.text, "finish_reason": told.finish_reason}
        return Contents(kept=self.kept, answer=answer, settled=settled)

    @property
    def settlement(self) -> Settlement:
        """ValueError before it was settled."""
        if self.settled is None:
            raise ValueError("not settled yet")
        cost = self.settled["cost"]
        return Settlement(
            usage=TokenUsage(**self.settled["usage"]),
            usage_source=self.settled["source"],
            cost_usd=None if cost is None else Decimal(cost),
        )

    def failure(self, vendor: str) -> ProviderError | None:
        """Why there is no answer; None where there is one."""
        if self.error is None:
            return None
        return ProviderError(ErrorKind(self.error["kind"]), self.error["message"], vendor=vendor)
