"""Shapes of the provider endpoints, in and out. A key goes in and never comes out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.api_base import StrictSerializer
from providers.adapters.credential_check import OUTCOMES
from providers.addresses import validate_base_url
from providers.capabilities.shortcomings import shortcomings_of
from providers.configs.changes import EDITABLE
from providers.models import AIProviderConfig
from providers.registry import provider_choices
from providers.tasks import task_choices

_LONGEST_KEY = 500
_KEY_FIELD: dict[str, Any] = {
    "required": False,
    "allow_blank": True,
    "default": "",
    "max_length": _LONGEST_KEY,
    "write_only": True,
    "style": {"input_type": "password"},
}


class ConfigSerializer(serializers.ModelSerializer[AIProviderConfig]):
    """A provider, without its key."""

    key_hint = serializers.CharField(help_text="The last four characters of the key; empty for short keys.")
    created_by_id = serializers.IntegerField(allow_null=True)

    class Meta:
        model = AIProviderConfig
        fields = (
            "id",
            "provider_type",
            *EDITABLE,
            "key_hint",
            "key_set_at",
            "last_tested_at",
            "last_test_success",
            "flagged_at",
            "flag_reason",
            "created_by_id",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class ShortcomingSerializer(serializers.Serializer[Any]):
    """Something that a model of the provider cannot do of the work it is first choice for."""

    code = serializers.ChoiceField(
        choices=["unknown_model", "no_vision", "no_structured_output", "retired_model", "unproven_key"]
    )
    model_name = serializers.CharField()
    tasks = serializers.ListField(child=serializers.CharField(), help_text="The tasks concerned.")
    message = serializers.CharField()


class SavedConfigSerializer(ConfigSerializer):
    """A provider as it was stored, with what is doubtful about it."""

    warnings = serializers.SerializerMethodField(help_text="Nothing was refused for them; mostly empty.")

    class Meta(ConfigSerializer.Meta):
        fields = (*ConfigSerializer.Meta.fields, "warnings")
        read_only_fields = fields

    @extend_schema_field(ShortcomingSerializer(many=True))
    def get_warnings(self, config: AIProviderConfig) -> list[dict[str, Any]]:
        return list(ShortcomingSerializer(shortcomings_of(config), many=True).data)


class _EditableFields(StrictSerializer, serializers.ModelSerializer[AIProviderConfig]):
    api_key = serializers.CharField(**_KEY_FIELD)
    save_anyway = serializers.BooleanField(
        default=False,
        help_text="Store the key although nobody could tell whether it works. A refused key is never stored.",
    )
    extra_default_tasks = serializers.ListField(
        child=serializers.ChoiceField(choices=task_choices()),
        required=False,
        help_text="Tasks without a default_for_… field of their own.",
    )

    class Meta:
        model = AIProviderConfig
        fields: tuple[str, ...] = (*EDITABLE, "api_key", "save_anyway")
        # A new default takes the place of the present one: it is not refused for being the second.
        extra_kwargs: dict[str, dict[str, Any]] = {"is_default": {"validators": []}}

    def settings(self) -> dict[str, Any]:
        """The fields that were sent, as `console` takes them."""
        return {name: value for name, value in self.validated_data.items() if name in EDITABLE}


class ConfigCreateSerializer(_EditableFields):
    provider_type = serializers.ChoiceField(choices=provider_choices())

    class Meta(_EditableFields.Meta):
        fields = ("provider_type", *_EditableFields.Meta.fields)


@extend_schema_serializer(exclude_fields=("provider_type",))
class ConfigUpdateSerializer(_EditableFields):
    """Every field is optional, for PUT as for PATCH; one that is not sent stays as it is."""

    provider_type = serializers.CharField(
        required=False, help_text="Refused: a key belongs to its vendor. Create another config."
    )
    updated_at = serializers.DateTimeField(
        required=False,
        help_text="The value that was read. If the config has changed since, nothing is changed (409).",
    )

    class Meta(_EditableFields.Meta):
        fields = ("provider_type", "updated_at", *_EditableFields.Meta.fields)

    def validate_provider_type(self, value: str) -> str:
        raise serializers.ValidationError(
            "The type is fixed, because a key belongs to its vendor. Create another config instead.",
            code="provider_type_fixed",
        )


class TestRequestSerializer(StrictSerializer):
    """Input that is not saved yet; or, with `config_id` and no key, the stored key at its stored address."""

    provider_type = serializers.ChoiceField(choices=provider_choices())
    api_key = serializers.CharField(**_KEY_FIELD)
    model_name = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=200, help_text="Looked for in the list."
    )
    base_url = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=500, validators=[validate_base_url]
    )
    config_id = serializers.IntegerField(required=False, min_value=1)


class TestResultSerializer(serializers.Serializer[Any]):
    is_valid = serializers.BooleanField(  # type: ignore[assignment]  # a declared field, moved aside by DRF
        allow_null=True, help_text="null: nobody can tell, for the reason in `outcome`."
    )
    outcome = serializers.ChoiceField(
        choices=OUTCOMES,
        help_text="works: a wrong key would not have. refused: the key or the account. list_needs_no_key: "
        "the server was reached, but gives its list to any key. other_api: it lacks this type's API. "
        "unclear: it answered something else. unreachable: it did not answer.",
    )
    message = serializers.CharField()
    tested_at = serializers.DateTimeField()
    latency_ms = serializers.IntegerField()
    models = serializers.ListField(child=serializers.CharField(), help_text="What the key may use.")


class DeletedSerializer(serializers.Serializer[Any]):
    deleted_id = serializers.IntegerField()
