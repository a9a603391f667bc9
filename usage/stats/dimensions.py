"""What calls are told apart by, and how finely each dimension is kept."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from usage.stats.period import DAY, HOUR

# Stand-ins where a provider's id would be: every provider together, and calls by no stored provider (a key
# from the environment, a deleted config, a refusal).
ALL_PROVIDERS = -1
NO_PROVIDER = 0


class Dimension(StrEnum):
    """What calls are told apart by. Keys: "" | provider_type/model_name | task | plan | user id | kind of
    error | status, "cached" for an answer that asked no vendor, "refused" for a call that asked none |
    task/version of its prompt, "" where no prompt of ours was used."""

    TOTAL = "total"
    MODEL = "model"
    TASK = "task"
    PLAN = "plan"
    USER = "user"
    ERROR = "error"
    STATUS = "status"
    PROMPT = "prompt_version"


# A dimension, and whether each provider is kept apart.
Kept = tuple[Dimension, bool]

# What is kept by the hour. By the day it is everything. People by the hour
# would be about as many cells as there are calls.
HOURLY: frozenset[Kept] = frozenset(
    {(dimension, False) for dimension in Dimension if dimension is not Dimension.USER}
    | {(Dimension.TOTAL, True), (Dimension.MODEL, True), (Dimension.ERROR, True)}
)
DAILY: frozenset[Kept] = frozenset(
    (dimension, by_provider) for dimension in Dimension for by_provider in (False, True)
)
# Kept by quarters of a day beside the day: as many people as call in a quarter, and not in each of its hours.
PARTED: frozenset[Kept] = frozenset({(Dimension.USER, False)})
PART = 6 * HOUR
SPANS: dict[str, timedelta] = {"hour": HOUR, "part": PART, "day": DAY}


def finest_span(dimension: Dimension, *, by_provider: bool) -> str:
    """The shortest of SPANS that the dimension has rollups by."""
    kept = (dimension, by_provider)
    return "hour" if kept in HOURLY else "part" if kept in PARTED else "day"
