"""Shapes of the profile and drafting endpoints, in and out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api_base import StrictSerializer
from drafting.api.documents import JobDataField, ResumeField
from drafting.exports import FileFormat, Look, Paper, Template
from drafting.facts import SECTIONS
from drafting.language import codes
from drafting.models import Draft, Kind, MasterProfile
from drafting.options import DraftOptions, Length, Tone
from drafting.resume import normalised_resume
from extraction.api.serializers import CallSerializer


class ProfileInputSerializer(StrictSerializer):
    name = serializers.CharField(max_length=200, help_text="Your own name for this profile.")
    resume = ResumeField(help_text="A JSON Resume v1.0.0.")

    def validate_resume(self, value: object) -> dict[str, Any]:
        read = normalised_resume(value)
        self.changes = read.changes
        return read.resume


class ProfileSummarySerializer(serializers.ModelSerializer[MasterProfile]):
    profile_id = serializers.IntegerField(source="id")

    class Meta:
        model = MasterProfile
        fields = ("profile_id", "name", "created_at", "updated_at")


class ReadChangeSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    change = serializers.CharField(help_text="renamed, dropped, completed, made a list or kept.")
    to = serializers.CharField()


class ProfileSerializer(ProfileSummarySerializer):
    resume = serializers.DictField()
    changes = serializers.SerializerMethodField(help_text="What was read in another way than it was written.")

    @extend_schema_field(ReadChangeSerializer(many=True))
    def get_changes(self, profile: MasterProfile) -> list[dict[str, str]]:
        return list(self.context.get("changes", []))

    class Meta(ProfileSummarySerializer.Meta):
        fields = (*ProfileSummarySerializer.Meta.fields, "resume", "changes")  # type: ignore[assignment]


SOURCES_RULE = "one of `job_id` and `job_data`, and one of `profile_id` and `master_profile`."


class SourcesSerializer(StrictSerializer):
    """A posting and a profile, each by its id or sent along."""

    job_id = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    job_data = JobDataField(required=False, help_text="The `extracted_data` of an extraction.")
    profile_id = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    master_profile = ResumeField(required=False, help_text="A JSON Resume v1.0.0.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for pair in (("job_id", "job_data"), ("profile_id", "master_profile")):
            if sum(name in attrs for name in pair) != 1:
                message = f"Send exactly one of {pair[0]} and {pair[1]}."
                raise serializers.ValidationError({pair[0]: [message]}, code="one_source")
        return attrs

    @property
    def sources(self) -> dict[str, Any]:
        """Arguments of drafting.drafter.load_source."""
        names = ("job_id", "job_data", "profile_id", "master_profile")
        return {name: self.validated_data[name] for name in names if name in self.validated_data}


class DraftInputSerializer(SourcesSerializer):
    """`job_id` or `job_data`, and `profile_id` or `master_profile`; the rest has defaults."""

    language = serializers.ChoiceField(
        choices=codes(),
        required=False,
        help_text="Default: the profile's language for a CV, the posting's for a letter.",
    )
    tone = serializers.ChoiceField(choices=[tone.value for tone in Tone], default=Tone.FORMAL.value)
    length = serializers.ChoiceField(
        choices=[length.value for length in Length], default=Length.STANDARD.value
    )
    note = serializers.CharField(
        max_length=600, required=False, help_text="A paragraph of your own for a letter; no model sees it."
    )
    variant = serializers.CharField(
        max_length=60, required=False, help_text="Names one of several drafts for the same posting."
    )
    pages = serializers.IntegerField(
        required=False, min_value=1, max_value=5, help_text="The most pages a CV may take."
    )
    pinned = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=200,
        help_text="Ids of facts a CV always shows, such as work-1.h2.",
    )  # fmt: skip
    hidden = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=200,
        help_text="Ids of entries or lines a CV never shows.",
    )  # fmt: skip
    sections = serializers.ListField(
        child=serializers.ChoiceField(choices=[section.key for section in SECTIONS]), required=False,
        help_text="Sections of a CV that come first, in this order.",
    )  # fmt: skip

    @property
    def options(self) -> DraftOptions:
        data = self.validated_data
        return DraftOptions(
            language=data.get("language"),
            tone=Tone(data["tone"]),
            length=Length(data["length"]),
            note=data.get("note", ""),
            variant=data.get("variant", ""),
            pages=data.get("pages"),
            pinned=tuple(data.get("pinned", ())),
            hidden=tuple(data.get("hidden", ())),
            sections=tuple(data.get("sections", ())),
        )


class DraftSummarySerializer(serializers.ModelSerializer[Draft]):
    draft_id = serializers.IntegerField(source="id")
    kind = serializers.ChoiceField(choices=Kind.choices)

    class Meta:
        model = Draft
        fields = (
            "draft_id",
            "version",
            "made_by",
            "made_from",
            "kind",
            "title",
            "hiring_organization",
            "job_id",
            "profile_id",
            "parameters",
            "created_at",
        )


class ExportQuerySerializer(StrictSerializer):
    """Its valid data are the arguments of `drafting.exports.export`."""

    format = serializers.ChoiceField(
        choices=[one.value for one in FileFormat], default=FileFormat.PDF.value,
        help_text="The file's format; zip holds one of each.",
    )  # fmt: skip
    template = serializers.ChoiceField(
        choices=[one.value for one in Template], default=Template.ONE_COLUMN.value,
        help_text="How a PDF looks: one-column is what programs read best. The academic order of sections "
        "(publications first) holds for every format.",
    )  # fmt: skip
    paper = serializers.ChoiceField(
        choices=[one.value for one in Paper], default=Paper.A4.value, help_text="Of PDF and DOCX."
    )
    photo = serializers.BooleanField(
        default=False,
        help_text="Show the profile's picture in PDF and DOCX of a CV, when `basics.image` holds it as a "
        "data: URL. An address is never fetched.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {
            "file_format": FileFormat(attrs["format"]),
            "look": Look(Template(attrs["template"]), Paper(attrs["paper"])),
            "photo": attrs["photo"],
        }


class ChangeSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["rewritten", "reordered", "left_out", "used", "edited"])
    field = serializers.CharField(help_text="Id of the fact, or the section; the path of what was edited.")
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class GroundingNoteSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Whose text was refused.")
    reason = serializers.CharField()
    message = serializers.CharField()
    words = serializers.ListField(child=serializers.CharField())


class ProofSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(
        help_text="Id of the fact, or paragraph of a letter; the path of a text of your own."
    )
    text = serializers.CharField()
    proof = serializers.ChoiceField(
        choices=["code", "reader", "own_words", "user", "person"],
        help_text="user and person are yours: the note you sent along, and what you wrote into the draft.",
    )
    sources = serializers.ListField(child=serializers.CharField(), help_text="Ids of the facts it rests on.")
    replaces = serializers.CharField(
        required=False, help_text="What stood there before you wrote your own; empty if nothing did."
    )


class RequirementSerializer(serializers.Serializer[Any]):
    asked = serializers.CharField()
    is_supported = serializers.BooleanField()
    is_skill = serializers.BooleanField(help_text="Whether it stands among the profile's skills.")
    facts = serializers.ListField(
        child=serializers.CharField(), help_text="Ids of the facts that support it."
    )


class DraftWarningSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["gap", "order"])
    path = serializers.CharField()
    message = serializers.CharField()


class ReportSerializer(serializers.Serializer[Any]):
    match = RequirementSerializer(many=True, help_text="What the posting asks, and what the profile has.")
    pages = serializers.IntegerField(required=False, allow_null=True, help_text="Of the CV as a PDF.")
    warnings = DraftWarningSerializer(many=True, required=False)


class DraftCallSerializer(serializers.Serializer[Any]):
    task = serializers.CharField(help_text="cv_draft or cover_letter; grounding for the second reader.")
    provider = serializers.CharField()
    provider_name = serializers.CharField()
    model = serializers.CharField()
    request_id = serializers.CharField()
    total_tokens = serializers.IntegerField(allow_null=True)
    cost_usd = serializers.CharField(allow_null=True)
    cached = serializers.BooleanField()


class DraftSerializer(DraftSummarySerializer, CallSerializer):
    """A whole draft with the account of the calls that made it; `usage` is the writer's, `cost_usd` of
    all."""

    content = serializers.DictField(help_text="JSON Resume for a CV; parts and `text` for a letter.")
    changes = ChangeSerializer(many=True)
    grounding = GroundingNoteSerializer(many=True)
    proofs = ProofSerializer(many=True, help_text="What vouches for each sentence.")
    report = ReportSerializer()
    calls = DraftCallSerializer(many=True)
    provider_used = serializers.CharField(source="provider_type")
    model_used = serializers.CharField(source="model_name")
    latency_ms = serializers.IntegerField(help_text="Of the answering call.")

    class Meta(DraftSummarySerializer.Meta):
        fields = (  # type: ignore[assignment]
            *DraftSummarySerializer.Meta.fields,
            "content",
            "changes",
            "grounding",
            "proofs",
            "report",
            "calls",
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


class ProfileDeletionSerializer(StrictSerializer):
    drafts = serializers.ChoiceField(
        required=False,
        default="keep",
        choices=["keep", "delete"],
        help_text="What becomes of the drafts that were made from the profile.",
    )


class ProfileDeletedSerializer(serializers.Serializer[Any]):
    drafts_deleted = serializers.IntegerField()
    drafts_kept = serializers.IntegerField()
