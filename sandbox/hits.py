"""What reached the sandbox, for tests that compare it with the usage rows."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class HitCounter:
    """A generation is counted when its headers have been read, whatever becomes of it afterwards.

    Each request of a batch is one, when it is worked on; `batches` are those sent, by vendor. Statuses are
    the HTTP codes sent, or `disconnect` (we closed on purpose) or `client_left`.
    """

    total: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0
    by_vendor: Counter[str] = field(default_factory=Counter)
    by_model: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)
    model_lists: Counter[str] = field(default_factory=Counter)
    batches: Counter[str] = field(default_factory=Counter)

    def arrive(self, vendor: str) -> None:
        self.total += 1
        self.by_vendor[vendor] += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def leave(self, status: str) -> None:
        self.in_flight -= 1
        self.by_status[status] += 1

    def as_dict(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "by_vendor": dict(self.by_vendor),
            "by_model": dict(self.by_model),
            "by_status": dict(self.by_status),
            "model_lists": dict(self.model_lists),
            "batches": dict(self.batches),
        }

    def reset(self) -> None:
        """Forget everything but the calls still in flight, which will yet leave."""
        self.total, self.peak_in_flight = 0, self.in_flight
        for counter in (self.by_vendor, self.by_model, self.by_status, self.model_lists, self.batches):
            counter.clear()
