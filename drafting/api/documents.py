"""Documents that come along with a request: a posting, a profile."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from pydantic import ValidationError
from rest_framework import serializers

from drafting.resume import why_not_storable
from extraction.schema import JobData

_OBJECT = {"type": "object", "additionalProperties": True}


@extend_schema_field(_OBJECT)
class ResumeField(serializers.JSONField):
    """A JSON Resume; `drafting.resume` says whether it is one."""


@extend_schema_field(_OBJECT)
class JobDataField(serializers.JSONField):
    """A posting sent along with the request."""

    def to_internal_value(self, data: Any) -> Any:
        """The posting as JobData."""
        if obstacle := why_not_storable(data):
            raise serializers.ValidationError(obstacle)
        try:
            return JobData.model_validate(super().to_internal_value(data))
        except ValidationError as error:
            raise serializers.ValidationError(_problems(error)) from None


def _problems(error: ValidationError) -> dict[str, list[str]]:
    """Place and kind of each fault, without the values sent."""
    faults: dict[str, list[str]] = {}
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        path = ".".join(str(step) for step in fault["loc"]) or "job_data"
        faults.setdefault(path, []).append(fault["msg"])
    return faults
