"""A person's own access tokens over HTTP: made, seen and revoked by their owner."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import personal_tokens
from accounts.api_base import PageQuerySerializer, StrictQuery, StrictSerializer, refusals
from accounts.audit import Actor
from accounts.models import PersonalToken, User
from accounts.models.personal_tokens import STATES
from accounts.personal_tokens import TokenLimits
from providers.tasks import TASKS
from usage.api.quotas import LimitSerializer, limit_body
from usage.quotas import token_limits
from usage.stats.quotas import statuses_of

_TAGS = ["account"]
_MOST_NAMES = 50
_LARGEST = 2**63 - 1


def _limit(unit: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=_LARGEST, help_text=unit
    )


def _cap(period: str) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=12, decimal_places=4, min_value=0, required=False, allow_null=True, default=None,
        help_text=f"USD a {period}; null means no limit of its own.",
    )  # fmt: skip


def _rate(what: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=1_000_000, help_text=what
    )


class PersonalTokenInputSerializer(StrictSerializer):
    """Limits are within those of the account; null means none of its own."""

    name = serializers.CharField(max_length=100, help_text="What it is for.")
    tasks = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(TASKS)),
        required=False,
        default=list,
        help_text="The tasks it may ask for; empty allows all.",
    )
    models = serializers.ListField(
        child=serializers.CharField(max_length=220),
        required=False,
        default=list,
        max_length=_MOST_NAMES,
        help_text="The models that may answer it, as `/v1/models` names them; empty allows all.",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    daily_token_limit = _limit("Tokens a day, of the account's time zone.")
    monthly_token_limit = _limit("Tokens a month.")
    daily_cost_limit_usd = _cap("day")
    monthly_cost_limit_usd = _cap("month")
    requests_per_minute = _rate("Calls it may start in a minute.")
    max_concurrent_calls = _rate("Calls of it that may be under way.")

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("This moment has passed. Name a later one, or none.")
        return value


class PersonalTokenSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    hint = serializers.CharField(help_text="How it begins.")
    state = serializers.ChoiceField(choices=STATES)
    tasks = serializers.ListField(child=serializers.CharField())
    models = serializers.ListField(child=serializers.CharField())
    requests_per_minute = serializers.IntegerField(allow_null=True)
    max_concurrent_calls = serializers.IntegerField(allow_null=True)
    quotas = LimitSerializer(many=True, help_text="Limits of its own.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To some five minutes.")
    revoked_at = serializers.DateTimeField(allow_null=True)


class NewPersonalTokenSerializer(PersonalTokenSerializer):
    secret = serializers.CharField(
        help_text="Send as `Authorization: Bearer …` to `/v1/…`. It is shown this once."
    )


class _OwnTokens(generics.GenericAPIView[PersonalToken]):
    def get_queryset(self) -> QuerySet[PersonalToken]:
        if getattr(self, "swagger_fake_view", False):
            return PersonalToken.objects.none()
        return PersonalToken.objects.filter(user=cast(User, self.request.user)).select_related("user")


class PersonalTokenListView(StrictQuery, _OwnTokens):
    query_serializer_class = PageQuerySerializer
    serializer_class = PersonalTokenSerializer

    @extend_schema(operation_id="personal_tokens", tags=_TAGS, responses=PersonalTokenSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The caller's access tokens, the newest first, with what each has used of its own limits."""
        page = self.paginate_queryset(self.get_queryset())
        shown = PersonalTokenSerializer(_bodies(page or []), many=True)
        return self.get_paginated_response(shown.data)

    @extend_schema(
        operation_id="personal_token_create",
        tags=_TAGS,
        request=PersonalTokenInputSerializer,
        responses={201: NewPersonalTokenSerializer, **refusals(rule="`expires_at` lies ahead.")},
    )
    def post(self, request: Request) -> Response:
        """Make an access token for the OpenAI-compatible door at `/v1`. Its secret is in this reply alone."""
        serializer = PersonalTokenInputSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = dict(serializer.validated_data)
        token, secret = personal_tokens.create(
            user=cast(User, request.user),
            actor=Actor.of_request(request, "api"),
            name=given.pop("name"),
            tasks=given.pop("tasks"),
            model_names=given.pop("models"),
            expires_at=given.pop("expires_at"),
            limits=TokenLimits(**given),
        )
        body = _bodies([token])[0] | {"secret": secret}
        return Response(NewPersonalTokenSerializer(body).data, status=201)


class PersonalTokenView(_OwnTokens):
    @extend_schema(operation_id="personal_token_revoke", tags=_TAGS, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Revoke one of the caller's access tokens; the very next call with it is refused."""
        personal_tokens.revoke(token=self.get_object(), actor=Actor.of_request(request, "api"))
        return Response(status=204)


def _bodies(tokens: list[PersonalToken]) -> list[dict[str, Any]]:
    """Of PersonalTokenSerializer; one query for what they have used."""
    now = timezone.now()
    limits = {
        token.pk: list(token_limits(token_id=token.pk, token=token, calendar=token.user.calendar, now=now))
        for token in tokens
    }
    standing = iter(statuses_of([limit for own in limits.values() for limit in own]))
    quotas = {pk: [limit_body(next(standing)) for _ in own] for pk, own in limits.items()}
    return [
        {
            "id": token.pk,
            "name": token.name,
            "hint": token.hint,
            "state": token.state_at(now),
            "tasks": token.tasks,
            "models": token.model_names,
            "requests_per_minute": token.requests_per_minute,
            "max_concurrent_calls": token.max_concurrent_calls,
            "quotas": quotas[token.pk],
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "last_used_at": token.last_used_at,
            "revoked_at": token.revoked_at,
        }
        for token in tokens
    ]
