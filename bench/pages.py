"""How long each page and endpoint that shows figures takes, and how many queries it makes.

Each is asked for through the whole stack of middleware, views and templates, the panels of a page one by one
as its script fetches them. The first answer warms up and has its queries counted. Of the next five are told,
in milliseconds: the median, the best (for a machine that others use too), and the median of this process's
own CPU time. What the database takes is in the first two only.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import User
from console.usage.statistics import HOME, OF_ONE_PROVIDER, STATISTICS
from providers.models import AIProviderConfig
from usage.models import AIProviderUsageLog

ROUNDS = 5
_API = "/api/v1/super-admin/providers/"


def measure() -> None:
    """Print the table, the slowest answer last. RuntimeError for a page that does not answer with 200."""
    person = User.objects.create_superuser("bench@example.com", "not a password that anybody uses")
    browser = Client(SERVER_NAME="localhost")
    token = {"authorization": f"Bearer {AccessToken.for_user(person)}"}
    program = Client(headers=token, SERVER_NAME="localhost")
    browser.force_login(person)
    print(f"\n{'ms':58} {'median':>8} {'best':>8} {'own CPU':>8} {'queries':>8}")
    slowest = (0.0, "")
    for client, pages in ((browser, _console()), (program, _endpoints())):
        for name, url in pages:
            median, best, cpu, queries = _asked(client, url)
            print(f"{name:58} {median:8.0f} {best:8.0f} {cpu:8.0f} {queries:8}", flush=True)
            slowest = max(slowest, (median, name))
    print(f"The slowest: {slowest[1]}, {slowest[0]:.0f} ms, at a load of {os.getloadavg()[0]:.1f}\n")


def _asked(client: Client, url: str) -> tuple[float, float, float, int]:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
    # Before the next request empties the log.
    queries = len(captured)
    if response.status_code != 200:
        raise RuntimeError(f"{url} answered {response.status_code}.")
    times, own = [], []
    for _ in range(ROUNDS):
        started, cpu = time.perf_counter(), time.process_time()
        client.get(url)
        times.append((time.perf_counter() - started) * 1000)
        own.append((time.process_time() - cpu) * 1000)
    return statistics.median(times), min(times), statistics.median(own), queries


def _console() -> Iterator[tuple[str, str]]:
    config = AIProviderConfig.objects.order_by("pk")[100]
    of_all = reverse("admin:usage_statistics")
    further = tuple(name for name in STATISTICS if name not in HOME)
    for name, url, panels in (
        ("Dashboard", reverse("admin:index"), HOME),
        ("Alerts and health", reverse("admin:usage_alerts"), ()),
        ("Statistics", of_all, further),
        ("Statistics of a provider", f"{of_all}?provider={config.pk}", OF_ONE_PROVIDER),
    ):
        yield name, url
        query = url.partition("?")[2]
        for panel in panels:
            yield f"{name}: {panel}", f"{reverse('admin:usage_panel', args=[panel])}?{query}"
    listed = reverse("admin:providers_aiproviderconfig_changelist")
    yield "Providers", listed
    yield "Providers, the last page", f"{listed}?p={-(-AIProviderConfig.objects.count() // 6)}"
    yield "A provider's form", reverse("admin:providers_aiproviderconfig_change", args=[config.pk])
    yield "API keys", reverse("api_keys")
    yield from _usage_log(config)


def _usage_log(config: AIProviderConfig) -> Iterator[tuple[str, str]]:
    log = reverse("admin:usage_aiproviderusagelog_changelist")
    row = AIProviderUsageLog.objects.filter(user__isnull=False)[0]
    yesterday = f"{timezone.now() - timedelta(days=1):%Y-%m-%d}"
    yield "Usage log", log
    yield "Usage log, page 100", f"{log}?p=100"
    for name, query in (
        ("one day", f"created_at_from={yesterday}&created_at_to={yesterday}"),
        ("errors", "status__exact=error"),
        ("a kind of error", "error_kind=rate_limited"),
        ("a kind nothing failed of", "error_kind=billing"),
        ("a provider", f"provider_config__id__exact={config.pk}"),
        ("a vendor without calls", "provider_type=claude"),
        ("a model", f"model_name={row.model_name}"),
        ("a task", f"task_type={row.task_type}"),
        ("a user", f"email={row.user and row.user.email}"),
        ("search for a request", f"q={row.request_id}"),
        ("search for people", "q=u1"),
    ):
        yield f"Usage log: {name}", f"{log}?{query}"
    yield "One call", reverse("admin:usage_aiproviderusagelog_change", args=[row.pk])


def _endpoints() -> Iterator[tuple[str, str]]:
    for path in (
        "configs",
        "health",
        "alerts",
        "recommendations",
        "usage/stats",
        "usage/stats?days=7",
        "usage/timeseries",
        "usage/timeseries?by=provider",
        "usage/timeseries?bucket=hour&days=2",
    ):
        yield f"GET super-admin/providers/{path}", f"{_API}{path}"
