"""Requests that nobody waits for, over HTTP: sent alone with `Prefer: respond-async`, or many together."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import JSONParser, PageQuerySerializer, StrictQuery, StrictSerializer, refusals
from accounts.async_views import AsyncAPIView
from accounts.concurrency import in_database_thread, in_parsing_thread
from accounts.idempotency import idempotent
from accounts.models import User
from accounts.pieces import Pieces
from orchestration.api.item_lists import CsvParser, NdjsonParser
from orchestration.batches import KINDS, cancel, progress_of, start
from orchestration.batches.economy import refuse_unless_available
from orchestration.errors import EconomyNotForKind
from orchestration.models import Batch, BatchItem, ItemState

MOST_ITEMS = 500
PREFER = OpenApiParameter(
    "Prefer",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="`respond-async`: answered with 202 and a batch of one to poll (RFC 7240). Not for files of "
    "postings.",
)
TAGS = ["batches"]
_ITEMS_AT_ONCE = 50


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
    economy = serializers.BooleanField(help_text="Whether model calls go through vendors' batches.")
    saved_usd = serializers.DecimalField(
        source="progress.saved_usd",
        max_digits=20,
        decimal_places=12,
        allow_null=True,
        help_text="What that saved so far; null where nothing was, or nobody knows the price.",
    )


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


async def accepted_alone(request: Request, *, kind: str, item: Any) -> Response:
    """202 with a batch of one. ValidationError where it would be refused."""
    KINDS[kind].check(item)
    return await _accepted(request, kind=kind, items=[item])


async def _accepted(request: Request, *, kind: str, items: list[Any], economy: bool = False) -> Response:
    """202 with the batch that was made of the items, which were checked. With `economy` EconomyNotForKind and
    EconomyUnavailable."""
    body = await in_database_thread(_started, cast(User, request.user), kind, items, economy=economy)
    where = reverse("v1:batch-detail", args=[body["batch_id"]])
    headers = {"Location": where, "Retry-After": "2"}
    if is_asked_for(request):
        headers["Preference-Applied"] = "respond-async"
    return Response(body, status=202, headers=headers)


def _check_each(kind: str, items: list[Any]) -> None:
    """ValidationError with the fields at fault of every item that would be refused alone, by its place from
    0."""
    refused: dict[str, Any] = {}
    for place, item in enumerate(items):
        try:
            KINDS[kind].check(item)
        except serializers.ValidationError as error:
            refused[str(place)] = error.detail
    if refused:
        raise serializers.ValidationError({"items": refused})


def _started(user: User, kind: str, items: list[Any], *, economy: bool) -> dict[str, Any]:
    if economy:
        refuse_unless_available(user, kind)
    return _body_of(start(user=user, kind=kind, items=items, economy=economy))


def _body_of(batch: Batch) -> dict[str, Any]:
    return _bodies_of([batch])[0]


def _bodies_of(batches: Sequence[Any]) -> list[dict[str, Any]]:
    for batch, progress in zip(batches, progress_of(*batches), strict=True):
        batch.progress = progress
    return [dict(BatchSerializer(batch).data) for batch in batches]


class BatchInputSerializer(StrictSerializer):
    items = serializers.ListField(
        child=serializers.DictField(), min_length=1, max_length=MOST_ITEMS, help_text="As the request alone."
    )
    economy = serializers.BooleanField(
        default=False, help_text="Through the vendor's batch API: at its lower price, within a day."
    )


class BatchCreateView(AsyncAPIView):
    """Derive one for each kind."""

    kind: ClassVar[str]
    parser_classes = (JSONParser, CsvParser, NdjsonParser)

    @extend_schema(
        tags=TAGS,
        request={
            "application/json": BatchInputSerializer,
            "text/csv": OpenApiTypes.STR,
            "application/x-ndjson": OpenApiTypes.STR,
        },
        responses={
            202: BatchSerializer,
            **refusals(EconomyNotForKind, rule="an item that would be refused alone, or no table."),
        },
    )
    @idempotent
    async def post(self, request: Request) -> Response:
        """Have up to 500 requests answered while nobody waits, each held to the quota by itself. A CSV has a
        heading with the names of the fields, NDJSON an item a line. Poll the address in `Location`."""
        serializer = BatchInputSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        await in_parsing_thread(_check_each, self.kind, serializer.validated_data["items"])
        return await _accepted(request, kind=self.kind, **serializer.validated_data)


class _OwnBatches(generics.GenericAPIView[Batch]):
    def get_queryset(self) -> QuerySet[Batch]:
        if getattr(self, "swagger_fake_view", False):
            return Batch.objects.none()
        return Batch.objects.filter(user=cast(User, self.request.user))


class BatchListView(StrictQuery, _OwnBatches):
    query_serializer_class = PageQuerySerializer
    serializer_class = BatchSerializer

    @extend_schema(tags=TAGS, operation_id="batch_list", responses=BatchSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The user's batches, newest first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(_bodies_of(page or ()))


class BatchDetailView(StrictQuery, _OwnBatches):
    serializer_class = BatchSerializer

    @extend_schema(tags=TAGS, operation_id="batch_read")
    def get(self, request: Request, pk: Any) -> Response:
        """How far it is."""
        return Response(_body_of(self.get_object()))

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
        return Response(_body_of(batch))


class BatchResultsView(StrictQuery, _OwnBatches):
    pagination_class = None
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
        return Pieces(lines, content_type=kind)


def _some_at_once(items: QuerySet[BatchItem]) -> Iterator[list[BatchItem]]:
    """A query each, because pieces are taken in different threads."""
    last = -1
    while some := list(items.filter(number__gt=last)[:_ITEMS_AT_ONCE]):
        yield some
        last = some[-1].number


def _as_lines(items: QuerySet[BatchItem]) -> Iterator[str]:
    for some in _some_at_once(items):
        yield "".join(json.dumps(ResultSerializer(one).data, ensure_ascii=False) + "\n" for one in some)


def _as_csv(items: QuerySet[BatchItem]) -> Iterator[str]:
    yield _row(["number", "state", "status", "answer"])
    for some in _some_at_once(items):
        yield "".join(_row([one.number, one.state, one.status or "", _cell(one.answer)]) for one in some)


def _cell(answer: Any) -> str:
    return "" if answer is None else json.dumps(answer, ensure_ascii=False)


def _row(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
