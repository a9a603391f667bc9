"""Shapes of the import of a profile, in and out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.api_base import StrictSerializer
from drafting.api.serializers import ReadChangeSerializer
from drafting.imports.documents import MAX_CHARACTERS
from drafting.imports.importer import Import
from extraction.api.serializers import CallSerializer, call_body

_FILES = (
    "A PDF, DOCX, text, Markdown, LinkedIn data export (ZIP) or JSON Resume of at most 10 MB and 20 pages."
)


class ImportRequestSerializer(StrictSerializer):
    """Exactly one of file and text."""

    # What is empty is told by the importer, like anything else that is no CV.
    file = serializers.FileField(required=False, allow_empty_file=True, help_text=_FILES)
    text = serializers.CharField(
        required=False, max_length=MAX_CHARACTERS, help_text="The CV's own text or Markdown, pasted."
    )

    as_pictures = serializers.BooleanField(
        default=False,
        help_text=(
            "Pages without a text layer, or a photograph (PNG, JPEG), may be shown to an AI provider as they "
            "are: nothing on them can be masked. At most four pages."
        ),
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("file" in attrs) == ("text" in attrs):
            raise serializers.ValidationError("Send exactly one of file and text.", code="one_source")
        return attrs


class ImportTextSerializer(ImportRequestSerializer):
    """As JSON."""

    file = as_pictures = None  # type: ignore[assignment]  # as DRF leaves out what a parent declares
    text = serializers.CharField(
        max_length=MAX_CHARACTERS, help_text="The CV's own text or Markdown, pasted."
    )


class ImportFileSerializer(ImportRequestSerializer):
    """As a form."""

    text = None  # type: ignore[assignment]  # as above
    file = serializers.FileField(allow_empty_file=True, help_text=_FILES)


class FoundSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(help_text="Of the value in `resume`, such as work/0/position.")
    value = serializers.CharField()
    quote = serializers.CharField(help_text="The lines of the source that it was read from.")
    from_picture = serializers.BooleanField(
        help_text="The source is what a model read in a picture: compare it with the page."
    )


class TranscriptionSerializer(CallSerializer):
    """What a model read in the pictures, and the call that did; all values were read from this text."""

    text = serializers.CharField()


class DoubtSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(help_text="Where it would stand.")
    value = serializers.CharField()
    why = serializers.CharField(
        help_text=(
            "unsure: apart, other_section, part_of_a_phrase, denied, too_long, not_this_end, not_a_date, "
            "day_or_month_first, end_before_start, by_its_place_alone, further_contact, not_read, not_valid. "
            "dropped: not_in_source, contact_detail."
        )
    )


class ImportSerializer(CallSerializer):
    """A profile to look over. Nothing was saved: send `resume`, corrected, to `POST profiles`."""

    kind = serializers.ChoiceField(choices=["pdf", "docx", "text", "linkedin", "json", "pictures"])
    resume = serializers.DictField(help_text="A JSON Resume v1.0.0.")
    found = FoundSerializer(many=True)
    unsure = DoubtSerializer(
        many=True, help_text="Words of the source that may belong there; not in `resume`, save a date's year."
    )
    dropped = DoubtSerializer(many=True, help_text="What a model answered and the source does not say.")
    transcription = TranscriptionSerializer(allow_null=True, help_text="Of pictures; else null.")
    changes = ReadChangeSerializer(many=True, help_text="What was read in another way than it was written.")


class ImportItemSerializer(StrictSerializer):
    """The same as it waits for a worker: what was read of the file, which is not kept."""

    kind = serializers.CharField(max_length=10)
    text = serializers.CharField(trim_whitespace=False)


def import_body(read: Import) -> dict[str, Any]:
    review, transcription = read.review, None
    if seen := read.transcription:
        transcription = call_body(seen, seen.latency_ms, seen.request_id) | {"text": read.transcript}
    return {
        "kind": read.kind,
        "resume": review.resume,
        "found": [row | {"from_picture": transcription is not None} for row in review.found],
        "unsure": review.unsure,
        "dropped": review.dropped,
        "transcription": transcription,
        "changes": review.changes,
        **call_body(read.result, read.latency_ms, read.request_id),
    }
