"""Shapes of the profile and drafting endpoints, in and out."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from rest_framework import serializers

from accounts.api_base import StrictSerializer
from drafting.language import codes
from drafting.models import Draft, Kind, MasterProfile
from drafting.options import DraftOptions, Length, Tone
from drafting.resume import check_resume, why_not_storable
from extraction.api.serializers import CallSerializer
from extraction.schema import JobData


class ProfileInputSerializer(StrictSerializer):
    name = serializers.CharField(max_length=200, help_text="Your own name for this profile.")
    resume = serializers.JSONField(help_text="A JSON Resume v1.0.0.")

    def validate_resume(self, value: object) -> dict[str, Any]:
        return check_resume(value)


class ProfileSummarySerializer(serializers.ModelSerializer[MasterProfile]):
    profile_id = serializers.IntegerField(source="id")

    class Meta:
        model = MasterProfile
        fields = ("profile_id", "name", "created_at", "updated_at")


class ProfileSerializer(ProfileSummarySerializer):
    resume = serializers.DictField()

    class Meta(ProfileSummarySerializer.Meta):
        fields = (*ProfileSummarySerializer.Meta.fields, "resume")  # type: ignore[assignment]


class DraftInputSerializer(StrictSerializer):
    """`job_id` or `job_data`, and `profile_id` or `master_profile`; the rest has defaults."""

    job_id = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    job_data = serializers.JSONField(required=False, help_text="The `extracted_data` of an extraction.")
    profile_id = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    master_profile = serializers.JSONField(required=False, help_text="A JSON Resume v1.0.0.")
    language = serializers.ChoiceField(
        choices=codes(),
        required=False,
        help_text="Default: the profile's language for a CV, the posting's for a letter.",
    )
    tone = serializers.ChoiceField(choices=[tone.value for tone in Tone], default=Tone.FORMAL.value)
    length = serializers.ChoiceField(
        choices=[length.value for length in Length], default=Length.STANDARD.value
    )

    def validate_job_data(self, value: object) -> JobData:
        if obstacle := why_not_storable(value):
            raise serializers.ValidationError(obstacle)
        try:
            return JobData.model_validate(value)
        except ValidationError as error:
            raise serializers.ValidationError(_problems(error)) from None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for pair in (("job_id", "job_data"), ("profile_id", "master_profile")):
            if sum(name in attrs for name in pair) != 1:
                message = f"Send exactly one of {pair[0]} and {pair[1]}."
                raise serializers.ValidationError({pair[0]: [message]}, code="one_source")
        return attrs

    @property
    def options(self) -> DraftOptions:
        data = self.validated_data
        return DraftOptions(
            language=data.get("language"), tone=Tone(data["tone"]), length=Length(data["length"])
        )

    @property
    def sources(self) -> dict[str, Any]:
        """Arguments of drafting.drafter.load_source."""
        names = ("job_id", "job_data", "profile_id", "master_profile")
        return {name: self.validated_data[name] for name in names if name in self.validated_data}


class DraftSummarySerializer(serializers.ModelSerializer[Draft]):
    draft_id = serializers.IntegerField(source="id")
    kind = serializers.ChoiceField(choices=Kind.choices)

    class Meta:
        model = Draft
        fields = (
            "draft_id",
            "version",
            "kind",
            "title",
            "hiring_organization",
            "job_id",
            "profile_id",
            "parameters",
            "created_at",
        )


class ChangeSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["rewritten", "reordered", "left_out", "used"])
    field = serializers.CharField(help_text="Id of the fact, or the section.")
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class GroundingNoteSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Whose text was refused.")
    reason = serializers.CharField()
    message = serializers.CharField()
    words = serializers.ListField(child=serializers.CharField())


class DraftSerializer(DraftSummarySerializer, CallSerializer):
    """A whole draft with the account of the call that made it."""

    content = serializers.DictField(help_text="JSON Resume for a CV; parts and `text` for a letter.")
    changes = ChangeSerializer(many=True)
    grounding = GroundingNoteSerializer(many=True)
    provider_used = serializers.CharField(source="provider_type")
    model_used = serializers.CharField(source="model_name")
    latency_ms = serializers.IntegerField(help_text="Of the answering call.")

    class Meta(DraftSummarySerializer.Meta):
        fields = (  # type: ignore[assignment]
            *DraftSummarySerializer.Meta.fields,
            "content",
            "changes",
            "grounding",
            "prompt_version",
            "provider_used",
            "model_used",
            "usage",
            "cost_usd",
            "latency_ms",
            "attempts",
            "request_id",
            "degraded",
            "quota_warnings",
        )

    def to_representation(self, instance: Draft) -> dict[str, Any]:
        body: dict[str, Any] = super().to_representation(instance)
        cost = instance.cost_usd
        return body | {"cost_usd": None if cost is None else format(cost, "f")}


def _problems(error: ValidationError) -> dict[str, list[str]]:
    """Place and kind of each fault, without the values sent."""
    faults: dict[str, list[str]] = {}
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        path = ".".join(str(step) for step in fault["loc"]) or "job_data"
        faults.setdefault(path, []).append(fault["msg"])
    return faults
