"""Sealing every stored secret anew, with the database in use."""

import threading
from itertools import islice

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from accounts import key_rotation, second_factor
from accounts.models import Authenticator
from accounts.sealing import is_under_newest_key, seal, unseal
from providers.encryption import SealedValue
from providers.models import AIProviderConfig
from tests.factories import make_config, make_user
from tests.locks import somebody_waits
from tests.orchestration.conftest import ask, config_at  # noqa: F401 - fixtures
from tests.waiting import wait_until

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def sealed_before(settings):
    """Two providers and an authenticator, sealed with the old key; then the new one is put first."""
    settings.FERNET_KEYS = [OLD]
    configs = [make_config(api_key=f"sk-test-0123456789-number-{number}") for number in range(2)]
    device = Authenticator.objects.create(user=make_user("root2@example.com"), sealed_secret=seal(b"secret"))
    settings.FERNET_KEYS = [NEW, OLD]
    return configs, device


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_whatever_is_sealed_in_a_column_is_found():
    names = {(model._meta.label, field.name) for model, field in key_rotation.sealed_fields()}

    assert {
        ("providers.AIProviderConfig", "api_key_encrypted"),
        ("accounts.Authenticator", "sealed_secret"),
    } <= names
    suspects = {
        (model._meta.label, field.name)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if "sealed" in field.name or "encrypted" in field.name
    }
    assert suspects <= names, "a column of secrets has to be a SealedField"


@pytest.mark.django_db
def test_a_dry_run_reports_every_row_and_changes_none(sealed_before, capsys):
    tokens = list(AIProviderConfig.objects.values_list("api_key_encrypted", flat=True))

    with pytest.raises(CommandError, match="3 values need an old key: keep it"):
        call_command("rotate_encryption_keys", "--dry-run")

    configs, device = sealed_before
    assert sorted(lines(capsys)) == sorted(
        [
            f"accounts.Authenticator {device.pk} sealed_secret: is to be rotated",
            *(f"providers.AIProviderConfig {one.pk} api_key_encrypted: is to be rotated" for one in configs),
        ]
    )
    assert list(AIProviderConfig.objects.values_list("api_key_encrypted", flat=True)) == tokens


@pytest.mark.django_db
def test_afterwards_the_old_key_is_not_needed(sealed_before, settings, capsys):
    call_command("rotate_encryption_keys")
    call_command("rotate_encryption_keys", verbosity=0)

    said = lines(capsys)
    assert said.count("Every value is under the newest key. The 1 older in FERNET_KEYS can be dropped.") == 2
    assert ("3 rotated." in said, "0 rotated." in said) == (True, True)
    settings.FERNET_KEYS = [NEW]
    _, device = sealed_before
    assert [one.api_key_encrypted.reveal() for one in AIProviderConfig.objects.order_by("pk")] == [
        f"sk-test-0123456789-number-{number}" for number in range(2)
    ]
    assert unseal(Authenticator.objects.get(pk=device.pk).sealed_secret) == b"secret"
    assert second_factor._key_of(Authenticator.objects.get(pk=device.pk)) == b"secret"


@pytest.mark.django_db
def test_what_no_key_opens_is_named_and_left_as_it_is(sealed_before, settings, capsys):
    configs, _ = sealed_before
    lost = SealedValue(Fernet(Fernet.generate_key()).encrypt(b"gone").decode())
    AIProviderConfig.objects.filter(pk=configs[0].pk).update(api_key_encrypted=lost)

    with pytest.raises(CommandError, match="1 values cannot be read with any key"):
        call_command("rotate_encryption_keys")

    value = f"providers.AIProviderConfig {configs[0].pk} api_key_encrypted"
    assert f"{value}: cannot be read with any key of FERNET_KEYS" in lines(capsys)
    assert AIProviderConfig.objects.get(pk=configs[0].pk).api_key_encrypted == lost
    assert is_under_newest_key(AIProviderConfig.objects.get(pk=configs[1].pk).api_key_encrypted.token)


@pytest.mark.django_db
def test_what_an_old_process_seals_meanwhile_keeps_the_old_key(sealed_before, settings, monkeypatch):
    rotate = key_rotation.rotate

    def rotate_beside_an_old_process(*, is_dry_run):
        yield from rotate(is_dry_run=is_dry_run)
        if not is_dry_run:
            settings.FERNET_KEYS = [OLD]
            make_config(api_key="sk-test-0123456789-late")
            settings.FERNET_KEYS = [NEW, OLD]

    # The seam at which another process would have written.
    monkeypatch.setattr(key_rotation, "rotate", rotate_beside_an_old_process)

    with pytest.raises(CommandError, match="1 values need an old key: keep it"):
        call_command("rotate_encryption_keys")


@pytest.mark.django_db(transaction=True)
def test_no_call_fails_while_it_goes_on_and_is_interrupted_and_resumed(ask, config_at, settings, sandbox):  # noqa: F811
    settings.FERNET_KEYS = [OLD]
    for priority in range(4):
        config_at(priority=priority)
    settings.FERNET_KEYS = [NEW, OLD]
    answered, failed, is_over = [], [], threading.Event()

    def keep_asking():
        while not is_over.is_set():
            try:
                answered.append(ask().text)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test says so
                failed.append(error)

    callers = [threading.Thread(target=keep_asking) for _ in range(3)]
    for caller in callers:
        caller.start()
    wait_until(lambda: len(answered) + len(failed) >= 3)
    key_rotation.BATCH, batch = 2, key_rotation.BATCH
    try:
        interrupted = key_rotation.rotate()
        states = [row.state for row in islice(interrupted, 2)]
        interrupted.close()
        so_far = len(answered) + len(failed)
        wait_until(lambda: len(answered) + len(failed) >= so_far + 3)
        states_resumed = [row.state for row in key_rotation.rotate()]
    finally:
        key_rotation.BATCH = batch
        so_far = len(answered) + len(failed)
        wait_until(lambda: len(answered) + len(failed) >= so_far + 3)
        is_over.set()
        for caller in callers:
            caller.join()
    settings.FERNET_KEYS = [NEW]
    with_the_new_key_alone = ask()

    assert states == ["rotated", "rotated"]
    assert sorted(states_resumed) == ["newest", "newest", "rotated", "rotated"]
    assert failed == []
    assert with_the_new_key_alone.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_a_key_that_is_replaced_meanwhile_is_not_overwritten(sealed_before, settings):
    """The console holds the row of a key that it replaces; the rotation waits and sees the new one."""
    configs, _ = sealed_before
    states = []

    def rotate():
        try:
            states.extend(row.state for row in key_rotation.rotate())
        finally:
            connection.close()

    other = threading.Thread(target=rotate)
    with transaction.atomic():
        config = AIProviderConfig.objects.select_for_update().get(pk=configs[0].pk)
        other.start()
        wait_until(somebody_waits)
        config.set_api_key("sk-test-0123456789-replaced")
        config.save()
    other.join()

    config.refresh_from_db()
    assert config.api_key_encrypted.reveal() == "sk-test-0123456789-replaced"
    assert sorted(states) == ["newest", "rotated", "rotated"]
