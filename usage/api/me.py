"""Who the caller is, what they used and what is left, and how they leave."""

from datetime import date
from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import by_code, by_password, otp_field
from accounts.api_base import StrictQuery, StrictSerializer
from accounts.leaving import leave
from accounts.models import Role, User, plan_of
from usage.api.fields import ExactUsd
from usage.api.quotas import QuotaSerializer, quota_body
from usage.stats import Figures, quota_status
from usage.stats.own import own_usage

TAGS = ["account"]
MOST_DAYS = 366


class PlanSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()


class MeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    email = serializers.EmailField()
    full_name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    plan = PlanSerializer()
    quota = QuotaSerializer()


class LeaveSerializer(StrictSerializer):
    password = serializers.CharField(
        max_length=1024, trim_whitespace=False, write_only=True, style={"input_type": "password"}
    )
    otp = otp_field(required=False)


class MeView(StrictQuery, APIView):
    deletes_by_body = True

    @extend_schema(operation_id="me", tags=TAGS, responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """The caller's account, plan, and what is used and left of the day's and the month's tokens and USD,
        over all tasks and within those that have limits of their own."""
        user = cast(User, request.user)  # IsAuthenticated let nobody else through
        plan = plan_of(user.pk)
        statuses = quota_status(user=user, plan=plan, now=timezone.now())
        account = {
            "id": user.pk,
            "email": user.email,
            "full_name": user.full_name,
            "role": user.role,
            "plan": plan,
            "quota": quota_body(statuses, time_zone=user.time_zone),
        }
        return Response(MeSerializer(account).data)

    @extend_schema(
        operation_id="me_delete",
        tags=TAGS,
        request=LeaveSerializer,
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        """Delete the account with everything in it, once its password, and a code where it has a second
        factor, are shown again. The accounts of calls stay without the person, so that sums stay true. 409
        `account_in_charge` for staff and super-admins."""
        serializer = LeaveSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        user = by_password(request, email=cast(User, request.user).email, password=given["password"])
        by_code(request, user, given.get("otp"))
        leave(user=user)
        return Response(status=204)


class UsageQuerySerializer(StrictSerializer):
    days = serializers.IntegerField(
        required=False,
        default=30,
        min_value=1,
        max_value=MOST_DAYS,
        help_text="Of the account's time zone, today included.",
    )


class FiguresSerializer(serializers.Serializer[Any]):
    """Calls are attempts at a vendor that have ended; refusals asked none."""

    calls = serializers.IntegerField()
    refusals = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()
    total_cost_usd = ExactUsd(allow_null=True, help_text="Of the priced calls; null when none was.")
    unpriced_calls = serializers.IntegerField(help_text="Calls whose cost is not known, and not 0.")


class DayFiguresSerializer(FiguresSerializer):
    day = serializers.DateField()


class TaskFiguresSerializer(FiguresSerializer):
    task = serializers.CharField()


class OwnUsageSerializer(serializers.Serializer[Any]):
    time_zone = serializers.CharField()
    today = FiguresSerializer()
    month = FiguresSerializer(help_text="The running calendar month.")
    history = DayFiguresSerializer(many=True, help_text="The days asked for, the oldest first.")
    tasks = TaskFiguresSerializer(many=True, help_text="Over the days asked for.")
    quota = QuotaSerializer()


class MyUsageView(StrictQuery, APIView):
    query_serializer_class = UsageQuerySerializer

    @extend_schema(
        operation_id="me_usage", tags=TAGS, parameters=[UsageQuerySerializer], responses=OwnUsageSerializer
    )
    def get(self, request: Request) -> Response:
        """What the caller used by day and by task, with what it cost, and what is left."""
        user, now = cast(User, request.user), timezone.now()
        used = own_usage(user=user, days=self.query.validated_data["days"], now=now)
        statuses = quota_status(user=user, plan=plan_of(user.pk), now=now)
        body = {
            "time_zone": user.time_zone,
            "today": used.today,
            "month": used.month,
            "history": [_named("day", day, figures) for day, figures in used.days.items()],
            "tasks": [_named("task", task, figures) for task, figures in used.tasks.items()],
            "quota": quota_body(statuses, time_zone=user.time_zone),
        }
        return Response(OwnUsageSerializer(body).data)


def _named(name: str, value: date | str, figures: Figures) -> dict[str, Any]:
    fields = [str(field) for field in FiguresSerializer().fields]
    return {name: value} | {field: getattr(figures, field) for field in fields}
