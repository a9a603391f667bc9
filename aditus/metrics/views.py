"""`/metrics` of the web server."""

from __future__ import annotations

import asyncio

from django.http import Http404, HttpRequest, HttpResponse

from accounts.async_views import answers_at_any_name, stays_on_loop
from accounts.client_addresses import of_request
from aditus.metrics import counting
from aditus.metrics.exposition import may_read, page
from aditus.metrics.state import shared_state


@stays_on_loop
@answers_at_any_name
async def metrics(request: HttpRequest) -> HttpResponse:
    """What Prometheus reads; 404 where nothing is measured, 401 for who may not read it."""
    observer = counting()
    if observer is None:
        raise Http404
    headers = request.headers
    if not may_read(authorization=headers.get("Authorization", ""), address=of_request(request)):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    observer.instruments  # noqa: B018 - makes the folder where nothing was counted yet
    state = await shared_state()
    body, content_type = await asyncio.to_thread(
        page, observer.folder, state, accept=headers.get("Accept", "")
    )
    return HttpResponse(body, content_type=content_type)
