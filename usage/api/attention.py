"""Recommendations over HTTP, for super-admins; and what health tells of a provider there."""

from __future__ import annotations

from typing import Any, get_args

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api_base import StrictQuery, StrictSerializer
from accounts.permissions import IsSuperAdmin
from providers.health import State
from usage.api.fields import ExactUsd
from usage.recommendations import DEFAULT_DAYS, Advice, cheaper_models, compared_models

TAGS = ["super-admin"]


class HealthSerializer(serializers.Serializer[Any]):
    """A provider and its calls of the last 24 hours, without those that were the request's own fault."""

    provider_config_id = serializers.IntegerField(source="config.pk")
    provider_type = serializers.CharField(source="config.provider_type")
    name = serializers.CharField(source="config")
    model_name = serializers.CharField(source="config.model_name")
    is_active = serializers.BooleanField(source="config.is_active")
    is_default = serializers.BooleanField(source="config.is_default")
    state = serializers.ChoiceField(choices=get_args(State))
    reasons = serializers.ListField(
        source="verdict.reasons", child=serializers.CharField(), help_text="Sentences; empty when healthy."
    )
    flag_reason = serializers.CharField(source="config.flag_reason", help_text="Error kind; empty: no flag.")
    flagged_at = serializers.DateTimeField(source="config.flagged_at", allow_null=True)
    last_tested_at = serializers.DateTimeField(source="config.last_tested_at", allow_null=True)
    last_test_success = serializers.BooleanField(source="config.last_test_success", allow_null=True)
    key_expires_at = serializers.DateTimeField(source="config.key_expires_at", allow_null=True)
    calls_24h = serializers.IntegerField(source="recent.calls")
    failed_calls_24h = serializers.IntegerField(source="recent.failed")
    error_rate_24h = serializers.FloatField(
        source="recent.error_rate", allow_null=True, help_text="Percent; null without calls."
    )
    avg_latency_ms_24h = serializers.IntegerField(
        source="recent.avg_latency_ms", allow_null=True, help_text="Of successful calls."
    )


class QualitySerializer(serializers.Serializer[Any]):
    """What is known of how a model does the task; null where nothing is."""

    answers = serializers.IntegerField(help_text="Successful, priced calls.")
    unparsable_percent = serializers.FloatField(
        allow_null=True, help_text="Of the replies: not in the form asked for."
    )
    ratings = serializers.IntegerField()
    rating = serializers.FloatField(allow_null=True, help_text="Mean of 1 to 5.")
    drafts = serializers.IntegerField()
    ungrounded_percent = serializers.FloatField(
        allow_null=True, help_text="Of the drafts: with a text that was refused as unproven."
    )
    p95_latency_ms = serializers.IntegerField(allow_null=True, help_text="Of the model over all tasks.")


class AlternativeSerializer(serializers.Serializer[Any]):
    provider_type = serializers.CharField()
    model_name = serializers.CharField()
    provider_config_id = serializers.IntegerField(
        allow_null=True, help_text="An active provider that names this model already."
    )
    through_config_id = serializers.IntegerField(
        allow_null=True, help_text="The provider by which an experiment would ask it."
    )
    estimated_cost_usd = ExactUsd(help_text="For the same calls.")
    saving_usd = ExactUsd(help_text="Negative: it would have cost more.")
    saving_percent = serializers.FloatField()
    unit_prices = serializers.DictField(
        child=serializers.CharField(), help_text="USD per million tokens by class."
    )
    quality = QualitySerializer()
    advice = serializers.ChoiceField(
        choices=get_args(Advice), help_text="switch: it has done this task often enough, and no worse."
    )


class RuledOutSerializer(serializers.Serializer[Any]):
    provider_type = serializers.CharField()
    model_name = serializers.CharField()
    reason = serializers.CharField()


class RecommendationSerializer(serializers.Serializer[Any]):
    """Compared by price, abilities, and what is known of how well each does the task."""

    provider_type = serializers.CharField(source="pattern.provider_type")
    model_name = serializers.CharField(source="pattern.model_name")
    task_type = serializers.CharField(source="pattern.task_type")
    calls = serializers.IntegerField(source="pattern.calls", help_text="Successful and priced.")
    input_tokens = serializers.IntegerField(source="pattern.input_tokens")
    cached_tokens = serializers.IntegerField(source="pattern.cached_tokens", help_text="Part of the input.")
    output_tokens = serializers.IntegerField(source="pattern.output_tokens")
    cost_usd = ExactUsd(source="pattern.cost_usd", help_text="As recorded.")
    quality = QualitySerializer(help_text="Of the model in use.")
    alternatives = AlternativeSerializer(many=True, help_text="Recommended, the largest saving first.")
    compared = AlternativeSerializer(
        many=True, help_text="All able to do it, the cheapest first; 20 at most."
    )
    ruled_out = RuledOutSerializer(many=True, help_text="Configured models that are not recommended.")
    reason = serializers.CharField(help_text="Why nothing is recommended; empty when something is.")


class RecommendationQuerySerializer(StrictSerializer):
    days = serializers.IntegerField(required=False, default=DEFAULT_DAYS, min_value=1, max_value=365)
    all = serializers.BooleanField(
        required=False, default=False, help_text="With the patterns for which nothing is recommended."
    )


class RecommendationsView(StrictQuery, APIView):
    permission_classes = (IsSuperAdmin,)
    query_serializer_class = RecommendationQuerySerializer

    @extend_schema(
        operation_id="provider_recommendations",
        tags=TAGS,
        parameters=[RecommendationQuerySerializer],
        responses=RecommendationSerializer(many=True),
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """Cheaper models able to do the work of the last `days` days, and what they would have cost."""
        asked = self.query.validated_data
        question = compared_models if asked["all"] else cheaper_models
        found = question(now=timezone.now(), days=asked["days"])
        return Response(RecommendationSerializer(found, many=True).data)
