"""What users think of the answers they got."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import User
from orchestration.experiments.errors import NothingToRate
from orchestration.models import CallFeedback


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
