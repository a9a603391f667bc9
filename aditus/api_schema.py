"""What the API's description says beyond what drf-spectacular reads off the serializers: what our own fields
and serializers refuse, so that a request which the description allows is one that is taken."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from accounts.api_base import ExactlyOneSerializer, StrictSerializer

# Of signed 32 and 64 bit integers.
_STORAGE_LIMITS = {2**31 - 1, -(2**31), 2**63 - 1, -(2**63)}


class Schema(AutoSchema):
    """DEFAULT_SCHEMA_CLASS."""

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Any:
        schema = super()._map_basic_serializer(serializer, direction)
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        if isinstance(serializer, ExactlyOneSerializer):
            schema |= {"minProperties": 1, "maxProperties": 1}
        return schema

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> Any:  # noqa: FBT001 - its signature
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        if direction != "request":
            return schema
        if _refuses_blanks(field):
            schema.setdefault("pattern", r"\S")
        elif isinstance(field, serializers.FileField) and not field.allow_empty_file:
            schema["minLength"] = 1
        elif isinstance(field, serializers.DecimalField) and field.min_value == 0 and "pattern" in schema:
            schema["pattern"] = schema["pattern"].replace("-?", "", 1)
        return schema

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        super()._insert_field_validators(field, schema)
        if not _is_declared(field):
            _drop_storage_limits(schema)

    def _get_request_body(self, direction: str = "request") -> Any:
        """Of a DELETE too, where the view says that it reads one."""
        method = self.method
        if method == "DELETE" and getattr(self.view, "deletes_by_body", False):
            self.method = "POST"
        try:
            body = super()._get_request_body(direction)
            if body and isinstance(self.get_request_serializer(), dict):
                # By media type: each of them has alternatives, one of which is sent.
                body["required"] = True
            return body
        finally:
            self.method = method


def _refuses_blanks(field: Any) -> bool:
    return type(field) is serializers.CharField and field.trim_whitespace and not field.allow_blank


def _is_declared(field: Any) -> bool:
    """Whether the serializer says what the field is. Otherwise it was made for a column, and its bounds may
    be the largest integer of the database in use, which is no part of the contract and differs between SQLite
    and PostgreSQL."""
    declared = getattr(field.parent, "_declared_fields", {})
    return field.field_name in declared or not isinstance(field.parent, serializers.ModelSerializer)


def _drop_storage_limits(schema: dict[str, Any]) -> None:
    if schema.get("maximum") in _STORAGE_LIMITS:
        del schema["maximum"]
        schema.pop("format", None)
        if schema.get("minimum") in _STORAGE_LIMITS:
            del schema["minimum"]
