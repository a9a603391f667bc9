"""Reading a CV into a profile over HTTP: validate, one call, serialise."""

from __future__ import annotations

from typing import Any, cast

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import JSONParser, StrictSerializer
from accounts.async_views import AsyncAPIView
from accounts.idempotency import idempotent
from accounts.models import User
from drafting.api.serializers import ReadChangeSerializer
from drafting.imports.documents import MAX_CHARACTERS
from drafting.imports.errors import DocumentTooLarge
from drafting.imports.importer import Import, import_profile
from extraction.api.serializers import CallSerializer, call_body
from extraction.pdf.reader import MAX_BYTES


class ImportRequestSerializer(StrictSerializer):
    """Exactly one of the two."""

    file = serializers.FileField(
        required=False,
        help_text=(
            "A PDF, DOCX, text, Markdown, LinkedIn data export (ZIP) or JSON Resume of at most 10 MB and 20 "
            "pages; multipart only."
        ),
    )
    text = serializers.CharField(
        required=False, max_length=MAX_CHARACTERS, help_text="The CV's own text or Markdown, pasted."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Send exactly one of file and text.", code="one_source")
        return attrs


class FoundSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(help_text="Of the value in `resume`, such as work/0/position.")
    value = serializers.CharField()
    quote = serializers.CharField(help_text="The lines of the source that it was read from.")


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

    kind = serializers.ChoiceField(choices=["pdf", "docx", "text", "linkedin", "json"])
    resume = serializers.DictField(help_text="A JSON Resume v1.0.0.")
    found = FoundSerializer(many=True)
    unsure = DoubtSerializer(
        many=True, help_text="Words of the source that may belong there; not in `resume`, save a date's year."
    )
    dropped = DoubtSerializer(many=True, help_text="What a model answered and the source does not say.")
    changes = ReadChangeSerializer(many=True, help_text="What was read in another way than it was written.")


class ProfileImportView(AsyncAPIView):
    """A CV in; a profile to look over out, each value with the words it was read from."""

    parser_classes = (JSONParser, MultiPartParser, FormParser)

    @extend_schema(request=ImportRequestSerializer, responses={200: ImportSerializer})
    @idempotent
    async def post(self, request: Request) -> Response:
        serializer = ImportRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = dict(serializer.validated_data)
        if "file" in given:
            given["content"] = _bytes(given.pop("file"))
        read = await import_profile(user=cast(User, request.user), **given)
        return Response(_body(read))


def _bytes(upload: Any) -> bytes:
    """The upload's content. Refused by its size before it is read into memory."""
    file = cast("UploadedFile[bytes]", upload)
    if (file.size or 0) > MAX_BYTES:
        raise DocumentTooLarge(details={"limit_bytes": MAX_BYTES})
    content: bytes = file.read()
    return content


def _body(read: Import) -> dict[str, Any]:
    review = read.review
    return {
        "kind": read.kind,
        "resume": review.resume,
        "found": review.found,
        "unsure": review.unsure,
        "dropped": review.dropped,
        "changes": review.changes,
        **call_body(read.result, read.latency_ms, read.request_id),
    }
