"""Probes: alive (the process answers), ready (what it needs answers too), and watched (alerts are judged)."""

from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse

from accounts.async_views import answers_at_any_name, stays_on_loop
from accounts.concurrency import PerProcess
from usage.alerts.watchdog import states, watch


class _Schema:
    """Whether all migrations that this process knows are applied. What is once applied is not looked up
    again: a release takes no migration back while processes of it run."""

    is_complete = False

    def check(self) -> str:
        if not self.is_complete:
            loader = MigrationLoader(connection)
            self.is_complete = not (loader.graph.nodes.keys() - (loader.applied_migrations or {}).keys())
        return "ok" if self.is_complete else "unapplied"


schema = PerProcess(_Schema)


@stays_on_loop
@answers_at_any_name
async def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the event loop turns: it waits neither for a thread nor for the database."""
    return JsonResponse({"status": "ok"})


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _cache() -> str:
    cache.get("readyz")
    return "ok"


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and has every migration, else 503. The others are reported and do not
    take the process out of rotation, because calls go on without Redis, worker and beat."""
    checks = {"database": _probe(_database)}
    if checks["database"] == "ok":
        checks["migrations"] = _probe(schema.get().check)
    if settings.REDIS_URL:
        checks["cache"] = _probe(_cache)
    ready = checks["database"] == checks.get("migrations") == "ok"
    if ready:
        checks |= states()
    body = {"status": "ok" if ready else "unavailable", "checks": checks}
    return JsonResponse(body, status=200 if ready else 503)


def watchz(request: HttpRequest) -> JsonResponse:
    """200 while alerts are judged and the processes live that are expected to, else 503: for a watchdog
    outside, as the house cannot send an alert about not sending alerts."""
    found = watch()
    body = {"status": "ok" if found.is_well else "late", "checks": found.parts}
    return JsonResponse(body, status=200 if found.is_well else 503)


def _probe(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception:  # noqa: BLE001 - whatever the driver raises, the answer is the same
        return "unavailable"
