"""Extraction over HTTP: validate, one call, serialise."""

from __future__ import annotations

from typing import Any, cast

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import JSONParser, PageQuerySerializer, StrictQuery, refusals
from accounts.errors import DomainError
from accounts.idempotency import idempotent
from accounts.models import User
from extraction.api.batches import EXTRACT
from extraction.api.serializers import (
    ExtractFormSerializer,
    ExtractResponseSerializer,
    ExtractSerializer,
    ImageCheckResponseSerializer,
    ImageSerializer,
    JobDetailSerializer,
    JobSummarySerializer,
    extraction_body,
    image_check_body,
)
from extraction.errors import (
    ImageTooLarge,
    NoPostingInImage,
    NotAnImage,
    NotAPdf,
    NotAPosting,
    PageTooLarge,
    PageUnavailable,
    PdfTooLarge,
    UnsupportedContent,
    UrlNotAllowed,
)
from extraction.extractor import extract
from extraction.image_check import check_image
from extraction.images import MAX_BYTES
from extraction.models import JobPosting
from extraction.pdf.reader import MAX_BYTES as MAX_PDF_BYTES
from orchestration.api.batches import PREFER, BatchCreateView, BatchSerializer, accepted_alone, is_asked_for
from orchestration.api.feedback import FeedbackView
from orchestration.api.generating import EVENTS, GeneratingAPIView, StreamedToo, streamed, wants_events
from orchestration.calls.heard import Hear
from orchestration.errors import ABOUT_THE_INPUT

_NO_POSTING = (
    UrlNotAllowed,
    PageUnavailable,
    PageTooLarge,
    UnsupportedContent,
    NotAPosting,
    NotAnImage,
    ImageTooLarge,
    NoPostingInImage,
    NotAPdf,
    PdfTooLarge,
)


class ExtractView(GeneratingAPIView):
    """A job posting's address, text, picture or PDF in; the structured record out: 201, or 200 for a posting
    that the user has had before."""

    parser_classes = (JSONParser, MultiPartParser, FormParser)
    content_negotiation_class = StreamedToo

    @extend_schema(
        request={"application/json": ExtractSerializer, "multipart/form-data": ExtractFormSerializer},
        parameters=[PREFER],
        responses={
            201: ExtractResponseSerializer,
            (200, "application/json"): ExtractResponseSerializer,
            202: BatchSerializer,
            **refusals(*_NO_POSTING, *ABOUT_THE_INPUT),
            **EVENTS,
        },
    )
    @idempotent
    async def post(self, request: Request) -> HttpResponseBase:
        serializer = ExtractFormSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = dict(serializer.validated_data)
        if is_asked_for(request) and not request.FILES:
            return await accepted_alone(request, kind=EXTRACT, item=given)
        if "image" in given:
            given["image"] = _bytes(given["image"])
        if "pdf" in given:
            given["pdf"] = _bytes(given["pdf"], PdfTooLarge, MAX_PDF_BYTES)
        if wants_events(request):
            return await streamed(request, lambda hear: _extracted(request, given, hear))
        status, body = await _extracted(request, given)
        return Response(body, status=status)


async def _extracted(request: Request, given: dict[str, Any], hear: Hear | None = None) -> tuple[int, Any]:
    extraction = await extract(user=cast(User, request.user), **given, hear=hear)
    return 200 if extraction.is_known else 201, extraction_body(extraction)


class ExtractBatchView(BatchCreateView):
    """Many postings by address or text."""

    kind = EXTRACT


class ValidateImageView(GeneratingAPIView):
    """Is this picture a readable job posting?"""

    parser_classes = (MultiPartParser,)

    @extend_schema(
        request=ImageSerializer,
        responses={
            200: ImageCheckResponseSerializer,
            **refusals(NotAnImage, ImageTooLarge, *ABOUT_THE_INPUT),
        },
    )
    @idempotent
    async def post(self, request: Request) -> Response:
        serializer = ImageSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        image = _bytes(serializer.validated_data["image"])
        check = await check_image(user=cast(User, request.user), image=image)
        return Response(image_check_body(check))


class _OwnJobs(generics.GenericAPIView[JobPosting]):
    def get_queryset(self) -> QuerySet[JobPosting]:
        if getattr(self, "swagger_fake_view", False):
            return JobPosting.objects.none()
        return JobPosting.objects.filter(user=cast(User, self.request.user))


class JobListView(StrictQuery, _OwnJobs, generics.ListAPIView[JobPosting]):
    """The user's own postings, newest first."""

    query_serializer_class = PageQuerySerializer
    serializer_class = JobSummarySerializer

    def get_queryset(self) -> QuerySet[JobPosting]:
        # The records themselves are long and not shown here.
        return super().get_queryset().defer("data", "sources", "evidence", "warnings")


class JobDetailView(StrictQuery, _OwnJobs, generics.RetrieveDestroyAPIView[JobPosting]):
    """One of the user's own postings. Drafts that were made for a deleted one stay."""

    serializer_class = JobDetailSerializer


class JobFeedbackView(_OwnJobs, FeedbackView[JobPosting]):
    """Rate the extraction of one of the user's postings; the last rating counts."""


def _bytes(upload: Any, refusal: type[DomainError] = ImageTooLarge, limit: int = MAX_BYTES) -> bytes:
    """The upload's content. Refused by its size before it is read into memory."""
    file = cast("UploadedFile[bytes]", upload)
    if (file.size or 0) > limit:
        raise refusal(details={"limit_bytes": limit})
    content: bytes = file.read()
    return content
