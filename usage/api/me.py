"""Who the caller is, and what is left of their quota."""

from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api_base import StrictQuery
from accounts.models import Role, User, plan_of
from usage.api.quotas import QuotaSerializer, quota_body
from usage.stats import quota_status


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


class MeView(StrictQuery, APIView):
    @extend_schema(operation_id="me", tags=["account"], responses=MeSerializer)
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
