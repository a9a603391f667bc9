"""Profiles and drafts over HTTP: validate, one call, serialise."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api_base import PageQuerySerializer, StrictQuery, refusals, valid_query
from accounts.async_views import AsyncAPIView
from accounts.concurrency import in_database_thread
from accounts.idempotency import idempotent
from accounts.models import User
from accounts.pieces import FileInPieces
from drafting.api.batches import CV, LETTER, drafted
from drafting.api.living import OwnDrafts
from drafting.api.serializers import (
    SOURCES_RULE,
    DraftInputSerializer,
    DraftSerializer,
    DraftSummarySerializer,
    ExportQuerySerializer,
    ProfileDeletedSerializer,
    ProfileDeletionSerializer,
    ProfileInputSerializer,
    ProfileSerializer,
    ProfileSummarySerializer,
)
from drafting.drafter import draft_cv, write_letter
from drafting.errors import UNFIT_SOURCES, InvalidProfile
from drafting.exports import CONTENT_TYPES, export
from drafting.exports.file_names import content_disposition
from drafting.models import Draft, MasterProfile
from drafting.own_data import archive_of, delete_profile
from orchestration.api.batches import PREFER, BatchCreateView, BatchSerializer, accepted_alone, is_asked_for
from orchestration.api.feedback import FeedbackView
from orchestration.api.generating import EVENTS, GeneratingAPIView, StreamedToo, Work, streamed, wants_events
from orchestration.calls.heard import Hear
from orchestration.errors import ABOUT_THE_INPUT

_NO_RESUME = refusals(InvalidProfile)
_NO_SOURCES = refusals(*UNFIT_SOURCES, *ABOUT_THE_INPUT, rule=SOURCES_RULE)


def _user(request: Request) -> User:
    """Whoever the permission class let in."""
    return cast("User", request.user)


class ProfileListView(StrictQuery, generics.ListAPIView[MasterProfile]):
    """The user's profiles, the last changed first."""

    query_serializer_class = PageQuerySerializer
    serializer_class = ProfileSummarySerializer

    def get_queryset(self) -> QuerySet[MasterProfile]:
        if getattr(self, "swagger_fake_view", False):
            return MasterProfile.objects.none()
        return MasterProfile.objects.filter(user=_user(self.request)).defer("resume")

    @extend_schema(request=ProfileInputSerializer, responses={201: ProfileSerializer, **_NO_RESUME})
    def post(self, request: Request) -> Response:
        """Keep a profile; 422 `invalid_profile` when it is not a JSON Resume."""
        serializer = ProfileInputSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        profile = MasterProfile.objects.create(user=_user(request), **serializer.validated_data)
        return Response(_shown(profile, serializer), status=201)


