"""How long each page and endpoint that shows figures takes, and how many queries it makes.

Each is asked for through the whole stack of middleware, views and templates, the panels of a page one by one
as its script fetches them. The first answer warms up and has its queries counted. Of the next twenty are
told, in milliseconds: the median (p50), p95, the best, and the processor time an answer took of this process
and of the database's (of its own process, not of parallel helpers; only where both are on one machine). Where
others use the machine too, the first three tell how busy it was, and the processor time what an answer costs.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import User
from bench.raw_sums import ZONES
from console.cursor_pages import Cursor
from console.usage.statistics import HOME, OF_ONE_PROVIDER, STATISTICS
from providers.models import AIProviderConfig
from usage.models import AIProviderUsageLog, UsageRollup
from usage.stats.dimensions import ALL_PROVIDERS, Dimension

ROUNDS = 20
_WHO = "bench@example.com"
_API = "/api/v1/super-admin/providers/"


def measure() -> float:
    """Print the table; the worst p95 in ms. RuntimeError for a page that does not answer with 200."""
    # There already in a database that was kept.
    person = User.objects.filter(email=_WHO).first() or User.objects.create_superuser(
        _WHO, "not a password that anybody uses"
    )
    browser = Client(SERVER_NAME="localhost")
    token = {"authorization": f"Bearer {AccessToken.for_user(person)}"}
    program = Client(headers=token, SERVER_NAME="localhost")
    browser.force_login(person)
    print(f"\n{'ms':58} {'p50':>8} {'p95':>8} {'best':>8} {'own CPU':>8} {'DB CPU':>8} {'queries':>8}")
    slowest = (0.0, "")
    busiest = _busiest_user()
    somebody = Client(
        headers={"authorization": f"Bearer {AccessToken.for_user(busiest)}"}, SERVER_NAME="localhost"
    )
    # Those with a token first, while it holds.
    asked = ((program, _endpoints()), (somebody, _own()), (browser, _console(busiest)))
    for client, pages in asked:
        for name, url in pages:
            p50, *others, queries = _asked(client, url)
            print(
                f"{name:58} {p50:8.0f} " + "".join(f"{ms:8.0f} " for ms in others) + f"{queries:8}",
                flush=True,
            )
            slowest = max(slowest, (others[0], name))
    print(f"The slowest: {slowest[1]}, {slowest[0]:.0f} ms, at a load of {os.getloadavg()[0]:.1f}\n")
    return slowest[0]


def _asked(client: Client, url: str) -> tuple[float, float, float, float, float, int]:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
    # Before the next request empties the log.
    queries = len(captured)
    if response.status_code != 200:
        raise RuntimeError(f"{url} answered {response.status_code}.")
    times, own = [], []
    before = _database_seconds()
    for _ in range(ROUNDS):
        started, cpu = time.perf_counter(), time.process_time()
        client.get(url)
        times.append((time.perf_counter() - started) * 1000)
        own.append((time.process_time() - cpu) * 1000)
    p95 = sorted(times)[-(-ROUNDS * 95 // 100) - 1]
    database = (_database_seconds() - before) * 1000 / ROUNDS
    return statistics.median(times), p95, min(times), statistics.median(own), database, queries


def _database_seconds() -> float:
    """Processor time so far of the process that answers this connection; 0 where it is on another machine."""
    if connection.settings_dict["HOST"] not in ("", "localhost", "127.0.0.1"):
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = int(cursor.fetchone()[0])
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def _busiest_user() -> User:
    """Who has made most of the calls; their password is anything but needed."""
    rows = UsageRollup.objects.filter(dimension=Dimension.USER.value, span="day", provider=ALL_PROVIDERS)
    most = rows.exclude(key="").values("key").annotate(n=Sum("calls")).order_by("-n")[0]
    return User.objects.get(pk=int(most["key"]))


def _own() -> Iterator[tuple[str, str]]:
    """Of the person with most calls."""
    for query in ("", "?days=366"):
        yield f"GET me/usage{query}", f"/api/v1/me/usage{query}"
    yield "GET me", "/api/v1/me"


def _console(busiest: User) -> Iterator[tuple[str, str]]:
    config = AIProviderConfig.objects.order_by("pk")[10]
    of_all = reverse("admin:usage_statistics")
    further = tuple(name for name in STATISTICS if name not in HOME)
    for name, url, panels in (
        ("Dashboard", reverse("admin:index"), HOME),
        ("Alerts", reverse("admin:usage_alert_changelist"), ()),
        ("Price list", reverse("admin:usage_price_list"), ()),
        ("Recommendations", reverse("admin:usage_recommendations"), ()),
        ("Statistics", of_all, further),
        ("Statistics of a provider", f"{of_all}?provider={config.pk}", OF_ONE_PROVIDER),
    ):
        yield name, url
        query = url.partition("?")[2]
        for panel in panels:
            yield f"{name}: {panel}", f"{reverse('admin:usage_panel', args=[panel])}?{query}"
            if panel in ("over-time", "users"):
                yield f"{name}: {panel}, CSV", f"{reverse('admin:usage_panel_csv', args=[panel])}?{query}"
    yield from _elsewhere(config)
    listed = reverse("admin:providers_aiproviderconfig_changelist")
    yield "Providers", listed
    yield "Providers, the last page", f"{listed}?p={-(-AIProviderConfig.objects.count() // 6)}"
    yield "A provider's form", reverse("admin:providers_aiproviderconfig_change", args=[config.pk])
    yield "The busiest user's page", reverse("admin:accounts_user_change", args=[busiest.pk])
    yield "API keys", reverse("api_keys")
    yield from _usage_log(config)


def _elsewhere(config: AIProviderConfig) -> Iterator[tuple[str, str]]:
    """Where no local day is a day of UTC: what is kept by the day does not reach to the edges."""
    for zone in ZONES[1:]:
        for panel in ("summary", "over-time", "users"):
            for name, of in (("", ""), (" of a provider", f"&provider={config.pk}")):
                url = f"{reverse('admin:usage_panel', args=[panel])}?tz={zone}{of}"
                yield f"Statistics{name}: {panel}, {zone}", url


def _usage_log(config: AIProviderConfig) -> Iterator[tuple[str, str]]:
    log = reverse("admin:usage_aiproviderusagelog_changelist")
    row = AIProviderUsageLog.objects.filter(user__isnull=False, attempt=1)[0]
    yesterday = f"{timezone.now() - timedelta(days=1):%Y-%m-%d}"
    yield "Usage log", log
    # Where the link "Older" leads after 99 pages of 50.
    last = AIProviderUsageLog.objects.all()[99 * 50 - 1]
    yield "Usage log, page 100", f"{log}?before={Cursor.of(last, 'created_at')}"
    yield "Usage log, by cost", f"{log}?o=-6"
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
        ("errors of a user", f"status__exact=error&email={row.user and row.user.email}"),
        ("timeouts of a provider", f"status__exact=timeout&provider_config__id__exact={config.pk}"),
        ("calls in flight", "status__exact=started"),
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
        "usage/costs?by=user",
        "usage/margins?by=user",
        "usage/forecast",
        "usage/timeseries",
        "usage/timeseries?by=provider",
        "usage/timeseries?by=user",
        "usage/timeseries?bucket=hour&days=2",
    ):
        yield f"GET super-admin/providers/{path}", f"{_API}{path}"
