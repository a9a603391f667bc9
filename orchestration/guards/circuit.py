"""The circuit breaker of one config and model, as pure transitions over a small frozen state.

Closed: calls pass. Open: none does, until `open_until`. Then half-open: one call, the probe, passes, and its
answer closes the circuit or opens it again (Nygard, Release It!, "Circuit Breaker").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from providers.errors import LONGEST_RETRY_AFTER, ErrorKind

State = Literal["closed", "open", "half_open", "probing"]

# So many failures one after the other open a circuit, or half of the latest answers once there are enough.
CONSECUTIVE_FAILURES = 5
LATEST = 20
FAILURE_SHARE = 0.5
# Seconds a circuit stays open after failures of the vendor's, and after a refused key or account, which only
# a person can mend.
COOLDOWN = 30.0
REFUSED_COOLDOWN = 300.0
# Seconds within which refusals are one and the same.
SAME_REFUSAL = 1.0
# Seconds without a Retry-After from a vendor that is too busy.
BUSY_COOLDOWN = 5.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """Times are seconds since the epoch. `outcomes` are the latest answers since the last time all was well,
    newest last: "1" failed, "0" did not. `reason` is the ErrorKind that opened it; `probe` names the call
    that tries it, until `probe_until` at the latest. `complaints` are the refusals of requests since the last
    answer: their kind, a colon, and of whom, separated by commas."""

    outcomes: str = ""
    reason: str = ""
    opened_at: float = 0.0
    open_until: float = 0.0
    probe: str = ""
    probe_until: float = 0.0
    complaints: str = ""

    def state(self, now: float) -> State:
        if not self.reason:
            return "closed"
        if now < self.open_until:
            return "open"
        return "probing" if self.probe and now < self.probe_until else "half_open"

    def shut_for(self, now: float) -> float:
        """Seconds until a call may pass, as far as is known; 0 when one may now."""
        state = self.state(now)
        if state == "open":
            return self.open_until - now
        return 1.0 if state == "probing" else 0.0

    @property
    def is_busy(self) -> bool:
        """Whether it is open because the vendor asked us to wait, which waiting cures."""
        return bool(self.reason) and ErrorKind(self.reason).meaning.breaker == "cools"

    def in_a_row(self, kind: ErrorKind) -> int:
        """How many have complained of this since the last answer."""
        what, _, whom = self.complaints.partition(":")
        return len(whom.split(",")) if what == kind.value else 0

    def forget_after(self, now: float) -> float:
        """Seconds after which nothing is lost when this state is forgotten."""
        return max(600.0, self.open_until - now + 600.0)

    def probed_by(self, call: str, *, now: float, seconds: float) -> Circuit | None:
        """The half-open circuit with `call` as its probe; None when another call is trying it already."""
        if self.state(now) != "half_open":
            return None
        return replace(self, probe=call, probe_until=now + seconds)

    def released_by(self, call: str) -> Circuit:
        """The probe was never sent: another call may try."""
        return replace(self, probe="", probe_until=0.0) if self.probe == call else self

    def answered(self, call: str) -> Circuit:
        """`call` got an answer, be it a refusal of the request: the vendor works."""
        if self.reason:
            # Only the probe knows how the vendor is now; a call that began before may answer late.
            return Circuit() if self.probe == call else self
        outcomes = f"{self.outcomes}0"[-LATEST:] if self.outcomes else ""
        return replace(self, outcomes=outcomes if "1" in outcomes else "", complaints="")

    def failed(
        self,
        call: str,
        kind: ErrorKind,
        *,
        now: float,
        retry_after: float | None = None,
        whose: str = "",
    ) -> Circuit:
        """`whose` names who or what a refusal of the request is counted by; empty counts it not."""
        effect = kind.meaning.breaker
        if effect == "none":
            return replace(self.answered(call), complaints=self._complaints_with(kind, whose))
        if kind.meaning.is_unusable:
            return self._refused(kind, now)
        if effect == "cools":
            wait = BUSY_COOLDOWN if retry_after is None else min(retry_after, LONGEST_RETRY_AFTER)
            return self if now + wait < self.open_until else self._opened(kind, now, wait)
        if self.reason:
            return self._opened(kind, now, COOLDOWN) if self.probe == call else self
        outcomes = f"{self.outcomes}1"[-LATEST:]
        in_a_row = len(outcomes) - len(outcomes.rstrip("1"))
        share = outcomes.count("1") / len(outcomes)
        if in_a_row >= CONSECUTIVE_FAILURES or (len(outcomes) == LATEST and share >= FAILURE_SHARE):
            return self._opened(kind, now, COOLDOWN)
        return replace(self, outcomes=outcomes)

    def _complaints_with(self, kind: ErrorKind, whose: str) -> str:
        what, _, whom = self.complaints.partition(":")
        known = whom.split(",") if what == kind.value else []
        if not whose or whose in known:
            return self.complaints
        flag = kind.meaning.flag
        return f"{kind.value}:{','.join([*known, whose][-flag.after :])}" if flag else ""

    def _refused(self, kind: ErrorKind, now: float) -> Circuit:
        # Of many calls that are refused at once, the first one says it all.
        is_said = self.reason == kind.value and self.open_until > now + REFUSED_COOLDOWN - SAME_REFUSAL
        return self if is_said else self._opened(kind, now, REFUSED_COOLDOWN)

    def _opened(self, kind: ErrorKind, now: float, seconds: float) -> Circuit:
        since = self.opened_at if self.reason else now
        return Circuit(reason=kind.value, opened_at=since, open_until=now + seconds)
