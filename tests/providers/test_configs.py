"""What super-admins do to providers: one transaction, one audit entry, whichever door."""

import pytest

from accounts.edit_conflicts import EditConflict
from accounts.models import AuditEntry
from providers.adapters.credential_check import CredentialCheck
from providers.configs import changes, deletion
from providers.credentials.checks import ConfigNotFound
from providers.models import AIProviderConfig
from providers.revision import RoutingRevision
from tests.factories import make_config

pytestmark = pytest.mark.django_db
KEY = "sk-test-0123456789abcdef"


def actions():
    return list(AuditEntry.objects.order_by("number").values_list("action", flat=True))


def test_it_creates_a_provider_with_what_the_vendor_said(actor):
    check = CredentialCheck(is_valid=True, message="The key works.", latency_ms=12)

    config = changes.create(
        actor=actor,
        provider_type="openai",
        api_key=KEY,
        fields={"model_name": "gpt-5-mini", "default_for_extraction": True},
        check=check,
    )

    entry = AuditEntry.objects.get()
    assert (config.created_by, config.last_test_success) == (actor.user, True)
    assert (entry.action, entry.door, entry.ip_address) == ("provider.created", "api", "192.0.2.7")
    assert entry.changes["api_key"] == [None, "••••cdef"]
    assert entry.changes["default_for_extraction"] == [None, True]


def test_it_hands_the_default_over_on_creation_and_audits_both(actor):
    old = make_config(is_default=True)

    new = changes.create(
        actor=actor, provider_type="openai", api_key=KEY, fields={"model_name": "gpt-5", "is_default": True}
    )

    old.refresh_from_db()
    assert (old.is_default, new.is_default) == (False, True)
    assert actions() == ["provider.updated", "provider.created"]


def test_it_changes_only_what_is_named(actor):
    config = make_config(description="kept", priority=1)

    changes.update(actor=actor, config_id=config.pk, fields={"priority": 9})

    config.refresh_from_db()
    assert (config.description, config.priority) == ("kept", 9)
    assert AuditEntry.objects.get().changes == {"priority": [1, 9]}


def test_it_writes_no_entry_for_a_change_that_changes_nothing(actor):
    config = make_config(priority=1)

    changes.update(actor=actor, config_id=config.pk, fields={"priority": 1})

    assert actions() == []


def test_it_refuses_a_change_by_somebody_who_saw_an_older_version(actor):
    config = make_config()
    seen = config.updated_at
    changes.update(actor=actor, config_id=config.pk, fields={"priority": 1}, version=seen)

    with pytest.raises(EditConflict) as refused:
        changes.update(actor=actor, config_id=config.pk, fields={"priority": 2}, version=seen)

    assert refused.value.details["changes"][0]["by"] == "root@example.com"
    assert refused.value.details["changes"][0]["changes"] == {"priority": [0, 1]}


def test_a_test_in_between_is_no_conflict(actor):
    config = make_config()
    seen = config.updated_at
    config.record_test(is_valid=True)

    changed = changes.update(actor=actor, config_id=config.pk, fields={"priority": 2}, version=seen)

    assert changed.priority == 2


def test_it_does_not_send_a_stored_key_to_a_new_address(actor):
    config = make_config()

    with pytest.raises(changes.KeyNeeded):
        changes.update(actor=actor, config_id=config.pk, fields={"base_url": "https://elsewhere.example/v1"})


def test_a_server_without_a_key_may_move(actor):
    config = make_config(provider_type="local", api_key="", base_url="http://127.0.0.1:11434/v1")

    moved = changes.update(actor=actor, config_id=config.pk, fields={"base_url": "http://127.0.0.1:11435/v1"})

    assert moved.base_url == "http://127.0.0.1:11435/v1"


def test_it_knows_its_fields(actor):
    with pytest.raises(TypeError, match="created_by"):
        changes.update(actor=actor, config_id=make_config().pk, fields={"created_by": None})


def test_it_changes_and_audits_together_or_not_at_all(actor, monkeypatch):
    config = make_config()
    before = RoutingRevision.current()
    # The audit trail is the seam: there is no input that makes it fail on its own.
    monkeypatch.setattr(changes.audit, "record", _broken)

    with pytest.raises(OSError, match="disk full"):
        changes.set_active(actor=actor, config_ids=[config.pk], is_active=False)

    config.refresh_from_db()
    assert config.is_active is True
    assert RoutingRevision.current() == before


def _broken(**entry):
    raise OSError("disk full")


def test_every_change_moves_the_routing_revision(actor):
    config = make_config()
    numbers = [RoutingRevision.current()]

    changes.set_active(actor=actor, config_ids=[config.pk], is_active=False)
    numbers.append(RoutingRevision.current())
    changes.make_default(actor=actor, config_id=config.pk)
    numbers.append(RoutingRevision.current())
    changes.rotate_key(actor=actor, config_id=config.pk, api_key="sk-test-9876543210abcdef")
    numbers.append(RoutingRevision.current())
    deletion.delete(actor=actor, config_id=config.pk)
    numbers.append(RoutingRevision.current())

    assert numbers == sorted(set(numbers))
    assert actions() == [
        "provider.deactivated",
        "provider.made_default",
        "provider.key_rotated",
        "provider.deleted",
    ]


def test_it_counts_only_what_it_switched(actor):
    on, off = make_config(), make_config(is_active=False)

    count = changes.set_active(actor=actor, config_ids=[on.pk, off.pk], is_active=False)

    assert count == 1


def test_what_is_gone_is_said_to_be_gone(actor):
    with pytest.raises(ConfigNotFound):
        deletion.delete(actor=actor, config_id=4711)


def test_it_takes_no_empty_key_for_a_rotation(actor):
    config = make_config()

    with pytest.raises(changes.UnusableKey):
        changes.rotate_key(actor=actor, config_id=config.pk, api_key="")

    assert AIProviderConfig.objects.get().api_key_encrypted.reveal() == KEY
