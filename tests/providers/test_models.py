"""Facts and transitions of a provider config."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from providers.models import AIProviderConfig
from providers.revision import RoutingRevision
from tests.factories import make_config

pytestmark = pytest.mark.django_db


def test_only_the_end_of_a_long_key_is_remembered():
    assert make_config(api_key="sk-test-0123456789abcdef").key_hint == "cdef"
    assert make_config(api_key="short").key_hint == ""


def test_a_new_key_clears_what_was_held_against_the_old_one():
    config = make_config()
    AIProviderConfig.flag(config.pk, "auth")
    config.refresh_from_db()
    config.record_test(is_valid=False)

    config.set_api_key("sk-test-another-0123456789")

    assert (config.flagged_at, config.flag_reason) == (None, "")
    assert (config.last_tested_at, config.last_test_success) == (None, None)


def test_only_the_first_refusal_flags():
    config = make_config()

    assert AIProviderConfig.flag(config.pk, "auth") is True
    assert AIProviderConfig.flag(config.pk, "billing") is False

    config.refresh_from_db()
    assert config.flag_reason == "auth"


def test_there_is_at_most_one_default():
    make_config(is_default=True)

    with pytest.raises(IntegrityError):
        make_config(is_default=True)


def test_the_default_can_be_handed_over():
    old, new = make_config(is_default=True), make_config()

    new.make_default()

    assert list(AIProviderConfig.objects.filter(is_default=True)) == [new]
    old.refresh_from_db()
    assert old.is_active is True


def test_it_knows_the_tasks_it_is_first_choice_for():
    config = make_config(default_for_extraction=True, extra_default_tasks=["translation"])

    assert config.default_tasks() == {"extraction", "translation"}


@pytest.mark.parametrize(
    "address",
    ["ftp://example.com", "http://user:pass@example.com", "http://a/b?key=1", "example.com", "http://a b"],
)
def test_a_base_url_is_an_http_address_without_secrets(address):
    config = make_config(base_url=address)

    with pytest.raises(ValidationError) as caught:
        config.full_clean()
    assert "base_url" in caught.value.message_dict


@pytest.mark.parametrize(
    "address", ["http://ollama:11434/v1", "https://proxy.example.com/v1", "http://[::1]:8080/v1"]
)
def test_a_base_url_may_be_a_single_label_host(address):
    make_config(base_url=address).clean_fields(exclude=["created_by"])


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.save(),
        lambda config: config.delete(),
        lambda config: AIProviderConfig.objects.filter(pk=config.pk).update(priority=3),
        lambda config: AIProviderConfig.objects.all().delete(),
        lambda config: AIProviderConfig.flag(config.pk, "auth"),
        lambda config: config.make_default(),
    ],
)
def test_every_change_that_routing_reads_moves_the_revision(change):
    config = make_config()
    before = RoutingRevision.current()

    change(config)

    assert RoutingRevision.current() > before


@pytest.mark.parametrize(
    "attempt",
    [
        lambda config: AIProviderConfig.flag(config.pk, "billing"),
        lambda config: AIProviderConfig.objects.filter(pk=0).update(priority=3),
        lambda config: AIProviderConfig.objects.filter(pk=0).delete(),
    ],
)
def test_what_changes_no_row_does_not_move_the_revision(attempt):
    config = make_config()
    AIProviderConfig.flag(config.pk, "auth")
    before = RoutingRevision.current()

    attempt(config)

    assert RoutingRevision.current() == before


def test_a_test_moves_the_revision_only_when_it_proves_the_key():
    config = make_config()
    before = RoutingRevision.current()

    config.record_test(is_valid=False)
    assert RoutingRevision.current() == before

    config.record_test(is_valid=True)
    assert RoutingRevision.current() == before + 1, "what routing holds against the config is forgotten"
