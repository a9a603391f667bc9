"""What each kind of failure means for the call: the error table of docs/architecture.md as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tenacity import AsyncRetrying, RetryCallState, wait_random_exponential

from providers.errors import ErrorKind, ProviderError

# One call makes at most this many HTTP requests, whatever combination of failures it meets.
MAX_ATTEMPTS = 5
# A vendor that asks for a longer pause is left for the next candidate instead.
LONGEST_RETRY_AFTER_SECONDS = 3.0
# Full jitter: uniform between 0 and a ceiling that doubles with every retry.
_BACKOFF = wait_random_exponential(multiplier=0.5, max=4.0)

NextConfig = Literal["yes", "no", "larger_window", "per_task"]


@dataclass(frozen=True, slots=True)
class Policy:
    """`retry_here`: ask the same provider once more. `next_config`: whether another provider may be asked.
    `flags_config`: the key or account needs a person. What a failure does to the circuit breaker stands in
    `orchestration.guards.circuit.EFFECTS`."""

    retry_here: Literal["no", "once", "if_retry_after_short"] = "no"
    next_config: NextConfig = "yes"
    flags_config: bool = False


POLICIES: dict[ErrorKind, Policy] = {
    ErrorKind.AUTH: Policy(flags_config=True),
    ErrorKind.BILLING: Policy(flags_config=True),
    ErrorKind.NOT_FOUND: Policy(flags_config=True),
    ErrorKind.BAD_REQUEST: Policy(next_config="no"),
    ErrorKind.TOO_LONG: Policy(next_config="larger_window"),
    ErrorKind.TOO_LARGE: Policy(next_config="no"),
    ErrorKind.TIMEOUT: Policy(retry_here="once"),
    ErrorKind.SERVER: Policy(retry_here="once"),
    ErrorKind.RATE_LIMITED: Policy(retry_here="if_retry_after_short"),
    ErrorKind.OVERLOADED: Policy(retry_here="if_retry_after_short"),
    ErrorKind.BLOCKED: Policy(next_config="per_task"),
    ErrorKind.UNPARSABLE: Policy(retry_here="once"),
}


def pause_before_retry(error: ProviderError, *, retries_here: int) -> float | None:
    """Seconds to wait before asking the same provider again, or None when it must not be asked again.

    Without a Retry-After the pause is drawn with full jitter
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """
    policy = POLICIES[error.kind]
    if retries_here >= 1 or policy.retry_here == "no":
        return None
    if policy.retry_here == "if_retry_after_short":
        wait = error.retry_after
        return wait if wait is not None and wait <= LONGEST_RETRY_AFTER_SECONDS else None
    if error.kind is ErrorKind.UNPARSABLE:
        return 0.0
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= LONGEST_RETRY_AFTER_SECONDS else None
    return _jittered(retries_here)


def _jittered(retries_here: int) -> float:
    state = RetryCallState(AsyncRetrying(), None, (), {})
    state.attempt_number = retries_here + 1
    return _BACKOFF(state)
