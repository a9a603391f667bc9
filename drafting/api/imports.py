"""Reading a CV into a profile over HTTP: validate, one call, serialise."""

from __future__ import annotations

from typing import Any, cast

from django.core.files.uploadedfile import UploadedFile
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import JSONParser, refusals
from accounts.idempotency import idempotent
from accounts.models import User
from drafting.api.batches import IMPORT
from drafting.api.import_serializers import (
    ImportFileSerializer,
    ImportRequestSerializer,
    ImportSerializer,
    ImportTextSerializer,
    import_body,
)
from drafting.imports.errors import UNREADABLE, DocumentTooLarge
from drafting.imports.importer import brought, import_profile
from extraction.pdf.reader import MAX_BYTES
from orchestration.api.batches import PREFER, BatchSerializer, accepted_alone, is_asked_for
from orchestration.api.generating import EVENTS, GeneratingAPIView, StreamedToo, streamed, wants_events
from orchestration.calls.heard import Hear
from orchestration.errors import ABOUT_THE_INPUT


class ProfileImportView(GeneratingAPIView):
    """A CV in; a profile to look over out, each value with the words it was read from. With `Prefer:
    respond-async` the file is read at once, and its text waits for a worker; what needs no model, or is
    pictures, is answered at once all the same."""

    parser_classes = (JSONParser, MultiPartParser, FormParser)
    content_negotiation_class = StreamedToo

    @extend_schema(
        request={"application/json": ImportTextSerializer, "multipart/form-data": ImportFileSerializer},
        parameters=[PREFER],
        responses={
            (200, "application/json"): ImportSerializer,
            202: BatchSerializer,
            **refusals(*UNREADABLE, *ABOUT_THE_INPUT),
            **EVENTS,
        },
    )
    @idempotent
    async def post(self, request: Request) -> HttpResponseBase:
        serializer = ImportRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = dict(serializer.validated_data)
        if "file" in given:
            given["content"] = _bytes(given.pop("file"))
        user, document = cast(User, request.user), await brought(**given)
        if document.text and is_asked_for(request):
            item = {"kind": document.kind, "text": document.text}
            return await accepted_alone(request, kind=IMPORT, item=item)

        async def work(hear: Hear | None = None) -> tuple[int, Any]:
            return 200, import_body(await import_profile(user=user, document=document, hear=hear))

        if wants_events(request):
            return await streamed(request, work)
        status, body = await work()
        return Response(body, status=status)


def _bytes(upload: Any) -> bytes:
    """The upload's content. Refused by its size before it is read into memory."""
    file = cast("UploadedFile[bytes]", upload)
    if (file.size or 0) > MAX_BYTES:
        raise DocumentTooLarge(details={"limit_bytes": MAX_BYTES})
    content: bytes = file.read()
    return content
