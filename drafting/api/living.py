"""What is done with a draft after it was made: editing, restoring, comparing, writing a section anew."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import StrictQuery, refusals
from accounts.concurrency import in_database_thread
from accounts.idempotency import idempotent
from accounts.models import User
from drafting.api.batches import REGENERATE
from drafting.api.living_serializers import (
    DiffQuerySerializer,
    DiffSerializer,
    DraftEditSerializer,
    RegenerateSerializer,
)
from drafting.api.serializers import DraftSerializer
from drafting.differences import differences, differences_from_profile
from drafting.editing import edit
from drafting.errors import (
    UNFIT_SOURCES,
    InvalidContent,
    InvalidProfile,
    NotComparable,
    NothingToWrite,
    SourceNeeded,
    UnknownSection,
)
from drafting.models import Draft
from drafting.regenerating import regenerate
from drafting.versions import restore
from orchestration.api.batches import PREFER, BatchSerializer, accepted_alone, is_asked_for
from orchestration.api.generating import EVENTS, GeneratingAPIView, StreamedToo, streamed, wants_events
from orchestration.calls.heard import Hear
from orchestration.errors import ABOUT_THE_INPUT


class OwnDrafts(generics.GenericAPIView[Draft]):
    """The caller's drafts, and nobody else's."""

    def get_queryset(self) -> QuerySet[Draft]:
        if getattr(self, "swagger_fake_view", False):
            return Draft.objects.none()
        return Draft.objects.filter(user=cast(User, self.request.user))


class DraftDetailView(StrictQuery, OwnDrafts, generics.RetrieveDestroyAPIView[Draft]):
    """One of the caller's drafts."""

    serializer_class = DraftSerializer

    @extend_schema(
        request=DraftEditSerializer,
        responses={
            200: DraftSerializer,
            **refusals(InvalidContent, InvalidProfile, rule="content that is none of the draft's kind."),
        },
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change the draft by hand, or rename it; the reply is the next version. What you write is marked as
        yours (proof `person`), checked by no model, and stays when a section is written anew. 409
        `draft_superseded` unless it is the newest version."""
        draft = self.get_object()
        serializer = DraftEditSerializer(data=request.data, context={"draft": draft})
        serializer.is_valid(raise_exception=True)
        return Response(DraftSerializer(edit(draft, **serializer.validated_data)).data)


class DraftRestoreView(OwnDrafts):
    @extend_schema(request=None, responses={201: DraftSerializer, 200: DraftSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Make an old version the newest one, as a copy; 200 when it is the newest already."""
        draft = self.get_object()
        restored = restore(draft)
        return Response(DraftSerializer(restored).data, status=200 if restored.pk == draft.pk else 201)


class DraftRegenerateView(GeneratingAPIView):
    content_negotiation_class = StreamedToo

    @extend_schema(
        request=RegenerateSerializer,
        parameters=[PREFER],
        responses={
            201: DraftSerializer,
            202: BatchSerializer,
            **refusals(
                UnknownSection,
                NothingToWrite,
                SourceNeeded,
                *UNFIT_SOURCES,
                *ABOUT_THE_INPUT,
                rule="`job_data` that is no posting.",
            ),
            **EVENTS,
        },
    )
    @idempotent
    async def post(self, request: Request, pk: int) -> HttpResponseBase:
        """Have one section written anew, checked like any draft, as the next version. All else stays, and so
        do texts of your own unless `replace_own` is set. 409 `draft_superseded` unless it is the newest
        version; 422 `unknown_section`, `nothing_to_write`, `source_needed`."""
        user = cast(User, request.user)
        draft = await in_database_thread(_own_draft, user, pk)
        serializer = RegenerateSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if is_asked_for(request):
            return await accepted_alone(request, kind=REGENERATE, item=dict(request.data, draft_id=pk))
        chosen = serializer.validated_data

        async def work(hear: Hear | None = None) -> tuple[int, Any]:
            written = await regenerate(user=user, draft=draft, hear=hear, **chosen)
            return 201, DraftSerializer(written).data

        if wants_events(request):
            return await streamed(request, work)
        status, body = await work()
        return Response(body, status=status)


def _own_draft(user: User, pk: int) -> Draft:
    return get_object_or_404(Draft, user=user, pk=pk)


class DraftDiffView(StrictQuery, OwnDrafts):
    query_serializer_class = DiffQuerySerializer

    @extend_schema(
        parameters=[DiffQuerySerializer], responses={200: DiffSerializer, **refusals(NotComparable)}
    )
    def get(self, request: Request, pk: int) -> Response:
        """What this draft says otherwise than another of the same kind, or than the profile it was made from:
        texts that were added, removed, changed or moved, with their places. 404 when the profile is not
        kept."""
        draft, against = self.get_object(), self.query.validated_data["against"]
        if against == "profile":
            found = differences_from_profile(draft)
        else:
            found = differences(draft, get_object_or_404(self.get_queryset(), pk=against))
        body: dict[str, Any] = {"draft_id": draft.pk, "against": against, "differences": found}
        return Response(DiffSerializer(body).data)
