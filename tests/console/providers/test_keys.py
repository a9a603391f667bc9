"""The API keys page: the state of every key, and a new key put in its place."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from providers.models import AIProviderConfig
from tests.contract.vendors import Recorder
from tests.factories import make_config

pytestmark = pytest.mark.django_db
OLD, NEW = "sk-test-0123456789-old1", "sk-test-0123456789-new1"


def rotate(console, config, **data):
    return console.post(reverse("rotate_key", args=[config.pk]), {"api_key": NEW} | data, follow=True)


def card_of(page, config):
    return page.partition(f'id="key-{config.pk}"')[2].partition("</li>")[0]


@pytest.mark.parametrize(
    ("prepare", "label"),
    [
        ({"key_expires_at": timedelta(days=13)}, "expires soon"),
        ({"key_expires_at": timedelta(days=15)}, "not tested"),
        ({"key_expires_at": timedelta(days=-1)}, "expired"),
    ],
)
def test_it_warns_of_expiry(console, prepare, label):
    config = make_config(key_expires_at=timezone.now() + prepare["key_expires_at"])

    card = card_of(console.get(reverse("api_keys")).content.decode(), config)

    assert label in card


def test_it_shows_the_age_of_a_key_and_its_last_test(console):
    config = make_config(api_key=OLD)
    AIProviderConfig.objects.filter(pk=config.pk).update(
        key_set_at=timezone.now() - timedelta(days=40),
        last_tested_at=timezone.now() - timedelta(hours=3),
        last_test_success=True,
    )

    card = card_of(console.get(reverse("api_keys")).content.decode(), config)

    assert "••••old1" in card
    assert "1 month ago" in card.replace("\xa0", " ")
    assert "passed 3 hours ago" in card.replace("\xa0", " ")


def test_it_puts_keys_that_need_somebody_first(console):
    fine, broken = make_config(display_name="Fine"), make_config(display_name="Zebra")
    fine.record_test(is_valid=True)
    AIProviderConfig.flag(broken.pk, "auth")

    page = console.get(reverse("api_keys")).content.decode()

    assert page.index("Zebra") < page.index("Fine")


def test_it_asks_no_more_for_ten_keys_than_for_one(console, django_assert_num_queries):
    make_config()
    # Session, user, their authenticator, the keys.
    with django_assert_num_queries(4):
        console.get(reverse("api_keys"))
    for _ in range(9):
        make_config()

    with django_assert_num_queries(4):
        console.get(reverse("api_keys"))


def test_it_replaces_a_key_the_vendor_accepts(console, sandbox):
    config = make_config(api_key=OLD, base_url=sandbox.openai, model_name="sandbox-mini")

    rotate(console, config, key_expires_on="2027-03-01")

    config.refresh_from_db()
    assert config.api_key_encrypted.reveal() == NEW
    assert config.last_test_success is True
    assert config.key_expires_at == datetime(2027, 3, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert AuditEntry.objects.get(action="provider.key_rotated").changes["api_key"] == [
        "••••old1",
        "••••new1",
    ]


def test_it_keeps_the_old_key_when_the_new_one_is_refused(console, sandbox):
    config = make_config(api_key=OLD, base_url=sandbox.openai)

    page = rotate(console, config, api_key="sk-invalid-0123456789").content.decode()

    config.refresh_from_db()
    assert "Nothing was stored; check the key" in page
    assert config.api_key_encrypted.reveal() == OLD


def test_it_stores_an_unchecked_key_only_when_told_to(console, unused_tcp_port):
    config = make_config(api_key=OLD, base_url=f"http://127.0.0.1:{unused_tcp_port}/v1")

    page = rotate(console, config).content.decode()
    config.refresh_from_db()
    kept = config.api_key_encrypted.reveal()
    rotate(console, config, save_anyway="on")

    config.refresh_from_db()
    assert "could not be reached" in page
    assert kept == OLD
    assert config.api_key_encrypted.reveal() == NEW


def test_it_wants_a_key(console):
    config = make_config(api_key=OLD)

    page = rotate(console, config, api_key="").content.decode()

    config.refresh_from_db()
    assert "Enter the new key" in page
    assert config.api_key_encrypted.reveal() == OLD


def test_it_is_at_the_address_the_handbook_names(console):
    assert reverse("api_keys") == "/admin/api-keys"
    assert console.get("/admin/api-keys/", follow=True).status_code == 200


def test_a_new_key_at_a_server_whose_list_needs_no_key_is_stored_with_a_warning(console):
    with Recorder(status=200, body=b'{"data": [{"id": "gpt-5-mini"}]}') as public:
        config = make_config(provider_type="local", api_key=OLD, base_url=public.url)
        response = console.post(reverse("rotate_key", args=[config.pk]), {"api_key": NEW})

    config.refresh_from_db()
    told = [(message.level_tag, message.message) for message in get_messages(response.wsgi_request)]
    assert config.api_key_encrypted.reveal() == NEW
    assert [level for level, _ in told] == ["success", "warning"]
    assert "the list needs no key" in told[1][1]
    assert "unproven" in card_of(console.get(reverse("api_keys")).content.decode(), config)


def test_a_stored_key_is_not_sent_to_a_new_address_and_a_new_one_goes_with_it(console, sandbox):
    config = make_config(api_key=OLD, base_url="https://api.example.com/v1")

    page = rotate(console, config, api_key="", base_url=sandbox.openai).content.decode()
    config.refresh_from_db()
    kept = config.base_url, config.api_key_encrypted.reveal()
    rotate(console, config, base_url=f" {sandbox.openai} ")

    config.refresh_from_db()
    assert "A stored key is not sent to a new address." in page
    assert kept == ("https://api.example.com/v1", OLD)
    assert (config.base_url, config.api_key_encrypted.reveal()) == (sandbox.openai, NEW)


def test_a_provider_without_a_key_moves_without_one(console, sandbox):
    config = make_config(provider_type="local", api_key="", base_url="http://nobody.internal/v1")

    rotate(console, config, api_key="", base_url=sandbox.openai, save_anyway="on")

    config.refresh_from_db()
    assert config.base_url == sandbox.openai


def test_it_goes_back_to_the_page_the_card_was_on(console, sandbox):
    config = make_config(api_key=OLD, base_url=sandbox.openai)
    page = f"/admin/providers/aiproviderconfig/{config.pk}/change/?section=keys"

    answer = console.post(reverse("rotate_key", args=[config.pk]), {"api_key": NEW, "next": page})

    assert answer.url == page
