"""Shapes of what is done with a draft after it was made: editing, comparing, writing a section anew."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from accounts.api_base import StrictSerializer
from drafting.api.documents import JobDataField, ResumeField
from drafting.comparing import Difference
from drafting.models import Draft, Kind

_LINE, _PROSE = 300, 4000


def _line(longest: int = _LINE) -> serializers.CharField:
    return serializers.CharField(max_length=longest, required=False, allow_blank=True)


def _lines(most: int) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=_LINE), max_length=most, required=False
    )


class LetterSenderSerializer(StrictSerializer):
    name = serializers.CharField(max_length=_LINE, allow_blank=True)
    lines = serializers.ListField(child=serializers.CharField(max_length=_LINE), max_length=15)


class LetterParagraphSerializer(StrictSerializer):
    text = serializers.CharField(max_length=_PROSE)
    points = serializers.ListField(
        child=serializers.CharField(max_length=1000), max_length=40, required=False, default=list
    )
    sources = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        help_text="Not read: code finds them anew.",
    )


class LetterContentSerializer(StrictSerializer):
    """The parts of a letter to change. What code makes of the others (`text`, `word_count` and so on) may
    come along as it was read, and no other way."""

    sender = LetterSenderSerializer(required=False)
    date_text = _line(100)
    recipient = _lines(10)
    subject = _line()
    salutation = _line()
    opening = _line(_PROSE)
    body = serializers.ListField(
        child=LetterParagraphSerializer(), required=False, allow_empty=False, max_length=40
    )
    closing = _line(_PROSE)
    sign_off = _line()
    signature = _line()
    language = serializers.JSONField(required=False)
    title = serializers.JSONField(required=False)
    company = serializers.JSONField(required=False)
    date = serializers.JSONField(required=False)
    word_count = serializers.JSONField(required=False)
    word_target = serializers.JSONField(required=False)
    text = serializers.JSONField(required=False)


def _entries() -> serializers.ListField:
    return serializers.ListField(child=serializers.DictField(), required=False)


class ResumeContentSerializer(serializers.Serializer[Any]):
    """A whole JSON Resume v1.0.0; sections left out are left out of the CV."""

    basics = serializers.DictField(required=False)
    work = _entries()
    volunteer = _entries()
    education = _entries()
    projects = _entries()
    certificates = _entries()
    skills = _entries()
    languages = _entries()
    awards = _entries()
    publications = _entries()
    interests = _entries()
    references = _entries()


@extend_schema_field(
    PolymorphicProxySerializer(
        component_name="DraftContent",
        serializers=[ResumeContentSerializer, LetterContentSerializer],
        resource_type_field_name=None,
    )
)
class _ContentField(serializers.JSONField):
    pass


class DraftEditSerializer(StrictSerializer):
    """`title`, `content` or both. Give the draft that is edited as `context["draft"]`."""

    title = serializers.CharField(max_length=300, required=False)
    content = _ContentField(
        required=False, help_text="For a CV a whole JSON Resume; of a letter the parts to change."
    )

    def validate_content(self, value: object) -> Any:
        draft: Draft = self.context["draft"]
        if draft.kind == Kind.CV:
            if not isinstance(value, dict):
                raise serializers.ValidationError("A JSON object is expected here.")
            return value
        letter = LetterContentSerializer(data=value)
        letter.is_valid(raise_exception=True)
        return letter.validated_data

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError({"content": ["Send content, title or both."]}, code="required")
        return attrs


class RegenerateSerializer(StrictSerializer):
    section = serializers.CharField(
        max_length=40,
        help_text="summary, work, volunteer, projects, awards or publications of a CV; paragraph-1 and so on "
        "of a letter.",
    )
    replace_own = serializers.BooleanField(
        default=False, help_text="Whether texts of your own are written anew, too."
    )
    job_data = JobDataField(
        required=False, help_text="The posting, where the draft's own is not kept, or in its stead."
    )
    master_profile = ResumeField(
        required=False, help_text="A JSON Resume, where the draft's profile is not kept, or in its stead."
    )


class RegenerateItemSerializer(RegenerateSerializer):
    """The same as it waits for a worker."""

    draft_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class DiffQuerySerializer(StrictSerializer):
    against = serializers.RegexField(
        r"^(?:profile|[1-9]\d{0,17})$", help_text="The id of another draft, or `profile`."
    )


class DifferenceSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[one.value for one in Difference if one is not Difference.SAME])
    path = serializers.CharField(
        allow_null=True,
        help_text="Where it stands in this draft, such as work/0/highlights/1; null if removed.",
    )
    from_path = serializers.CharField(allow_null=True, help_text="Where it stood; null if added.")
    before = serializers.JSONField(allow_null=True, help_text="The text there; a whole entry, if removed.")
    after = serializers.JSONField(allow_null=True, help_text="The text here; a whole entry, if added.")


class DiffSerializer(serializers.Serializer[Any]):
    draft_id = serializers.IntegerField()
    against = serializers.CharField(help_text="As asked for.")
    differences = DifferenceSerializer(many=True)
