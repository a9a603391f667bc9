"""What a call has been given by the guards, and has to give back."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.errors import TooManyCalls
from orchestration.guards.base import Entry, GateAnswer
from orchestration.routing.candidates import Candidate
from providers.errors import ProviderError


@dataclass(slots=True)
class Visit:
    """A call's place at the gate of its user: `is_inside` while it has it, `is_expected` while it is to take
    it with the first pass. It counts for the rate unless `is_counted` says otherwise before the end. `whose`
    limits are the gate's, at the beginning of a sentence."""

    entry: Entry
    is_expected: bool = False
    is_inside: bool = False
    is_counted: bool = True
    whose: str = "Your plan"

    def told(self, answer: GateAnswer) -> None:
        """What the gate said; TooManyCalls when the call may not pass."""
        if not answer.admitted:
            raise TooManyCalls.because(answer.cause, wait=answer.wait, gate=self.entry.gate, whose=self.whose)
        self.is_expected, self.is_inside = False, True


@dataclass(slots=True)
class Pass:
    """One candidate's leave to be asked once. `sent` before the request leaves makes it count for the
    provider's rate; `answered` or `failed` before it ends tells the circuit how the vendor did, neither that
    nobody knows. `in_a_row`: so many have failed like this at its end, with no answer between them. `visit`:
    the place at the user's gate that ends with it."""

    candidate: Candidate
    entry: Entry
    user_id: int
    was_sent: bool = False
    was_answered: bool = False
    error: ProviderError | None = None
    is_helped: bool = False
    in_a_row: int = 0
    visit: Entry | None = None

    def sent(self) -> None:
        self.was_sent = True

    def answered(self) -> None:
        self.was_answered = True

    def failed(self, error: ProviderError, *, is_helped: bool = False) -> None:
        """`is_helped`: the next request will be made without what was refused."""
        self.error, self.is_helped = error, is_helped

    @property
    def whose(self) -> str:
        """By whom or what its failure is counted among others like it."""
        flag = self.error.meaning.flag if self.error and not self.is_helped else None
        if flag is None:
            return ""
        return str(self.user_id) if flag.counted == "callers" else self.entry.call


@dataclass(frozen=True, slots=True)
class Unavailable:
    """`wait` in seconds until the candidate may be free, 0 when nobody can tell. `is_busy`: waiting helps."""

    candidate: Candidate
    wait: float
    is_busy: bool
