"""Keys at rest."""

import copy
import io
import json
import pickle

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection

from providers.encryption import SealedValue
from providers.errors import UndecryptableKey
from providers.models import AIProviderConfig
from providers.redaction import redact
from tests.factories import make_config

KEY = "sk-canary-0123456789-beekeeper"


@pytest.mark.django_db
def test_the_column_holds_no_byte_of_the_key():
    config = make_config(api_key=KEY)

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM ai_provider_configs WHERE id = %s", [config.pk])
        row = repr(cursor.fetchone())

    assert KEY not in row
    assert "beekeeper"[:6] not in row
    assert row.count("gAAAA") == 1


@pytest.mark.django_db
def test_a_stored_key_comes_back_sealed_and_opens_on_request():
    make_config(api_key=KEY)

    sealed = AIProviderConfig.objects.get().api_key_encrypted

    assert isinstance(sealed, SealedValue)
    assert sealed.reveal() == KEY


def test_a_sealed_value_shows_nothing():
    sealed = SealedValue.seal(KEY)

    for shown in (repr(sealed), str(sealed), f"{sealed}", f"{[sealed]}", "%s" % sealed):  # noqa: UP031
        assert KEY not in shown
        assert sealed.token not in shown


def test_a_sealed_value_cannot_slip_into_a_cache_or_a_task():
    with pytest.raises(TypeError):
        pickle.dumps(SealedValue.seal(KEY))
    with pytest.raises(TypeError):
        json.dumps(SealedValue.seal(KEY))


def test_copies_of_a_sealed_value_are_as_sealed():
    sealed = SealedValue.seal(KEY)

    assert copy.deepcopy(sealed) == copy.copy(sealed) == sealed
    assert hash(copy.deepcopy(sealed)) == hash(sealed)


@pytest.mark.django_db
def test_a_plain_string_is_refused_on_save():
    config = make_config()
    config.api_key_encrypted = KEY

    with pytest.raises(TypeError, match=r"SealedValue\.seal"):
        config.save()


@pytest.mark.django_db
def test_after_a_change_of_fernet_keys_only_the_old_rows_are_undecryptable(settings):
    old = make_config(api_key=KEY)
    settings.FERNET_KEYS = [Fernet.generate_key().decode()]
    new = make_config(api_key="sk-another-0123456789")

    configs = {config.pk: config for config in AIProviderConfig.objects.all()}

    with pytest.raises(UndecryptableKey) as caught:
        configs[old.pk].api_key_encrypted.reveal()
    assert configs[new.pk].api_key_encrypted.reveal() == "sk-another-0123456789"
    assert KEY not in caught.value.message
    assert caught.value.__cause__ is None


@pytest.mark.django_db
def test_fernet_keys_rotate_without_losing_a_key(settings):
    sealed = SealedValue.seal(KEY)
    older, newer = settings.FERNET_KEYS[0], Fernet.generate_key().decode()

    settings.FERNET_KEYS = [newer, older]
    rotated = sealed.rotated()
    settings.FERNET_KEYS = [newer]

    assert rotated.reveal() == KEY
    assert rotated != sealed
    with pytest.raises(UndecryptableKey):
        sealed.reveal()


@pytest.mark.parametrize("token", ["", "gAAAAAB", "not a token", "gAAAAABé"])
def test_a_damaged_token_is_undecryptable_and_no_crash(token):
    for act in (SealedValue(token).reveal, SealedValue(token).rotated):
        with pytest.raises(UndecryptableKey):
            act()


@pytest.mark.django_db
def test_a_dump_carries_the_token_and_loads_again(tmp_path):
    config = make_config(api_key=KEY)
    dump = io.StringIO()

    call_command("dumpdata", "providers.aiproviderconfig", stdout=dump)

    assert KEY not in dump.getvalue()
    assert config.api_key_encrypted.token in dump.getvalue()
    fixture = tmp_path / "configs.json"
    fixture.write_text(dump.getvalue())
    AIProviderConfig.objects.all().delete()
    call_command("loaddata", str(fixture), verbosity=0)
    assert AIProviderConfig.objects.get().api_key_encrypted.reveal() == KEY


def test_a_key_that_was_opened_is_masked_in_logs_whatever_its_shape():
    SealedValue.seal("beehive/with-an-odd-shape")

    assert "odd-shape" not in redact("the header was beehive/with-an-odd-shape, said the proxy")


def test_a_secret_inside_a_longer_key_leaves_none_of_the_rest():
    SealedValue.seal("lighthouse-0123")
    SealedValue.seal("keeper sk-lamp-01234567")

    assert redact("key sk-lighthouse-0123-and-more, refused") == "key [redacted], refused"
    assert redact("the keeper sk-lamp-01234567 came") == "the [redacted] came"
    assert redact("lighthouse-0123lighthouse-0123") == "[redacted]"
