"""Statistics over HTTP, for super-admins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, get_args

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api_base import StrictQuery, StrictSerializer, refusals
from accounts.permissions import IsSuperAdmin
from usage import stats
from usage.api.fields import ExactUsd, LocalMoment, UsdNumber
from usage.replica import figures_as_of, read_figures
from usage.stats.period import LONGEST_BY_DAY, LONGEST_BY_HOUR, Bucket, zone_of

TAGS = ["super-admin"]
DEFAULT_DAYS = 30
MOST_DAYS = 3660
NO_PERIOD = refusals(stats.InvalidPeriod, rule="`start` and `end` go together.")
_COUNTS = (
    "calls",
    "successes",
    "errors",
    "timeouts",
    "aborted",
    "refusals",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "reasoning_tokens",
    "total_tokens",
    "unpriced_calls",
)
_RATES = ("success_rate", "error_rate")
_LATENCIES = ("avg_latency_ms", "p50_latency_ms", "p95_latency_ms")


class StatsQuerySerializer(StrictSerializer):
    days = serializers.IntegerField(
        required=False, default=DEFAULT_DAYS, min_value=1, max_value=MOST_DAYS, help_text="Of 24 hours."
    )


class ProviderStatSerializer(serializers.Serializer[Any]):
    """Calls are attempts at the vendor that have ended: not refusals before one, and not calls in flight."""

    provider_config_id = serializers.IntegerField(
        allow_null=True, help_text="null: a key from the environment, or a deleted provider."
    )
    provider_type = serializers.CharField()
    model_name = serializers.CharField()
    total_calls = serializers.IntegerField()
    total_tokens = serializers.IntegerField()
    total_cost_usd = UsdNumber(allow_null=True, help_text="Of the priced calls; null when none was.")
    total_cost_usd_exact = ExactUsd(source="total_cost_usd", allow_null=True)
    unpriced_calls = serializers.IntegerField(help_text="Calls whose cost is not known, and not 0.")
    success_rate = serializers.FloatField(allow_null=True, help_text="Percent; null without calls.")
    avg_latency_ms = serializers.IntegerField(allow_null=True, help_text="Of successful calls.")
    last_7_days_calls = serializers.IntegerField()
    last_30_days_calls = serializers.IntegerField()


class PeriodQuerySerializer(StrictSerializer):
    """`start` and `end` are local days, both included; without them, the last `days` days with today."""

    start = serializers.DateField(required=False)
    end = serializers.DateField(required=False)
    days = serializers.IntegerField(required=False, default=DEFAULT_DAYS, min_value=1, max_value=MOST_DAYS)
    tz = serializers.CharField(required=False, default="UTC", max_length=64, help_text="As Europe/Berlin.")
    by = serializers.ChoiceField(
        required=False,
        default="none",
        choices=["none", *stats.BREAKDOWNS],
        help_text=f"Of users, the {stats.MOST_SERIES} who called most, and all others as `{stats.OTHERS}`.",
    )
    provider = serializers.IntegerField(required=False, min_value=1, help_text="Id of one config.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("start" in attrs) != ("end" in attrs):
            raise serializers.ValidationError("Send start and end together, or neither.", code="half_period")
        return attrs

    def period(self, *, now: datetime) -> stats.Period:
        """InvalidPeriod for a zone nobody knows, or days in the wrong order."""
        query = self.validated_data
        today = now.astimezone(zone_of(query["tz"])).date()
        first = query.get("start", today - timedelta(days=query["days"] - 1))
        return stats.Period.of_dates(first=first, last=query.get("end", today), tz=query["tz"])


class TimeseriesQuerySerializer(PeriodQuerySerializer):
    days = serializers.IntegerField(
        required=False,
        default=DEFAULT_DAYS,
        min_value=1,
        max_value=LONGEST_BY_DAY.days,
        help_text=f"At most {LONGEST_BY_HOUR.days} by hour; so for `start` and `end`.",
    )
    bucket = serializers.ChoiceField(required=False, default="day", choices=get_args(Bucket))


class PointSerializer(serializers.Serializer[Any]):
    """One bucket. Tokens as in the usage rows; latencies are of successful calls, percentiles to 2.5 %."""

    start = LocalMoment()
    end = LocalMoment()
    key = serializers.CharField(help_text="Id or slug of what `by` asks for; empty without it.")
    label = serializers.CharField()  # type: ignore[assignment]  # a declared field, moved aside by DRF
    total_cost_usd = UsdNumber(source="figures.total_cost_usd", allow_null=True)
    total_cost_usd_exact = ExactUsd(source="figures.total_cost_usd", allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        figures: dict[str, serializers.Field[Any, Any, Any, Any]] = {
            name: serializers.IntegerField(source=f"figures.{name}") for name in _COUNTS
        }
        for name in _RATES:
            figures[name] = serializers.FloatField(source=f"figures.{name}", allow_null=True)
        for name in _LATENCIES:
            figures[name] = serializers.IntegerField(source=f"figures.{name}", allow_null=True)
        return super().get_fields() | figures


class TimeseriesSerializer(serializers.Serializer[Any]):
    start = LocalMoment()
    end = LocalMoment(help_text="Exclusive.")
    tz = serializers.CharField()
    bucket = serializers.ChoiceField(choices=get_args(Bucket))
    by = serializers.ChoiceField(choices=["none", *stats.BREAKDOWNS])
    points = PointSerializer(many=True)


def figures_response(answer: Callable[[], Any]) -> Response:
    """The body that `answer` makes of figures. Where they come from the replica, the header says as of when
    they are."""

    def asked() -> Response:
        response = Response(answer())
        if as_of := figures_as_of():
            response["Figures-As-Of"] = as_of.isoformat()
        return response

    return read_figures(asked)


class StatsView(StrictQuery, APIView):
    permission_classes = (IsSuperAdmin,)
    query_serializer_class = StatsQuerySerializer

    @extend_schema(
        operation_id="provider_usage_stats",
        tags=TAGS,
        parameters=[StatsQuerySerializer],
        responses=ProviderStatSerializer(many=True),
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """Calls, tokens, cost, success and latency by provider and model, the most called first."""
        return figures_response(
            lambda: ProviderStatSerializer(stats.usage_stats(**self.query.validated_data), many=True).data
        )


class TimeseriesView(StrictQuery, APIView):
    permission_classes = (IsSuperAdmin,)
    query_serializer_class = TimeseriesQuerySerializer
    query: TimeseriesQuerySerializer

    @extend_schema(
        operation_id="provider_usage_timeseries",
        tags=TAGS,
        parameters=[TimeseriesQuerySerializer],
        responses={200: TimeseriesSerializer, **NO_PERIOD},
    )
    def get(self, request: Request) -> Response:
        """The same figures over time, by local hour or day of any time zone; their sum is the period's."""
        asked = self.query.validated_data
        period = self.query.period(now=timezone.now())
        body = {
            "start": period.start.astimezone(period.zone),
            "end": period.end.astimezone(period.zone),
            "tz": asked["tz"],
            "bucket": asked["bucket"],
            "by": asked["by"],
        }

        def answer() -> Any:
            points = stats.timeseries(
                period=period, bucket=asked["bucket"], by=asked["by"], provider=asked.get("provider")
            )
            return TimeseriesSerializer(body | {"points": points}).data

        return figures_response(answer)
