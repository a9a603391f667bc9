"""What calls cost, whom, against what they bring in, and what the month will come to; for super-admins."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api_base import StrictQuery, StrictSerializer, refusals
from accounts.permissions import IsSuperAdmin
from usage import stats
from usage.api.fields import ExactUsd
from usage.api.statistics import NO_PERIOD, TAGS, PeriodQuerySerializer, figures_response
from usage.forecast import month_forecast
from usage.margins import margins


class CostsQuerySerializer(PeriodQuerySerializer):
    by = serializers.ChoiceField(choices=stats.BREAKDOWNS, required=False, default="provider")


class CostSerializer(serializers.Serializer[Any]):
    """One user, plan, task, model, provider or kind of error."""

    key = serializers.CharField(help_text="Id or slug; empty for what was deleted.")
    label = serializers.CharField()  # type: ignore[assignment]  # a declared field, moved aside by DRF
    calls = serializers.IntegerField(source="figures.calls")
    total_tokens = serializers.IntegerField(source="figures.total_tokens")
    cost_usd = ExactUsd(
        source="figures.total_cost_usd", allow_null=True, help_text="Of the priced calls; null when none was."
    )
    cost_per_call_usd = ExactUsd(source="figures.cost_per_call_usd", allow_null=True)
    unpriced_calls = serializers.IntegerField(source="figures.unpriced_calls")


class MarginsQuerySerializer(PeriodQuerySerializer):
    provider = None  # type: ignore[assignment]
    by = serializers.ChoiceField(choices=["plan", "user"], required=False, default="plan")


class MarginSerializer(serializers.Serializer[Any]):
    """Null is unknown: a plan without a price, or calls of which none had a known price."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a declared field, moved aside by DRF
    months = ExactUsd(help_text="Of subscription within the period, up to now.")
    revenue_usd = ExactUsd(allow_null=True, help_text="Months at the price that the plan has today.")
    cost_usd = ExactUsd(allow_null=True)
    margin_usd = ExactUsd(allow_null=True)
    margin_percent = serializers.FloatField(allow_null=True, help_text="Of the revenue.")
    calls = serializers.IntegerField()
    unpriced_calls = serializers.IntegerField(help_text="Their cost is still to be taken off the margin.")
    open_ended = serializers.IntegerField(
        help_text="Cancelled subscriptions that do not say when they ended; in no sum."
    )


class ForecastQuerySerializer(StrictSerializer):
    tz = serializers.CharField(required=False, default="UTC", max_length=64, help_text="As Europe/Berlin.")
    provider = serializers.IntegerField(required=False, min_value=1, help_text="Id of one config.")


class ForecastSerializer(serializers.Serializer[Any]):
    """The running month. Expectation and range are null, with the reason, where there is too little known."""

    month = serializers.CharField(help_text="As 2026-11.")
    spent_usd = ExactUsd(allow_null=True, help_text="Up to now.")
    expected_usd = ExactUsd(allow_null=True, help_text="Of the whole month.")
    low_usd = ExactUsd(allow_null=True)
    high_usd = ExactUsd(allow_null=True)
    level = serializers.FloatField(help_text="0.9: nine of ten such months end within the range.")
    days_seen = serializers.IntegerField(help_text="Whole days it is made of, 28 at most.")
    unpriced_calls = serializers.IntegerField(help_text="Of this month; in no amount.")
    reason = serializers.CharField(help_text="Why there is no forecast; empty when there is.")


class CostsView(StrictQuery, APIView):
    permission_classes = (IsSuperAdmin,)
    query_serializer_class = CostsQuerySerializer
    query: CostsQuerySerializer

    @extend_schema(
        operation_id="provider_usage_costs",
        tags=TAGS,
        parameters=[CostsQuerySerializer],
        responses={200: CostSerializer(many=True), **NO_PERIOD},
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """Calls, tokens and cost of a period by user, plan, task, model, provider or error."""
        asked = self.query.validated_data
        period = self.query.period(now=timezone.now())

        def answer() -> Any:
            rows = stats.breakdown(period=period, by=asked["by"], provider=asked.get("provider"))
            return CostSerializer(rows, many=True).data

        return figures_response(answer)


class MarginsView(StrictQuery, APIView):
    permission_classes = (IsSuperAdmin,)
    query_serializer_class = MarginsQuerySerializer
    query: MarginsQuerySerializer

    @extend_schema(
        operation_id="provider_usage_margins",
        tags=TAGS,
        parameters=[MarginsQuerySerializer],
        responses={200: MarginSerializer(many=True), **NO_PERIOD},
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """What each plan or user brings in and costs, the smallest margin first."""
        now, by = timezone.now(), self.query.validated_data["by"]
        period = self.query.period(now=now)
        return figures_response(
            lambda: MarginSerializer(margins(period=period, by=by, now=now), many=True).data
        )


class ForecastView(StrictQuery, APIView):
    permission_classes = (IsSuperAdmin,)
    query_serializer_class = ForecastQuerySerializer

    @extend_schema(
        operation_id="provider_usage_forecast",
        tags=TAGS,
        parameters=[ForecastQuerySerializer],
        responses={200: ForecastSerializer, **refusals(stats.InvalidPeriod)},
    )
    def get(self, request: Request) -> Response:
        """What the running month will have cost, with its range."""
        now, asked = timezone.now(), self.query.validated_data
        return figures_response(lambda: ForecastSerializer(month_forecast(now=now, **asked)).data)