class ProfileDetailView(StrictQuery, generics.RetrieveDestroyAPIView[MasterProfile]):
    """One of the caller's profiles."""

    serializer_class = ProfileSerializer

    def get_queryset(self) -> QuerySet[MasterProfile]:
        if getattr(self, "swagger_fake_view", False):
            return MasterProfile.objects.none()
        return MasterProfile.objects.filter(user=_user(self.request))

    @extend_schema(request=ProfileInputSerializer, responses={200: ProfileSerializer, **_NO_RESUME})
    def put(self, request: Request, pk: int) -> Response:
        """Replace name and resume."""
        return self._update(request, partial=False)

    @extend_schema(
        request=ProfileInputSerializer(partial=True), responses={200: ProfileSerializer, **_NO_RESUME}
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Replace name or resume; a resume is always replaced as a whole."""
        return self._update(request, partial=True)

    @extend_schema(parameters=[ProfileDeletionSerializer], responses={200: ProfileDeletedSerializer})
    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete the profile. What was drafted from it stays, unless `drafts=delete` is asked for; the reply
        says how many drafts were kept and deleted."""
        serializer = ProfileDeletionSerializer(data=request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        deleted = delete_profile(
            self.get_object(), with_drafts=serializer.validated_data["drafts"] == "delete"
        )
        return Response(ProfileDeletedSerializer(deleted).data)

    def _update(self, request: Request, *, partial: bool) -> Response:
        profile = self.get_object()
        serializer = ProfileInputSerializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        for name, value in serializer.validated_data.items():
            setattr(profile, name, value)
        profile.save(update_fields=[*serializer.validated_data, "updated_at"])
        return Response(_shown(profile, serializer))


def _shown(profile: MasterProfile, read: ProfileInputSerializer) -> Any:
    """The profile as it is kept, with what was read in another way than it was written."""
    return ProfileSerializer(profile, context={"changes": getattr(read, "changes", [])}).data


class _DraftingView(GeneratingAPIView):
    """What both generating endpoints do; they differ in the function that drafts."""

    kind: ClassVar[str]
    generate: ClassVar[Callable[..., Awaitable[Draft]]]

    content_negotiation_class = StreamedToo

    def _heard(self, request: Request) -> Work:
        generate, user, given = type(self).generate, _user(request), request.data

        async def work(hear: Hear) -> tuple[int, Any]:
            return 201, await drafted(generate, user, given, hear)

        return work

    async def _draft(self, request: Request) -> HttpResponseBase:
        if is_asked_for(request):
            return await accepted_alone(request, kind=self.kind, item=request.data)
        if wants_events(request):
            return await streamed(request, self._heard(request))
        return Response(await drafted(type(self).generate, _user(request), request.data), status=201)


class CvDraftView(_DraftingView):
    kind, generate = CV, staticmethod(draft_cv)

    @extend_schema(
        request=DraftInputSerializer,
        parameters=[PREFER],
        responses={201: DraftSerializer, 202: BatchSerializer, **_NO_SOURCES, **EVENTS},
    )
    @idempotent
    async def post(self, request: Request) -> HttpResponseBase:
        """Draft a CV for a posting from a profile, as the next version of its series."""
        return await self._draft(request)


class CoverLetterView(_DraftingView):
    kind, generate = LETTER, staticmethod(write_letter)

    @extend_schema(
        request=DraftInputSerializer,
        parameters=[PREFER],
        responses={201: DraftSerializer, 202: BatchSerializer, **_NO_SOURCES, **EVENTS},
    )
    @idempotent
    async def post(self, request: Request) -> HttpResponseBase:
        """Write a cover letter for a posting from a profile, as the next version of its series."""
        return await self._draft(request)


class CvBatchView(BatchCreateView):
    """CVs for many postings."""

    kind = CV


class LetterBatchView(BatchCreateView):
    """Cover letters for many postings."""

    kind = LETTER


class DraftListView(StrictQuery, OwnDrafts, generics.ListAPIView[Draft]):
    """The user's drafts, newest first."""

    query_serializer_class = PageQuerySerializer
    serializer_class = DraftSummarySerializer

    def get_queryset(self) -> QuerySet[Draft]:
        return super().get_queryset().defer("content", "changes", "grounding", "proofs", "report", "calls")


class DraftFeedbackView(OwnDrafts, FeedbackView[Draft]):
    """Rate one of the user's drafts; the last rating counts."""


class _AnyFormat(DefaultContentNegotiation):
    """`?format=` names an export here, not a DRF renderer, and a browser's Accept header decides nothing."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


_WARNINGS_HEADER = OpenApiParameter(
    "X-Export-Warnings",
    location=OpenApiParameter.HEADER,
    response=[200],
    description="What the file had to do without, as a JSON list of `{code, characters}` in ASCII: "
    "`characters_left_out` (no font draws them), `no_photo` (the profile holds none).",
)


class DraftExportView(AsyncAPIView):
    content_negotiation_class = _AnyFormat

    @extend_schema(
        parameters=[ExportQuerySerializer, _WARNINGS_HEADER],
        responses={
            (200, content_type): OpenApiResponse(OpenApiTypes.BINARY, description="The file.")
            for content_type in CONTENT_TYPES
        },
    )
    async def get(self, request: Request, pk: int) -> HttpResponse:
        """The draft as a file: PDF, DOCX, plain text, Markdown, JSON (a JSON Resume for a CV), or all of them
        in a ZIP. All say the same."""
        query = valid_query(request, ExportQuerySerializer)
        draft = await in_database_thread(_own_draft, _user(request), pk)
        exported = await export(draft, **query.validated_data)
        response = HttpResponse(exported.data, content_type=exported.content_type)
        response["Content-Disposition"] = content_disposition(exported.file_name)
        response["X-Content-Type-Options"] = "nosniff"
        if exported.warnings:
            response[_WARNINGS_HEADER.name] = json.dumps([asdict(warning) for warning in exported.warnings])
        return response


class OwnDataView(StrictQuery, APIView):
    content_negotiation_class = _AnyFormat

    @extend_schema(
        operation_id="me_export",
        tags=["account"],
        responses={
            (200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, description="The archive."),
        },
    )
    def get(self, request: Request) -> FileInPieces:
        """Everything that is kept about the caller, as one ZIP archive of JSON files."""
        archive = archive_of(_user(request))
        return FileInPieces(
            archive, as_attachment=True, filename="aditus-export.zip", content_type="application/zip"
        )


def _own_draft(user: User, pk: int) -> Draft:
    draft = Draft.objects.filter(user=user, pk=pk).first()
    if draft is None:
        raise NotFound
    return draft
