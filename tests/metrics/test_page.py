"""Who may read `/metrics`, and what stands there."""

import multiprocessing
import os
import socket
from concurrent.futures import ProcessPoolExecutor

import pytest
from django.test import Client

from accounts.client_addresses import networks
from aditus import metrics
from aditus.metrics import state
from orchestration.models import Batch, BatchItem
from providers.registry import PROVIDER_TYPES
from tests.factories import make_config
from tests.metrics.figures import Figures, counting_in
from tests.usage.attempts import make_attempt, run
from usage.ledger import get_ledger
from usage.metrics import observers, process_group
from usage.metrics.prometheus import PrometheusObserver


@pytest.fixture
def page(tmp_path, settings, monkeypatch):
    """Ask for it as Prometheus does; measuring is on, and nothing is kept from an earlier test."""
    settings.METRICS_TOKEN, settings.METRICS_ALLOWED_NETWORKS = "scrape-me", ()
    monkeypatch.setattr(state, "KEPT_FOR", 0.0)
    monkeypatch.setattr(state, "PATIENCE", 600.0)
    with counting_in(tmp_path / "counts"):
        monkeypatch.setattr(metrics, "_counting", observers._observers[-1])
        yield lambda **headers: Client(headers=headers).get("/metrics")


def figures_of(response):
    assert response.status_code == 200
    return Figures(response.content.decode())


def test_it_is_not_there_unless_it_is_asked_for():
    assert metrics.counting() is None
    assert Client().get("/metrics").status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic scrape-me", "Bearer scrape-me2"])
def test_who_has_not_the_token_is_turned_away(page, header):
    response = page(authorization=header)

    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert response.content == b""


@pytest.mark.django_db(transaction=True)
def test_each_of_the_two_settings_that_is_set_has_to_be_met(page, settings):
    settings.METRICS_ALLOWED_NETWORKS = networks("10.1.0.0/16", what="")
    from_elsewhere = page(authorization="Bearer scrape-me")
    settings.METRICS_ALLOWED_NETWORKS = networks("127.0.0.1", what="")
    without_the_token = page()
    with_both = page(authorization="Bearer scrape-me")
    settings.METRICS_TOKEN = ""
    by_the_network = page()

    statuses = [one.status_code for one in (from_elsewhere, without_the_token, with_both, by_the_network)]
    assert statuses == [401, 401, 200, 200]


@pytest.mark.django_db(transaction=True)
def test_requests_are_counted_by_the_route_and_never_by_what_was_typed(page, api):
    Client().get("/healthz")
    Client().get("/invented/by/somebody")
    api.get("/api/v1/jobs/12345")

    read = figures_of(page(authorization="Bearer scrape-me"))

    routes = read.by("aditus_http_requests_total", "http_route", "http_response_status_code")
    assert routes["/healthz", "200"] == 1
    assert routes["_OTHER", "404"] == 1
    assert not any("12345" in route or "invented" in route for route, _ in routes)
    assert read.total("aditus_http_request_duration_seconds_count") == read.total(
        "aditus_http_requests_total"
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fails", ["the folder", "a count"])
def test_a_request_that_cannot_be_counted_is_answered(tmp_path, monkeypatch, caplog, fails):
    (tmp_path / "file").write_text("no folder")
    broken = PrometheusObserver(tmp_path / "file" / "counts")
    if fails == "a count":
        broken = PrometheusObserver(tmp_path / "counts")
        monkeypatch.setattr(broken.instruments, "requests", None)
    monkeypatch.setattr(metrics, "_counting", broken)

    assert Client().get("/healthz").status_code == 200
    assert "Measuring could not" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_the_shared_state_is_read_when_it_is_asked_for(page, user):
    make_config(model_name="one", quality_model_name="two")
    run(get_ledger().reserve(make_attempt(user=user)))
    batch = Batch.objects.create(user=user, kind="job-extractor/extract")
    BatchItem.objects.create(batch=batch, number=1, given={})

    read = figures_of(page(authorization="Bearer scrape-me"))

    assert read.total("aditus_reserved_tokens", gen_ai_provider_name="openai") == 100
    assert read.total("aditus_open_calls") == 1
    assert read.total("aditus_overdue_calls") == 1, "it was made at noon of another day"
    assert read.total("aditus_batch_items", state="waiting") == 1
    assert read.by("aditus_circuit_state", "gen_ai_request_model", "state")["two", "closed"] == 1
    assert read.total("aditus_circuit_state") == 2
    assert read.by("aditus_state_readable", "part") == {("broker",): 1, ("database",): 1, ("guards",): 1}


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_read_is_left_out_and_said(page, monkeypatch):
    def away():
        raise OSError("could not connect to 10.0.0.7")

    # The one query's own seam: no database has to be stopped for this.
    monkeypatch.setattr(state, "_open_rows", away)

    response = page(authorization="Bearer scrape-me")

    read = figures_of(response)
    assert read.by("aditus_state_readable", "part")["database",] == 0
    assert not [sample for sample in read.samples if sample.name == "aditus_open_calls"]
    assert b"10.0.0.7" not in response.content


def test_every_vendor_has_a_name_for_telemetry():
    assert all(kind.telemetry_name for kind in PROVIDER_TYPES.values())


def test_the_folder_of_a_group_that_has_ended_is_removed(tmp_path):
    host = socket.gethostname()
    ended, elsewhere, strange = tmp_path / f"{host}-999999999-77", tmp_path / "web-2-1-77", tmp_path / "x"
    reused = tmp_path / f"{host}-{os.getpid()}-77"
    for folder in (ended, elsewhere, strange, reused):
        folder.mkdir()
    own = process_group.folder_of_group(tmp_path)

    process_group.make(own)
    process_group.make(own)

    assert {one.name for one in tmp_path.iterdir()} == {own.name, elsewhere.name, strange.name}


@pytest.mark.processes
def test_processes_of_one_parent_share_a_folder(tmp_path):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as children:
        asked = [children.submit(process_group.folder_of_group, tmp_path) for _ in range(4)]
        folders = {answer.result() for answer in asked}

    assert folders == {process_group.folder_of_group(tmp_path)}
