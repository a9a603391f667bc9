"""How well models do their tasks, as far as figures tell: what stands beside a price.

The log tells of replies that could not be read and of latency. What people think of answers and what was
refused in drafts is known above this app; who knows it registers a source when Django starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from providers.errors import ErrorKind
from providers.model_names import plain_name
from usage import stats
from usage.models import AIProviderUsageLog
from usage.stats import Period
from usage.stats.cells import within

# (provider type, plain model name, task)
Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Quality:
    """Of one model at one task; two can be added. `answers` are successful, priced calls, `unparsable`
    replies that were not in the form asked for. `drafts` were made by the model, `ungrounded` of them with a
    text that was refused as unproven. `p95_latency_ms` is of the model over all tasks, None without a
    successful call."""

    answers: int = 0
    unparsable: int = 0
    ratings: int = 0
    rating_sum: int = 0
    drafts: int = 0
    ungrounded: int = 0
    p95_latency_ms: int | None = None

    def __add__(self, other: Quality) -> Quality:
        return Quality(
            self.answers + other.answers,
            self.unparsable + other.unparsable,
            self.ratings + other.ratings,
            self.rating_sum + other.rating_sum,
            self.drafts + other.drafts,
            self.ungrounded + other.ungrounded,
            other.p95_latency_ms if self.p95_latency_ms is None else self.p95_latency_ms,
        )

    @property
    def unparsable_percent(self) -> float | None:
        """Of the replies that came back; None without a readable one, as free models have."""
        return _percent(self.unparsable, self.answers + self.unparsable) if self.answers else None

    @property
    def ungrounded_percent(self) -> float | None:
        """Of the drafts; None without any."""
        return _percent(self.ungrounded, self.drafts)

    @property
    def rating(self) -> float | None:
        """Mean of 1 to 5; None without any."""
        return round(self.rating_sum / self.ratings, 2) if self.ratings else None


NOTHING_KNOWN = Quality()
Source = Callable[[Period], Mapping[Place, Quality]]
_SOURCES: list[Source] = []


def register(source: Source) -> None:
    """Have figures of `source` added to every model's. Idempotent."""
    if source not in _SOURCES:
        _SOURCES.append(source)


def quality_of(period: Period, *, answers: Mapping[Place, int]) -> dict[Place, Quality]:
    """What is known of every model and task of the period, whose rows are all there. `answers` are its
    successful calls, counted already by who asks."""
    found: dict[Place, Quality] = {}
    for known in (_answered(period, answers), _unparsable(period), *(source(period) for source in _SOURCES)):
        for place, quality in known.items():
            found[place] = found.get(place, NOTHING_KNOWN) + quality
    return found


def place_of(row: Mapping[str, Any]) -> Place:
    """Where the figures of a row with these three columns belong."""
    return row["provider_type"], plain_name(row["model_name"]), row["task_type"]


def _answered(period: Period, answers: Mapping[Place, int]) -> dict[Place, Quality]:
    latencies: dict[tuple[str, str], int | None] = {}
    for row in stats.breakdown(period=period, by="model"):
        provider_type, _, model = row.key.partition("/")
        latencies[provider_type, plain_name(model)] = row.figures.p95_latency_ms
    return {
        place: Quality(answers=calls, p95_latency_ms=latencies.get(place[:2]))
        for place, calls in answers.items()
    }


def _unparsable(period: Period) -> dict[Place, Quality]:
    """Over the index of failed calls, which are few."""
    rows = AIProviderUsageLog.objects.filter(
        within("created_at", [(period.start, period.end)]),
        error_kind=ErrorKind.UNPARSABLE,
        attempt__gte=1,
    )
    by = ("provider_type", "model_name", "task_type")
    found: dict[Place, Quality] = {}
    for row in rows.order_by().values(*by).annotate(n=Count("pk")):
        found[place_of(row)] = found.get(place_of(row), NOTHING_KNOWN) + Quality(unparsable=row["n"])
    return found


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None
