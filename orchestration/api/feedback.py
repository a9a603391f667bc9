"""Rating an answer over HTTP: what the views of drafts and of postings share."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from django.db.models import Model
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import StrictSerializer
from accounts.models import User
from orchestration.experiments.feedback import record_feedback
from orchestration.models import CallFeedback

Rated = TypeVar("Rated", bound=Model)


class FeedbackInputSerializer(StrictSerializer):
    rating = serializers.IntegerField(min_value=1, max_value=5, help_text="1 (useless) to 5 (perfect).")


class FeedbackSerializer(serializers.ModelSerializer[CallFeedback]):
    class Meta:
        model = CallFeedback
        fields = ("request_id", "rating", "created_at", "updated_at")


class FeedbackView(generics.GenericAPIView[Rated]):
    """Mix in after a view whose `get_queryset` has the user's own rows and no others; the rows have a
    `request_id`."""

    @extend_schema(
        request=FeedbackInputSerializer, responses={200: FeedbackSerializer, 201: FeedbackSerializer}
    )
    def post(self, request: Request, pk: int) -> Response:
        """201 for the first rating, 200 for another one in its place; 409 `nothing_to_rate` when no request
        is known for it."""
        serializer = FeedbackInputSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        rated: Any = self.get_object()
        recorded = record_feedback(
            user=cast(User, request.user),
            request_id=rated.request_id,
            rating=serializer.validated_data["rating"],
        )
        return Response(FeedbackSerializer(recorded.feedback).data, status=201 if recorded.is_new else 200)
