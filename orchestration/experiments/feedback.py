"""What users think of the answers they got."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, OuterRef, Subquery, Sum

from accounts.models import User
from orchestration.experiments.errors import NothingToRate
from orchestration.models import CallFeedback
from usage.models import AIProviderUsageLog, Status
from usage.quality import NOTHING_KNOWN, Place, Quality, place_of
from usage.stats import Period


@dataclass(frozen=True, slots=True)
class RecordedFeedback:
    """`is_new` is False when the user has changed their mind."""

    feedback: CallFeedback
    is_new: bool


def record_feedback(*, user: User, request_id: str, rating: int) -> RecordedFeedback:
    """Keep the user's rating (1 to 5) of the answer to their request; their last word counts.

    The caller has made sure that the request was theirs. Raises NothingToRate without a request id.
    """
    if not request_id:
        raise NothingToRate
    feedback, is_new = CallFeedback.objects.update_or_create(
        request_id=request_id, user=user, defaults={"rating": rating}
    )
    return RecordedFeedback(feedback, is_new)


def ratings_of(period: Period) -> dict[Place, Quality]:
    """What users thought, within the period, of the answers of each model and task. A source of
    `usage.quality`."""
    answers = AIProviderUsageLog.objects.filter(
        request_id=OuterRef("request_id"), user=OuterRef("user"), status=Status.SUCCESS, attempt__gte=1
    ).order_by("-attempt")
    rated = CallFeedback.objects.filter(created_at__gte=period.start, created_at__lt=period.end).annotate(
        provider_type=Subquery(answers.values("provider_type")[:1]),
        model_name=Subquery(answers.values("model_name")[:1]),
        task_type=Subquery(answers.values("task_type")[:1]),
    )
    by = ("provider_type", "model_name", "task_type")
    found: dict[Place, Quality] = {}
    for row in rated.exclude(provider_type=None).values(*by).annotate(n=Count("pk"), total=Sum("rating")):
        found[place_of(row)] = found.get(place_of(row), NOTHING_KNOWN) + Quality(
            ratings=row["n"], rating_sum=row["total"]
        )
    return found
