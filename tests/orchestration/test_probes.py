"""Probes through the real SDKs against the sandbox: what they find, what they cost, who makes them."""

import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from aditus.celery import app
from orchestration.calls.leader import acquire
from orchestration.celery_tasks import probe_providers
from orchestration.models import Lease, ProviderProbe
from orchestration.probes import runs
from providers.encryption import SealedValue
from providers.registry import PROVIDER_TYPES
from tests.orchestration.probing import flag_of, found, probe
from tests.waiting import wait_until
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("provider_type", sorted(PROVIDER_TYPES))
def test_a_probe_asks_each_vendor_for_its_list_and_nothing_more(config_at, sandbox, provider_type):
    config = config_at(provider_type=provider_type)

    (probed,) = probe()

    assert (probed.finding.is_up, probed.effect) == (True, "")
    row = ProviderProbe.objects.get(config=config)
    assert (row.is_up, row.error_kind) == (True, "")
    assert row.latency_ms >= 0
    assert row.since == row.checked_at < row.next_at == probed.next_at
    hits = sandbox.hits()
    assert (sum(hits["model_lists"].values()), hits["total"]) == (1, 0)
    assert not AIProviderUsageLog.objects.exists()
    assert not QuotaCounter.objects.exists()
    assert not Lease.objects.exists()


def test_only_those_are_asked_whose_time_has_come(config_at, sandbox):
    config = config_at()
    config_at(is_active=False)

    assert len(probe(early=False)) == 1
    assert probe(early=False) == []
    ProviderProbe.objects.update(next_at=timezone.now())
    assert len(probe(early=False)) == 1
    assert sandbox.hits()["model_lists"] == {"openai": 2}
    assert ProviderProbe.objects.get().config == config


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("billing", (False, "billing")),
        ("unavailable", (False, "server")),
        ("server", (False, "server")),
        ("disconnect", (False, "server")),
        ("hang", (False, "timeout")),
        ("not_found", (None, "not_found")),
        ("rate_limited=30", (None, "rate_limited")),
        ("bad_request", (None, "rejected")),
        ("failed_dependency", (False, "path")),
    ],
)
def test_what_a_vendor_may_answer(config_at, sandbox, fault, outcome):
    config = config_at(timeout=1 if fault == "hang" else 60)
    # A connection that was kept is tried once more before it counts as broken.
    sandbox.fault(fault, times=2, on="models")

    (probed,) = probe()

    assert found(config) == outcome
    assert probed.finding.message
    assert flag_of(config) == ("billing" if fault == "billing" else "")


def test_an_outage_is_told_with_its_beginning_and_its_end(config_at, sandbox):
    config_at()
    probe()
    up_since = ProviderProbe.objects.get().since
    sandbox.fault("unavailable", times=3, on="models")

    outage = []
    for _ in range(3):
        probe()
        outage.append(ProviderProbe.objects.get())
    probe()
    healed = ProviderProbe.objects.get()

    assert [row.is_up for row in outage] == [False] * 3
    assert len({row.since for row in outage}) == 1
    assert up_since < outage[0].since < healed.since == healed.checked_at
    assert healed.is_up


def test_a_key_that_cannot_be_decrypted_is_sent_nowhere(config_at, sandbox):
    config = config_at()
    config.api_key_encrypted = SealedValue("gAAAAAB-made-with-a-key-that-is-gone")
    config.save()

    (probed,) = probe()

    assert found(config) == (False, "key_undecryptable")
    assert "Re-enter" in probed.finding.message
    assert sandbox.hits()["model_lists"] == {}


def test_a_bug_in_one_probe_keeps_no_other_from_being_made(config_at, monkeypatch, caplog):
    broken, sound = config_at(), config_at()
    ask = runs.ask

    async def ask_or_break(provider, **facts):
        if provider.config_id == broken.pk:
            raise ZeroDivisionError
        return await ask(provider, **facts)

    monkeypatch.setattr(runs, "ask", ask_or_break)

    assert [probed.config_id for probed in probe()] == [sound.pk]
    assert f"The probe of config {broken.pk} broke off" in caplog.text
    assert not Lease.objects.exists()


@pytest.mark.postgres
def test_no_transaction_is_open_while_a_vendor_is_asked(config_at, sandbox):
    config_at()
    sandbox.fault("slow=5", on="models")
    thread = threading.Thread(target=probe)
    thread.start()
    wait_until(lambda: sandbox.hits()["model_lists"] == {"openai": 1})

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND state LIKE 'idle in transaction%%' AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone() == (0,)
    thread.join()
    assert ProviderProbe.objects.count() == 1


def said_by_command(*arguments):
    out = StringIO()
    call_command("probe_providers", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_what_it_found(config_at, sandbox):
    config_at(display_name="Main")
    config_at(display_name="Spare")
    sandbox.fault("auth", times=2, on="models")

    said = said_by_command()

    assert "Main: The provider refused the API key." in said
    assert "The config was flagged." in said
    assert said.endswith("Probed 2 providers.\n")
    assert said_by_command() == "Probed 0 providers.\n"
    assert said_by_command("--now").endswith("Probed 2 providers.\n")


def test_where_another_process_probes_there_is_nothing_to_do(config_at, sandbox):
    config_at()
    acquire(runs.JOB, "another", seconds=600)

    assert said_by_command("--now") == "Another process is probing right now.\n"
    assert probe_providers() == 0
    assert sandbox.hits()["model_lists"] == {}


def test_the_workers_clock_probes_every_minute(config_at):
    config_at()
    entry = app.conf.beat_schedule["orchestration.probe_providers"]
    app.loader.import_default_modules()

    assert entry["schedule"] == timedelta(minutes=1)
    assert app.tasks[entry["task"]]() == 1
