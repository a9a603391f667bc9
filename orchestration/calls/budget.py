"""What all attempts of a call share."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

# One call makes at most this many HTTP requests, whatever combination of failures it meets.
MAX_ATTEMPTS = 5


@dataclass(slots=True)
class CallBudget:
    """What all that is asked for one `generate` shares: HTTP requests made and allowed, what each of them
    cost, and the moment (of the event loop's clock) by which all has to be over."""

    deadline: float
    most: int = MAX_ATTEMPTS
    attempts: int = 0
    costs: list[Decimal | None] = field(default_factory=list)
    numbered: int = 0

    @property
    def is_spent(self) -> bool:
        return self.attempts >= self.most

    def next_number(self) -> int:
        """A number for an attempt that no other one of the call has, votes under way at once included."""
        self.numbered += 1
        return self.numbered

    def take_back(self, number: int) -> None:
        """The attempt came to nothing; its number is free again if no other was given out since."""
        if self.numbered == number:
            self.numbered -= 1

    @property
    def total_cost(self) -> Decimal | None:
        """USD over all attempts; None when the price of any is unknown."""
        known = [cost for cost in self.costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(self.costs) else None
