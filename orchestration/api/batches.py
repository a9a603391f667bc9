"""Requests that nobody waits for, over HTTP: sent alone with `Prefer: respond-async`, or many together."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import JSONParser, PageQuerySerializer, StrictQuery, StrictSerializer, bounded
from accounts.async_views import AsyncAPIView
from accounts.concurrency import in_database_thread
from accounts.idempotency import idempotent
from accounts.models import User
from orchestration.batches import KINDS, cancel, progress_of, start
from orchestration.models import Batch, BatchItem, ItemState

MOST_ITEMS = 500
PREFER = OpenApiParameter(
    "Prefer",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="`respond-async`: answered with 202 and a batch of one to poll (RFC 7240). Not for files.",
)
TAGS = ["batches"]


class BatchSerializer(serializers.Serializer[Any]):
    batch_id = serializers.UUIDField(source="id")
    kind = serializers.CharField()
    created_at = serializers.DateTimeField()
    state = serializers.ChoiceField(
        choices=["waiting", "running", "done", "cancelled"], source="progress.state"
    )
    total = serializers.IntegerField(source="progress.total")
    waiting = serializers.IntegerField(source="progress.waiting")
    running = serializers.IntegerField(source="progress.running")
    done = serializers.IntegerField(source="progress.done")
    failed = serializers.IntegerField(source="progress.failed")
    cancelled = serializers.IntegerField(source="progress.cancelled")
    ended_at = serializers.DateTimeField(source="progress.ended_at", allow_null=True)


class ResultSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="From 1, in the order of the items sent.")
    state = serializers.ChoiceField(choices=ItemState.choices)
    status = serializers.IntegerField(allow_null=True, help_text="As the request would be answered alone.")
    answer = serializers.JSONField(allow_null=True, help_text="What `data`, or `error`, of that answer is.")


class ResultsQuerySerializer(StrictSerializer):
    format = serializers.ChoiceField(required=False, default="json", choices=["json", "ndjson", "csv"])


def is_asked_for(request: Request) -> bool:
    """Whether the client would rather not wait."""
    wishes = request.headers.get("Prefer", "").split(",")
    return any(wish.strip().split(";")[0].lower() == "respond-async" for wish in wishes)


async def accepted(request: Request, *, kind: str, items: list[Any]) -> Response:
    """202 with the batch that was made of the items. They are checked here: ValidationError."""
    for item in items:
        KINDS[kind].check(item)
    body = await in_database_thread(_started, cast(User, request.user), kind, items)
    where = reverse("v1:batch-detail", args=[body["batch_id"]])
    headers = {"Location": where, "Retry-After": "2"}
    if is_asked_for(request):
        headers["Preference-Applied"] = "respond-async"
    return Response(body, status=202, headers=headers)


def _started(user: User, kind: str, items: list[Any]) -> dict[str, Any]:
    return body_of(start(user=user, kind=kind, items=items))


def body_of(batch: Batch) -> dict[str, Any]:
    shown: Any = batch
    shown.progress = progress_of(batch)
    return dict(BatchSerializer(shown).data)


class CsvParser(BaseParser):
    """Rows with a heading as items; empty cells are left out. ParseError for what is no such table."""

    media_type = "text/csv"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        text = bounded(stream, "utf-8-sig")
        try:
            rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
            return {"items": [{k: v for k, v in row.items() if v} for row in rows if any(row.values())]}
        except (csv.Error, AttributeError, TypeError):
            raise ParseError(
                "This is no CSV with a heading such as `url`. Correct it and try again."
            ) from None


class BatchInputSerializer(StrictSerializer):
    items = serializers.ListField(
        child=serializers.DictField(), min_length=1, max_length=MOST_ITEMS, help_text="As the request alone."
    )


class BatchCreateView(AsyncAPIView):
    """Derive one for each kind."""

    kind: ClassVar[str]
    parser_classes = (JSONParser, CsvParser)

    @extend_schema(tags=TAGS, request=BatchInputSerializer, responses={202: BatchSerializer})
    @idempotent
    async def post(self, request: Request) -> Response:
        """Have up to 500 requests answered while nobody waits, each held to the quota by itself. A CSV has a
        heading with the names of the fields. Poll the address in `Location`."""
        serializer = BatchInputSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return await accepted(request, kind=self.kind, items=serializer.validated_data["items"])


class _OwnBatches(generics.GenericAPIView[Batch]):
    def get_queryset(self) -> QuerySet[Batch]:
        if getattr(self, "swagger_fake_view", False):
            return Batch.objects.none()
        return Batch.objects.filter(user=cast(User, self.request.user))


class BatchListView(StrictQuery, _OwnBatches):
    query_serializer_class = PageQuerySerializer
    serializer_class = BatchSerializer

    @extend_schema(tags=TAGS, operation_id="batch_list")
    def get(self, request: Request) -> Response:
        """The user's batches, newest first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response([body_of(batch) for batch in page or ()])


class BatchDetailView(StrictQuery, _OwnBatches):
    serializer_class = BatchSerializer

    @extend_schema(tags=TAGS, operation_id="batch_read")
    def get(self, request: Request, pk: Any) -> Response:
        """How far it is."""
        return Response(body_of(self.get_object()))

    @extend_schema(tags=TAGS, operation_id="batch_delete", responses={204: None})
    def delete(self, request: Request, pk: Any) -> Response:
        """Cancel what is left of it and forget it with its results."""
        self.get_object().delete()
        return Response(status=204)


class BatchCancelView(_OwnBatches):
    serializer_class = BatchSerializer

    @extend_schema(tags=TAGS, operation_id="batch_cancel", request=None)
    def post(self, request: Request, pk: Any) -> Response:
        """Begin nothing more of it; what is under way ends, because it is paid for."""
        batch = self.get_object()
        cancel(batch)
        return Response(body_of(batch))


class BatchResultsView(StrictQuery, _OwnBatches):
    query_serializer_class = ResultsQuerySerializer
    serializer_class = ResultSerializer

    @extend_schema(
        tags=TAGS,
        operation_id="batch_results",
        parameters=[ResultsQuerySerializer],
        responses={
            (200, "application/json"): ResultSerializer(many=True),
            (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, description="A line each."),
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="The answer is a cell of JSON."),
        },
    )
    def get(self, request: Request, pk: Any) -> Any:
        """What there is so far, in the order of the items sent."""
        items = self.get_object().items.order_by("number")
        wanted = self.query.validated_data["format"]
        if wanted == "json":
            return Response(ResultSerializer(items, many=True).data)
        lines = _as_csv(items) if wanted == "csv" else _as_lines(items)
        kind = "text/csv; charset=utf-8" if wanted == "csv" else "application/x-ndjson"
        return StreamingHttpResponse(lines, content_type=kind)


def _as_lines(items: QuerySet[BatchItem]) -> Iterator[str]:
    for item in items.iterator(chunk_size=50):
        yield json.dumps(ResultSerializer(item).data, ensure_ascii=False) + "\n"


def _as_csv(items: QuerySet[BatchItem]) -> Iterator[str]:
    yield _row(["number", "state", "status", "answer"])
    for item in items.iterator(chunk_size=50):
        answer = "" if item.answer is None else json.dumps(item.answer, ensure_ascii=False)
        yield _row([item.number, item.state, item.status or "", answer])


def _row(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
