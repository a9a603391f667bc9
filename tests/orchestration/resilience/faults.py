"""What the sandbox's vendors can be told to do wrong, whatever a test wants beside."""

from sandbox.faults import ERRORS

FAULTS = [
    *ERRORS,
    "rate_limited=60",
    "disconnect",
    "cut_stream",
    "malformed",
    "blocked",
    "blocked=answer",
    "broken_json",
    "empty",
    "truncated",
    "no_usage",
    "usage=7,3",
]
