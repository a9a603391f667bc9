"""How amounts of money and local moments are written in JSON."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field({"type": "string", "format": "decimal", "description": "USD, to the last digit."})
class ExactUsd(serializers.Field[Decimal, Any, str, Any]):
    """USD as text, because a JSON number is a float to most readers."""

    def to_representation(self, value: Decimal) -> str:
        return f"{value:f}"


@extend_schema_field({"type": "number", "format": "double", "description": "USD."})
class UsdNumber(serializers.Field[Decimal, Any, float, Any]):
    """USD as a number, for charts and for clients that expect one."""

    def to_representation(self, value: Decimal) -> float:
        return float(value)


@extend_schema_field({"type": "string", "format": "date-time", "description": "With the offset of `tz`."})
class LocalMoment(serializers.Field[datetime, Any, str, Any]):
    """An aware moment in the zone it comes in; DRF's own field would turn it into the server's."""

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()
