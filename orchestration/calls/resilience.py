"""When the same provider is asked again, and how long before that."""

from __future__ import annotations

import random

from providers.errors import ProviderError

# One call makes at most this many HTTP requests, whatever combination of failures it meets.
MAX_ATTEMPTS = 5
# A vendor that asks for a longer pause is left for the next candidate instead.
LONGEST_RETRY_AFTER_SECONDS = 3.0
# Full jitter: uniform between 0 and a ceiling that doubles with every retry.
_FIRST_CEILING, _HIGHEST_CEILING = 0.5, 4.0


def pause_before_retry(
    error: ProviderError, *, retries_here: int, can_do_without: bool = False
) -> float | None:
    """Seconds to wait before asking the same provider again, or None when it must not be asked again.

    `can_do_without`: the request can be made without the parameter that was refused, which counts for none of
    the `retries_here`. Without a Retry-After the pause is drawn with full jitter
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """
    retry = error.meaning.retry_here
    if retry == "once_without":
        return 0.0 if can_do_without else None
    if retry == "no" or retries_here >= 1:
        return None
    if retry == "once_told":
        return 0.0
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= LONGEST_RETRY_AFTER_SECONDS else None
    return _jittered(retries_here) if retry == "once" else None


def _jittered(retries_here: int) -> float:
    ceiling = min(_HIGHEST_CEILING, _FIRST_CEILING * 2**retries_here)
    return random.uniform(0, ceiling)  # noqa: S311 - spreads retries, guards nothing
