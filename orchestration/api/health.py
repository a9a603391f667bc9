"""Each provider's health over HTTP, for super-admins."""

from __future__ import annotations

from typing import Any, get_args

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api_base import StrictQuery
from accounts.permissions import IsSuperAdmin
from orchestration.guards.circuit import State
from orchestration.models import ProviderProbe
from orchestration.probes.health import provider_statuses
from usage.api.attention import TAGS, HealthSerializer


class CircuitSerializer(serializers.Serializer[Any]):
    """The circuit breaker of one model. While it is `open`, no call goes there."""

    model_name = serializers.CharField()
    state = serializers.ChoiceField(choices=get_args(State))
    reason = serializers.CharField(help_text="Error kind that opened it; empty while closed.")
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(
        allow_null=True, help_text="When it lets one call try; past for one that is half open."
    )


class PaceSerializer(serializers.Serializer[Any]):
    calls_last_minute = serializers.IntegerField(source="gate.recent")
    calls_under_way = serializers.IntegerField(source="gate.under_way")
    slowed_to_per_minute = serializers.FloatField(
        source="gate.pace", allow_null=True, help_text="Calls a minute after the vendor's 429; null: not."
    )
    requests_per_minute = serializers.IntegerField(
        source="config.requests_per_minute", allow_null=True, help_text="The provider's own limit."
    )
    max_concurrent_calls = serializers.IntegerField(
        source="config.max_concurrent_calls", allow_null=True, help_text="The provider's own limit."
    )


class ProbeSerializer(serializers.ModelSerializer[ProviderProbe]):
    """The latest free call to the vendor's list of models."""

    class Meta:
        model = ProviderProbe
        fields = ("is_up", "error_kind", "latency_ms", "checked_at", "since", "next_at")
        extra_kwargs = {
            "is_up": {"help_text": "Null: the probe could tell nothing."},
            "error_kind": {"help_text": "Empty when the vendor answered."},
        }


class ProviderStatusSerializer(HealthSerializer):
    """A provider: its key, its calls of the last 24 hours (without those that were the request's own fault),
    its circuits, its pace and its latest probe."""

    p50_latency_ms_24h = serializers.IntegerField(source="figures.p50_latency_ms", allow_null=True)
    p95_latency_ms_24h = serializers.IntegerField(source="figures.p95_latency_ms", allow_null=True)
    circuits = CircuitSerializer(many=True)
    pace = PaceSerializer(source="*")
    probe = ProbeSerializer(allow_null=True)


class HealthView(StrictQuery, APIView):
    permission_classes = (IsSuperAdmin,)

    @extend_schema(
        operation_id="provider_health",
        tags=TAGS,
        responses=ProviderStatusSerializer(many=True),
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """Whether each provider can be relied on right now, and why not."""
        return Response(ProviderStatusSerializer(provider_statuses(now=timezone.now()), many=True).data)
