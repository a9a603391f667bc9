"""Vendors' lists of models, fetched through the real SDKs from the sandbox, and what becomes of them."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from aditus.celery import app
from providers.adapters.base import ListedModel
from providers.capabilities import lists, matrix
from providers.capabilities.matrix import load_matrix, retired_models
from providers.celery_tasks import refresh_capabilities
from providers.credentials import checks, trials
from providers.encryption import SealedValue
from providers.models import ModelCapability, RoutingRevision
from tests.contract.vendors import KEYS, Recorder
from tests.factories import make_config

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def config_of(sandbox):
    def make(provider_type="openai", **overrides):
        fields = {"api_key": KEYS[provider_type], "base_url": sandbox.base_url(provider_type)}
        return make_config(provider_type=provider_type, model_name="sandbox-mini", **fields | overrides)

    return make


def said_of(provider_type, name):
    row = ModelCapability.objects.get(provider_type=provider_type, model_name=name)
    return (
        row.vendor_vision,
        row.vendor_structured_output,
        row.vendor_streaming,
        row.vendor_context_window,
        row.vendor_max_output_tokens,
    )


@pytest.mark.parametrize(
    ("provider_type", "said"),
    [
        # Google tells sizes and methods, Anthropic abilities and sizes, OpenAI names, vLLM its window.
        ("gemini", (None, None, True, 1_000_000, 64_000)),
        ("claude", (True, False, None, 1_000_000, 64_000)),
        ("openai", (None, None, None, None, None)),
        ("local", (None, None, None, 1_000_000, None)),
    ],
)
def test_a_refresh_keeps_what_each_vendor_says(config_of, provider_type, said):
    config_of(provider_type)

    refreshed = lists.refresh(now=timezone.now())

    names = {"sandbox-mini", "sandbox-large", "sandbox-text", "sandbox-plain"}
    assert set(refreshed.learned[provider_type].added) == names
    assert set(ModelCapability.objects.values_list("model_name", flat=True)) == names
    assert said_of(provider_type, "sandbox-plain") == said


def test_a_second_refresh_changes_nothing_and_moves_no_revision(config_of):
    for provider_type in KEYS:
        config_of(provider_type)
    lists.refresh(now=timezone.now())
    before = RoutingRevision.current()

    again = lists.refresh(now=timezone.now())

    assert RoutingRevision.current() == before
    assert not any(learned.added or learned.changed or learned.retired for learned in again.learned.values())


@pytest.mark.parametrize("provider_type", sorted(KEYS))
def test_a_model_that_left_the_list_is_retired(config_of, sandbox, provider_type):
    config_of(provider_type)
    lists.refresh(now=timezone.now())
    sandbox.fault("unlisted=sandbox-large,sandbox-text", on="models")

    refreshed = lists.refresh(now=timezone.now())

    assert refreshed.learned[provider_type].retired == ("sandbox-large", "sandbox-text")
    assert retired_models(provider_type) == {"sandbox-large", "sandbox-text"}


def test_a_window_that_the_vendor_changed_is_used_by_the_next_call(config_of, sandbox):
    config_of("claude")
    lists.refresh(now=timezone.now())
    sandbox.fault("windows=2000", on="models")

    lists.refresh(now=timezone.now())

    assert load_matrix().of("claude", "sandbox-mini").context_window == 2000


def test_no_transaction_is_open_while_vendors_are_asked(config_of, monkeypatch):
    config_of()
    config_of("gemini")
    open_ones = []

    async def watched(config):
        open_ones.append(connection.in_atomic_block)
        return await plain(config)

    plain = checks.list_models
    monkeypatch.setattr(lists, "list_models", watched)
    lists.refresh(now=timezone.now())

    assert open_ones == [False, False]


def test_who_gives_no_list_is_named_and_leaves_what_is_known(config_of, unused_tcp_port):
    config_of("claude")
    lists.refresh(now=timezone.now())
    broken = config_of("claude", display_name="Broken")
    broken.api_key_encrypted = SealedValue("gAAAAAB-made-with-a-key-that-is-gone")
    broken.save()
    config_of("local", display_name="Away", base_url=f"http://127.0.0.1:{unused_tcp_port}/v1")

    refreshed = lists.refresh(now=timezone.now())

    silent = dict(refreshed.silent)
    assert set(silent) == {"Broken", "Away"}
    assert "Re-enter the key" in silent["Broken"]
    assert "could not be reached" in silent["Away"]
    assert load_matrix().of("claude", "sandbox-plain").structured_output is False
    assert retired_models("claude") == frozenset()


def test_inactive_providers_are_not_asked(config_of, sandbox):
    config_of(is_active=False)

    refreshed = lists.refresh(now=timezone.now())

    assert refreshed.learned == {}
    assert sandbox.hits()["model_lists"] == {}


def test_the_command_says_what_changed(config_of, sandbox, unused_tcp_port):
    config_of("gemini")
    config_of("local", display_name="Away", base_url=f"http://127.0.0.1:{unused_tcp_port}/v1")
    out, err = StringIO(), StringIO()

    call_command("refresh_capabilities", stdout=out, stderr=err)

    assert "gemini: 4 added: sandbox-large, sandbox-mini, sandbox-plain, sandbox-text" in out.getvalue()
    assert "Away gave no list: The provider could not be reached." in err.getvalue()
    assert KEYS["gemini"] not in out.getvalue() + err.getvalue()


def test_the_workers_do_it_once_a_day(config_of):
    config_of()

    assert refresh_capabilities() == 1
    assert ModelCapability.objects.count() == 4
    [entry] = [e for e in app.conf.beat_schedule.values() if "refresh_capabilities" in e["task"]]
    app.loader.import_default_modules()
    assert entry["task"] in app.tasks
    assert entry["schedule"].days == 1


def test_a_test_of_a_stored_key_keeps_its_list(config_of, actor):
    config = config_of("claude")

    trials.test(actor=actor, config_id=config.pk)

    assert said_of("claude", "sandbox-plain")[:2] == (True, False)


def test_a_refused_key_leaves_what_is_known(config_of, actor):
    config = config_of("claude")
    trials.test(actor=actor, config_id=config.pk)
    config.set_api_key("sk-ant-invalid-0123456789")
    config.save()

    trials.test(actor=actor, config_id=config.pk)

    assert ModelCapability.objects.filter(retired_at=None).count() == 4


def test_a_key_that_is_saved_brings_its_list_and_one_that_is_only_tried_does_not(admin_api, sandbox):
    body = {
        "provider_type": "claude",
        "api_key": KEYS["claude"],
        "model_name": "sandbox-mini",
        "base_url": sandbox.anthropic,
    }

    tried = admin_api.post("/api/v1/super-admin/providers/configs/test", body, format="json")
    rows_after_trying = ModelCapability.objects.count()
    saved = admin_api.post("/api/v1/super-admin/providers/configs", body, format="json")

    assert (tried.json()["data"]["is_valid"], rows_after_trying) == (True, 0)
    assert (saved.status_code, ModelCapability.objects.count()) == (201, 4)


async def test_a_gateway_that_describes_its_models_is_believed():
    described = {
        "id": "acme/large",
        "object": "model",
        "context_length": 32_768,
        "architecture": {"input_modalities": ["text", "image"]},
        "supported_parameters": ["temperature", "response_format"],
        "top_provider": {"max_completion_tokens": 8_192},
    }
    odd = {"id": "odd", "architecture": "new", "supported_parameters": None, "context_length": "many"}
    body = json.dumps({"object": "list", "data": [described, odd]}).encode()

    with Recorder(status=200, body=body) as server:
        check = await checks.check_credentials(
            provider_type="local", api_key="x", base_url=f"{server.url}/v1"
        )

    assert check.listed == (
        ListedModel(
            "acme/large",
            vision=True,
            structured_output=False,
            context_window=32_768,
            max_output_tokens=8_192,
        ),
        ListedModel("odd"),
    )
    assert check.models == ("acme/large", "odd")


def bad_lists():
    names = ["x" * 201, "a\x00b", "\u202egpt", "\ud800", ""]
    odd = [{"id": name} for name in names] + [{"id": "huge", "max_model_len": 10**40}]
    return {
        "page": b"<!doctype html>",
        "text": b'"no"',
        "odd": json.dumps({"data": odd}).encode(),
        "deep": b"[" * 100_000,
    }


@pytest.mark.parametrize("provider_type", sorted(KEYS))
@pytest.mark.parametrize("bad", sorted(bad_lists()))
def test_one_bad_list_keeps_no_other_from_being_learned(config_of, provider_type, bad):
    with Recorder(status=200, body=bad_lists()[bad]) as server:
        config_of("claude")
        config_of(provider_type, display_name="Bad", base_url=server.url)
        out, err = StringIO(), StringIO()

        call_command("refresh_capabilities", stdout=out, stderr=err)
        by_task = refresh_capabilities()

    assert ModelCapability.objects.filter(provider_type="claude", model_name="sandbox-mini").exists()
    assert ("Bad gave no list" in err.getvalue()) == (bad != "odd")
    assert by_task == len({"claude", provider_type})


@pytest.mark.parametrize("at", ["list_models", "learn"])
def test_a_bug_at_one_vendor_keeps_no_other_from_being_heard(config_of, monkeypatch, at):
    config_of("gemini", display_name="Buggy")
    config_of("claude")

    async def list_models(config):
        if at == "list_models" and config.provider_type == "gemini":
            raise KeyError("a bug")
        return await checks.list_models(config)

    def learn(*, provider_type, lists, now):
        if at == "learn" and provider_type == "gemini":
            raise KeyError("a bug")
        return matrix.learn(provider_type=provider_type, lists=lists, now=now)

    monkeypatch.setattr(lists, "list_models", list_models)
    monkeypatch.setattr(lists, "learn", learn)

    refreshed = lists.refresh(now=timezone.now())

    assert len(refreshed.learned["claude"].added) == 4
    assert [sentence for _, sentence in refreshed.silent] == [lists.BROKE_OFF]


def test_a_refresh_asks_each_server_once(config_of, sandbox):
    config_of("openai")

    lists.refresh(now=timezone.now())

    assert sandbox.hits()["model_lists"] == {"openai": 1}
