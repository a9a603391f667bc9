"""Deleting a provider while a call holds what the deletion needs: the deletion gives way, not the call."""

import threading

import pytest
from django.db import connection, transaction

from accounts.audit import Actor
from accounts.models import AuditEntry
from providers.configs import deletion
from providers.configs.deletion import ProviderBusy, delete
from providers.models import AIProviderConfig
from tests.factories import make_config
from tests.usage.attempts import make_attempt, run
from usage.ledger.portable import PortableLedger
from usage.models import AIProviderUsageLog

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ACTOR = Actor.of_command("test")


@pytest.fixture
def held():
    """A config whose one usage row a call's transaction holds, and what ends that transaction."""
    config = make_config()
    run(PortableLedger().reserve(make_attempt(config=config)))
    has_it, let_go = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            AIProviderUsageLog.objects.select_for_update().get()
            has_it.set()
            let_go.wait(120)
        connection.close()

    call = threading.Thread(target=hold)
    call.start()
    assert has_it.wait(60)

    def end():
        let_go.set()
        call.join()

    yield config, end
    end()


def test_it_gives_way_and_changes_nothing(held, monkeypatch):
    config, end = held
    monkeypatch.setattr(deletion, "TRIES", 2)

    with pytest.raises(ProviderBusy):
        delete(actor=ACTOR, config_id=config.pk)

    assert AIProviderConfig.objects.filter(pk=config.pk).exists()
    assert not AuditEntry.objects.filter(action="provider.deleted").exists()
    end()
    assert delete(actor=ACTOR, config_id=config.pk) == config.pk
    assert AIProviderUsageLog.objects.get().provider_config is None


def test_it_tries_again_until_the_call_has_ended(held, monkeypatch):
    config, end = held
    tries = []
    be_impatient = deletion._be_impatient

    def counted():
        tries.append(None)
        if len(tries) == 2:
            end()
        be_impatient()

    monkeypatch.setattr(deletion, "_be_impatient", counted)

    delete(actor=ACTOR, config_id=config.pk)

    assert len(tries) == 2
    assert not AIProviderConfig.objects.filter(pk=config.pk).exists()


def test_the_console_says_so_and_the_api_too(held, monkeypatch, client, super_admin, admin_api):
    config, _ = held
    monkeypatch.setattr(deletion, "TRIES", 1)
    client.force_login(super_admin)

    page = client.post(f"/admin/providers/aiproviderconfig/{config.pk}/delete/", {"post": "yes"}, follow=True)
    reply = admin_api.delete(f"/api/v1/super-admin/providers/configs/{config.pk}")

    assert ProviderBusy.message in page.content.decode()
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "provider_busy")
