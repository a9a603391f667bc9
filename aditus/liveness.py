"""Two probes: alive (the process answers) and ready (what it needs answers too)."""

from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse

from accounts.async_views import stays_on_loop


@stays_on_loop
async def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the event loop turns: it waits neither for a thread nor for the database."""
    return JsonResponse({"status": "ok"})


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache() -> None:
    cache.get("readyz")


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, else 503. Redis away is reported but does not take the process out of
    rotation, because calls go on without it."""
    checks = {"database": _probe(_database)}
    if settings.REDIS_URL:
        checks["cache"] = _probe(_cache)
    ready = checks["database"] == "ok"
    body = {"status": "ok" if ready else "unavailable", "checks": checks}
    return JsonResponse(body, status=200 if ready else 503)


def _probe(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception:  # noqa: BLE001 - whatever the driver raises, the answer is the same
        return "unavailable"
    return "ok"
