"""How quotas and warnings about them are written in replies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from usage.api.fields import LocalMoment
from usage.ledger.limits import amount_in
from usage.stats import QuotaStatus


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string", "format": "decimal"}]})
class Amount(serializers.Field[Any, Any, Any, Any]):
    """Tokens as a number, USD as text."""

    def to_representation(self, value: Any) -> Any:
        return value


class QuotaWarningSerializer(serializers.Serializer[Any]):
    """A quota of which 80 % or more are taken."""

    scope = serializers.ChoiceField(choices=["user", "task"])
    task = serializers.CharField(help_text="Empty: all tasks together.")
    unit = serializers.ChoiceField(choices=["tokens", "usd"])
    window = serializers.ChoiceField(choices=["day", "month"])
    limit = Amount()
    used = Amount(help_text="Tokens as a number, USD as text; with what calls in flight hold.")
    share = serializers.FloatField(help_text="Of the limit: 0.8 and more.")
    resets_at = serializers.DateTimeField(help_text="Midnight in the account's time zone.")


class TokenWindowSerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField(allow_null=True, help_text="Tokens; null means no limit.")
    used = serializers.IntegerField(help_text="Tokens of settled calls.")
    reserved = serializers.IntegerField(help_text="Tokens held by calls in flight.")
    left = serializers.IntegerField(allow_null=True, help_text="Tokens; null means no limit.")
    resets_at = LocalMoment(help_text="Midnight in the account's time zone.")


class UsdWindowSerializer(serializers.Serializer[Any]):
    limit = serializers.CharField(help_text="USD, to the last digit.")
    used = serializers.CharField(help_text="USD of settled calls.")
    reserved = serializers.CharField(help_text="USD held by calls in flight.")
    left = serializers.CharField(help_text="USD.")
    resets_at = LocalMoment(help_text="Midnight in the account's time zone.")


class UsdQuotaSerializer(serializers.Serializer[Any]):
    day = UsdWindowSerializer(allow_null=True, help_text="null: no cap.")
    month = UsdWindowSerializer(allow_null=True, help_text="null: no cap.")


class LimitSerializer(serializers.Serializer[Any]):
    """A limit of its own, and what is taken of it."""

    unit = serializers.ChoiceField(choices=["tokens", "usd"])
    window = serializers.ChoiceField(choices=["day", "month"])
    limit = Amount()
    used = Amount()
    reserved = Amount()
    left = Amount(help_text="Tokens as a number, USD as text.")
    resets_at = LocalMoment(help_text="Midnight in the account's time zone.")


class TaskQuotaSerializer(LimitSerializer):
    task = serializers.CharField()


class QuotaSerializer(serializers.Serializer[Any]):
    """What the caller may use and has used, by days and months of the account's time zone."""

    time_zone = serializers.CharField()
    day = TokenWindowSerializer()
    month = TokenWindowSerializer()
    usd = UsdQuotaSerializer()
    tasks = TaskQuotaSerializer(many=True, help_text="Limits of single tasks.")
    warnings = QuotaWarningSerializer(many=True, help_text="Quotas of which 80 % or more are taken.")


def quota_body(statuses: Iterable[QuotaStatus], *, time_zone: str) -> dict[str, Any]:
    """The body of QuotaSerializer."""
    body: dict[str, Any] = {"time_zone": time_zone, "usd": {"day": None, "month": None}, "tasks": []}
    warnings: list[dict[str, Any]] = []
    for status in statuses:
        quota = status.quota
        if quota.task:
            body["tasks"].append({"task": quota.task, **limit_body(status)})
        elif quota.unit == "usd":
            body["usd"][quota.period] = _amounts(status)
        else:
            body[quota.period] = _amounts(status)
        if status.warning:
            warnings.append(status.warning.as_dict())
    return body | {"warnings": warnings}


def limit_body(status: QuotaStatus) -> dict[str, Any]:
    """The body of LimitSerializer."""
    return {"unit": status.quota.unit, "window": status.quota.period, **_amounts(status)}


def _amounts(status: QuotaStatus) -> dict[str, Any]:
    unit = status.quota.unit
    return {
        "limit": amount_in(unit, status.limit),
        "used": amount_in(unit, status.used),
        "reserved": amount_in(unit, status.reserved),
        "left": amount_in(unit, status.left),
        "resets_at": status.quota.resets_at,
    }
