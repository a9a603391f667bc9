"""The base of every input serializer."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses keys it does not know, so that a misspelt field is an error rather than a silent default.

    Holds for nested serializers and lists of them too, because each one checks its own mapping.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(key) for key in data if key not in self.fields)
            if unknown:
                message = "This field is not known here. Remove it, or check its spelling."
                raise serializers.ValidationError({name: [message] for name in unknown}, code="unknown_field")
        return super().to_internal_value(data)
