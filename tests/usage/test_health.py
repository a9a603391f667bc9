"""The state of each provider, judged by its key and its calls of the last 24 hours."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from providers.encryption import SealedValue
from providers.health import RECENT, RecentCalls
from providers.models import AIProviderConfig
from tests.factories import make_config
from tests.usage.calls import make_calls
from tests.usage.ended import make_call, make_many, utc
from usage.health import provider_health
from usage.models import AIProviderUsageLog
from usage.stats import rollup
from usage.stats.recent import recent_calls
from usage.stats.segments import Standing

pytestmark = pytest.mark.django_db

API = "/api/v1/super-admin/providers"
# What a provider is not to blame for.
EXCUSED = ("bad_request", "rejected", "too_long", "too_large", "blocked", "internal")


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


@pytest.fixture
def super_admin_api(super_admin):
    client = APIClient()
    client.force_authenticate(super_admin)
    return client


def health_of(config, *, now=None):
    found = provider_health(now=now or timezone.now())
    return next(health for health in found if health.config == config)


def test_calls_of_the_last_day_are_counted_and_averaged():
    config = make_config()
    make_calls(8, config, latency_ms=1_000)
    make_calls(1, config, status="timeout", error_kind="timeout", latency_ms=60_000)
    make_calls(1, config, status="error", error_kind="server", latency_ms=10)
    make_calls(5, config, status="error", error_kind="server", ago=timedelta(hours=25))

    health = health_of(config)

    assert (health.recent.calls, health.recent.failed) == (10, 2)
    assert (health.recent.error_rate, health.recent.avg_latency_ms) == (20.0, 1_000)
    assert health.state == "degraded"
    assert health.verdict.reasons == ("20 % of the calls of the last 24 hours failed.",)


@pytest.mark.parametrize("kind", EXCUSED)
def test_a_provider_is_not_blamed_for_what_the_request_did_wrong(kind):
    config = make_config()
    make_calls(10, config, status="error", error_kind=kind)

    health = health_of(config)

    assert (health.recent.calls, health.recent.failed, health.state) == (10, 0, "healthy")


def test_calls_that_say_nothing_about_the_provider_are_left_out():
    config = make_config()
    make_calls(3, config, status="started")
    make_calls(3, config, status="aborted", error_kind="cancelled")
    make_calls(3, config, attempt=0, status="error", error_kind="quota_exceeded")
    make_calls(3, config, cached=True, latency_ms=0)
    make_calls(3, None, status="error", error_kind="server")

    health = health_of(config)

    assert health.recent == RecentCalls()
    assert health.state == "untested"


def test_a_few_unlucky_calls_make_no_verdict():
    config = make_config()
    make_calls(4, config, status="error", error_kind="server")

    assert health_of(config).state == "healthy"


def test_a_slow_provider_is_degraded():
    config = make_config()
    make_calls(5, config, latency_ms=5_001)

    health = health_of(config)

    assert health.state == "degraded"
    assert "5001 ms" in health.verdict.reasons[0]


@pytest.mark.parametrize(
    ("fields", "state", "reason"),
    [
        ({"flag_reason": "auth"}, "down", "refused the key"),
        ({"flag_reason": "billing"}, "down", "payment"),
        ({"last_test_success": False}, "down", "last test"),
        ({"key_expires_at": "past"}, "down", "expired"),
        ({"last_test_success": True}, "healthy", ""),
        ({}, "untested", ""),
        ({"is_active": False, "flag_reason": "auth"}, "inactive", "refused the key"),
    ],
)
def test_what_is_known_of_the_key_decides_first(fields, state, reason):
    now = timezone.now()
    config = make_config()
    if "flag_reason" in fields:
        fields = fields | {"flagged_at": now}
    if "key_expires_at" in fields:
        fields = fields | {"key_expires_at": now - timedelta(days=1)}
    AIProviderConfig.objects.filter(pk=config.pk).update(**fields)

    health = health_of(config, now=now)

    assert health.state == state
    assert reason in " ".join(health.verdict.reasons)


def test_a_key_that_cannot_be_decrypted_takes_down_its_own_provider_only():
    sound = make_config(display_name="Sound")
    broken = make_config()
    broken.api_key_encrypted = SealedValue("gAAAAAB-made-with-a-key-that-is-gone")
    broken.save()

    assert health_of(broken).state == "down"
    assert "re-enter it" in health_of(broken).verdict.reasons[0]
    assert health_of(sound).state == "untested"


@pytest.mark.parametrize("rolled_up", [False, True], ids=["from the rows", "from the rollups"])
def test_the_list_of_providers_and_the_api_judge_alike(console, super_admin_api, rolled_up):
    """By the same 24 hours, whatever the 30 days before them were like."""
    now = timezone.now()
    recovered, failing, slow, calm = (make_config(display_name=name) for name in "ABCD")
    make_calls(50, recovered, status="error", error_kind="server", ago=timedelta(hours=30))
    make_calls(5, recovered)
    make_calls(500, failing, ago=timedelta(hours=30))
    make_calls(5, failing, status="error", error_kind="server", ago=timedelta(hours=3))
    make_calls(5, slow, latency_ms=6_000)
    make_calls(5, calm, status="error", error_kind="bad_request")
    if rolled_up:
        rollup.refresh(now=now)

    rows = console.get(reverse("admin:providers_aiproviderconfig_changelist")).context["cl"].rows
    listed = {row.config.display_name: (row.health.state, row.health.label) for row in rows}

    told = {row["name"]: row["state"] for row in super_admin_api.get(f"{API}/health").json()["data"]}
    assert listed == {
        "A": ("healthy", "healthy"),
        "B": ("degraded", "many errors"),
        "C": ("degraded", "slow"),
        "D": ("healthy", "healthy"),
    }
    assert told == {name: state for name, (state, _) in listed.items()}


def as_the_rows_say(now):
    """{config id: recent calls}, added up in Python."""
    rows = [
        row
        for row in AIProviderUsageLog.objects.filter(created_at__gte=now - RECENT, created_at__lt=now)
        if row.attempt and not row.cached and row.provider_config_id
        if row.status in ("success", "error", "timeout")
    ]
    by_config = {}
    for row in rows:
        by_config.setdefault(row.provider_config_id, []).append(row)
    return {pk: RecentCalls(len(its), *_failed_and_latency(its)) for pk, its in by_config.items()}


def _failed_and_latency(rows):
    failed = [row for row in rows if row.status != "success" and row.error_kind not in EXCUSED]
    latencies = [row.latency_ms for row in rows if row.status == "success" and row.latency_ms is not None]
    return len(failed), round(sum(latencies) / len(latencies)) if latencies else None


@pytest.mark.slow
@pytest.mark.parametrize("minute", [0, 1, 37, 59])
def test_what_the_rollups_say_of_24_hours_is_what_the_rows_say(minute):
    now = utc(2026, 11, 21, 15, minute)
    configs = [make_config() for _ in range(4)]
    make_many(800, start=now - timedelta(hours=30), end=now, configs=[*configs, None])
    AIProviderUsageLog.objects.filter(pk__in=_every_third()).update(error_kind="bad_request")
    from_rows = recent_calls(now=now, standing=Standing())
    rollup.refresh(now=now)
    late = make_call(now - timedelta(hours=5), provider_config=configs[0], status="timeout", settled_at=now)

    known = rollup.standing()
    with_late_one = recent_calls(now=now, standing=known)

    assert known.until is not None
    assert with_late_one == as_the_rows_say(now)
    assert recent_calls(now=now, standing=known, among=[configs[1].pk]) == {
        configs[1].pk: with_late_one[configs[1].pk]
    }
    late.delete()
    assert from_rows == as_the_rows_say(now)


def _every_third():
    failed = AIProviderUsageLog.objects.filter(status__in=["error", "timeout"])
    return list(failed.values_list("pk", flat=True))[::3]


@pytest.mark.parametrize("rolled_up", [False, True], ids=["from the rows", "from the rollups"])
def test_more_providers_cost_no_more_queries(rolled_up):
    def queries(providers):
        for _ in range(providers):
            config = make_config()
            make_calls(1, config)
            make_calls(1, config, ago=timedelta(hours=9))
        if rolled_up:
            rollup.refresh(now=timezone.now())
        with CaptureQueriesContext(connection) as captured:
            provider_health(now=timezone.now())
        return len(captured)

    few = queries(2)

    assert queries(40) == few


def test_a_server_that_was_reached_and_proved_no_key_is_unproven_until_a_call():
    config = make_config()
    config.record_test(is_valid=None)

    before = health_of(config)
    make_calls(1, config)
    after = health_of(config)

    assert (before.state, before.verdict.tone, before.verdict.label) == ("untested", "warning", "unproven")
    assert "its list needs no key" in before.verdict.reason
    assert (after.state, after.verdict.reason) == ("healthy", "")
