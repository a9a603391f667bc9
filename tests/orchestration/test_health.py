"""The health of providers as people and programs read it: the console's page, and the super-admin API."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from accounts import concurrency
from accounts.models import AuditEntry
from orchestration.calls.leader import acquire
from orchestration.guards.admission import gate_of
from orchestration.guards.base import get_guards
from orchestration.models import Experiment, ExperimentArm, ProviderProbe
from orchestration.probes.health import ModelCircuit, circuits_of, provider_statuses
from orchestration.probes.runs import JOB
from orchestration.routing.snapshot import ProviderSnapshot
from providers.configs.flags import flag
from tests.circuits import open_circuit
from tests.factories import make_config, make_user
from tests.usage.calls import make_calls

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/orchestration/providerprobe/health/"
API = "/api/v1/super-admin/providers/health"
FURTHER = {"p50_latency_ms_24h", "p95_latency_ms_24h", "circuits", "pace", "probe"}


@pytest.fixture
def console(super_admin):
    client = Client()
    client.force_login(super_admin)
    return client


def begin_calls(config, count):
    gate = gate_of(ProviderSnapshot.of(config))
    for number in range(count):
        concurrency.run(get_guards().enter(gate, f"call-{number}", seconds=600))
    return gate


def row_of(console, config):
    """What the page says of one provider, as a person reads it."""
    html = console.get(PAGE).content.decode()
    row = html.partition(f'<tr id="provider-{config.pk}">')[2].partition("</tr>")[0]
    # A moment stands within a sentence; what other tags hold stands apart.
    return " ".join(unescape(strip_tags(re.sub(r"<(?!/?time)", " <", row))).split())


def test_the_page_stands_beside_the_providers_under_its_name(console):
    assert reverse("admin:orchestration_health") == PAGE
    assert f'href="{PAGE}"' in console.get("/admin/providers/aiproviderconfig/").content.decode()
    assert console.get("/admin/orchestration/providerprobe/").url == PAGE


def test_a_flagged_key_is_shown_with_its_reason_and_what_to_do(console):
    config = make_config(display_name="Main")
    flag(config.pk, "auth")

    said = row_of(console, config)

    assert "refused The vendor refused the key. Enter a new one. Since just now" in said


def test_each_model_has_its_circuit(console):
    config = make_config(model_name="gpt-5-mini", quality_model_name="gpt-5")
    arm = make_config(model_name="gpt-5-nano", display_name="B")
    experiment = Experiment.objects.create(name="Trial", task="extraction", status="running")
    ExperimentArm.objects.create(
        experiment=experiment, name="A", provider_config=config, model_name="gpt-5-nano"
    )
    open_circuit(config, "gpt-5", "server")
    open_circuit(config, "gpt-5-nano", "rate_limited", ago=100, seconds=30)

    said = row_of(console, config)

    assert "gpt-5-mini closed gpt-5 open The provider failed internally. Since just now Until" in said
    assert (
        "gpt-5-nano half-open The provider's rate limit was reached. Since 1 minute ago The next call" in said
    )
    assert "gpt-5-nano closed" in row_of(console, arm)


def test_calls_pace_and_latency_are_shown(console):
    config = make_config(requests_per_minute=100)
    make_calls(19, config, latency_ms=1_000)
    make_calls(1, config, status="error", error_kind="server")
    gate = begin_calls(config, 3)
    concurrency.run(get_guards().slow_down(gate))

    said = row_of(console, config)

    assert "Calls 20 Errors 5 % p50 996 ms p95 996 ms" in said
    assert "Begun 3 of 100 Under way 3" in said
    assert re.search(r"slowed to \d+ a minute", said)


def test_the_latest_and_the_next_probe_are_shown(console):
    up, down, unknown, never, inactive = (make_config(is_active=name != "off") for name in
                                          ("up", "down", "?", "never", "off"))  # fmt: skip
    now = timezone.now()
    for config, is_up, kind in ((up, True, ""), (down, False, "timeout"), (unknown, None, "not_found")):
        ProviderProbe.objects.create(
            config=config,
            is_up=is_up,
            error_kind=kind,
            latency_ms=42,
            checked_at=now - timedelta(minutes=2),
            since=now - timedelta(hours=3),
            next_at=now + timedelta(minutes=5) if is_up else now,
        )

    said = row_of(console, up)
    assert re.search(r"up Since 3 hours ago Last 2 minutes ago in 42 ms Next at \d\d:\d\d UTC", said)
    said = row_of(console, down)
    assert "down The provider did not answer in time. Since 3 hours ago" in said
    assert "Next within a minute" in said
    assert "cannot tell There is no list of models at this address" in row_of(console, unknown)
    assert "Never probed Next within a minute" in row_of(console, never)
    assert "Not probed while inactive" in row_of(console, inactive)


def test_each_provider_has_its_own_models_calls_and_pace():
    one, other = (make_config(display_name=name, quality_model_name="gpt-5-mini") for name in "AB")
    open_circuit(other, "gpt-5-mini", "server", ago=100, seconds=300)
    make_calls(4, other)
    make_calls(2, other, ago=timedelta(hours=25))
    make_calls(3, other, ago=timedelta(hours=-1))
    begin_calls(one, 2)

    first, second = provider_statuses(now=timezone.now())

    assert [(status.config, status.figures.calls) for status in (first, second)] == [(one, 0), (other, 4)]
    assert [(status.gate.recent, status.gate.under_way) for status in (first, second)] == [(2, 2), (0, 0)]
    assert first.circuits == (ModelCircuit("gpt-5-mini", "closed"),)
    (shut,) = second.circuits
    assert (shut.model_name, shut.state, shut.reason) == ("gpt-5-mini", "open", "server")
    assert (shut.until - shut.since).total_seconds() == pytest.approx(300)
    assert timedelta(seconds=100) <= timezone.now() - shut.since
    assert (first.circuits[0].because, shut.because) == ("", "The provider failed internally.")
    assert circuits_of([other, one]) == [second.circuits, first.circuits]


def test_an_installation_without_providers_says_so(console):
    assert "No provider is configured." in console.get(PAGE).content.decode()


def test_its_queries_do_not_grow_with_the_providers(console):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert console.get(PAGE).status_code == 200
        return len(captured)

    make_calls(3, make_config())
    console.get(PAGE)
    few = queries()
    for _ in range(10):
        make_calls(3, make_config())
    console.get(PAGE)

    assert queries() == few


def post_probe(console, config):
    response = console.post(reverse("admin:orchestration_probe", args=[config.pk]), follow=True)
    return [str(message) for message in response.context["messages"]]


def test_a_person_may_probe_now_and_it_is_in_the_audit_trail(console, config_at, super_admin, sandbox):
    config = config_at(display_name="Main")

    assert post_probe(console, config) == ["Main: The vendor answered."]
    sandbox.fault("auth", on="models")
    assert post_probe(console, config) == [
        "Main: The provider refused the API key. The provider was flagged."
    ]

    mine = AuditEntry.objects.filter(action="provider.probed").order_by("number")
    assert [(entry.actor, entry.door, entry.outcome) for entry in mine] == [
        (super_admin, "admin", "done"),
        (super_admin, "admin", "failed"),
    ]
    assert "refused" in row_of(console, config)


def test_a_probe_under_way_is_not_made_twice(console, config_at, sandbox):
    config = config_at()
    acquire(f"{JOB}:{config.pk}", "another tab", seconds=600)

    assert post_probe(console, config) == ["This provider is being probed right now. Wait for the result."]
    assert sandbox.hits()["model_lists"] == {}


def test_a_provider_that_is_gone_is_told(console, config_at):
    config = config_at()
    pk = config.pk
    config.delete()
    config.pk = pk

    assert "no such provider configuration" in post_probe(console, config)[0]


def test_its_buttons_lead_back_to_the_page(console, config_at):
    config = config_at()
    html = console.get(PAGE).content.decode()
    assert f'name="next" value="{PAGE}"' in html

    response = console.post(
        reverse("admin:providers_aiproviderconfig_do", args=[config.pk, "test"]), {"next": PAGE}
    )

    assert response.url == PAGE


def test_probing_takes_a_post(console):
    config = make_config()

    assert console.get(reverse("admin:orchestration_probe", args=[config.pk])).status_code == 405
    assert console.post(PAGE).status_code == 405


@pytest.mark.parametrize("role", ["USER", "STAFF"])
def test_others_may_not_look(role):
    client = Client()
    client.force_login(make_user("eve@example.com", role=role))

    assert client.get(PAGE).status_code in (302, 403)
    assert client.post(reverse("admin:orchestration_probe", args=[1])).status_code in (302, 403)


def test_the_api_tells_circuits_pace_and_probe_beside_the_rest(admin_api):
    config = make_config(model_name="gpt-5-mini", requests_per_minute=100, max_concurrent_calls=7)
    make_calls(20, config, latency_ms=1_000)
    open_circuit(config, "gpt-5-mini", "auth")
    begin_calls(config, 2)
    now = timezone.now()
    probe = ProviderProbe.objects.create(
        config=config, is_up=False, error_kind="auth", latency_ms=9, checked_at=now, since=now, next_at=now
    )

    (told,) = admin_api.get(API).json()["data"]

    assert (told["state"], told["calls_24h"], told["avg_latency_ms_24h"]) == ("healthy", 20, 1_000)
    assert (told["p50_latency_ms_24h"], told["p95_latency_ms_24h"]) == (996, 996)
    (circuit,) = told["circuits"]
    assert (circuit["model_name"], circuit["state"], circuit["reason"]) == ("gpt-5-mini", "open", "auth")
    assert circuit["since"] < circuit["until"]
    assert told["pace"] == {
        "calls_last_minute": 2,
        "calls_under_way": 2,
        "slowed_to_per_minute": None,
        "requests_per_minute": 100,
        "max_concurrent_calls": 7,
    }
    assert (told["probe"]["is_up"], told["probe"]["error_kind"]) == (False, "auth")
    assert told["probe"]["next_at"].startswith(f"{probe.next_at:%Y-%m-%dT%H:%M:%S}")


def test_the_api_tells_what_is_not_known_by_null(admin_api):
    make_config()

    (told,) = admin_api.get(API).json()["data"]

    assert {name: told[name] for name in FURTHER - {"pace"}} == {
        "p50_latency_ms_24h": None,
        "p95_latency_ms_24h": None,
        "circuits": [
            {"model_name": "gpt-5-mini", "state": "closed", "reason": "", "since": None, "until": None}
        ],
        "probe": None,
    }


def test_the_api_is_for_super_admins(api):
    assert api.get(API).status_code == 403
