"""How fast each provider's model has been answering this process."""

from __future__ import annotations

from threading import Lock

# The share of the newest answer in the average: some twenty answers back count for little.
NEWEST = 0.1


class Latencies:
    """Exponentially weighted moving averages in milliseconds. Per process on purpose: what counts is how fast
    a vendor is from here, and no call should pay for telling others."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._averages: dict[tuple[int | str, str], float] = {}

    def note(self, provider: int | str, model: str, milliseconds: float) -> None:
        with self._lock:
            before = self._averages.get((provider, model), milliseconds)
            self._averages[provider, model] = before + NEWEST * (milliseconds - before)

    def of(self, provider: int | str, model: str) -> float | None:
        return self._averages.get((provider, model))


latencies = Latencies()
