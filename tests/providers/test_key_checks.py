"""A person asks about a key: once at a time, at its own address, and on the record."""

import threading

import pytest
from django.core.cache import cache, caches
from django.db import connection
from django.urls import reverse
from redis.exceptions import ConnectionError as RedisAway

from accounts.concurrency import in_database_thread
from accounts.models import AuditEntry
from providers.configs.changes import KeyNeeded
from providers.credentials import checks, trials
from tests.contract.vendors import Recorder
from tests.factories import make_config

pytestmark = pytest.mark.django_db
KEY = "sk-test-0123456789abcdef"


def test_it_tries_input_that_is_not_saved(actor, sandbox):
    check = trials.try_out(
        actor=actor, provider_type="openai", api_key=KEY, base_url=sandbox.openai, model_name="sandbox-mini"
    )

    entry = AuditEntry.objects.get(action="provider.credentials_checked")
    assert check.is_valid is True
    assert (entry.outcome, entry.changes) == ("done", {"result": [None, "The key works."]})


def test_it_puts_a_refusal_on_record_without_the_key(actor, sandbox):
    trials.try_out(
        actor=actor, provider_type="openai", api_key="sk-invalid-0123456789", base_url=sandbox.openai
    )

    entry = AuditEntry.objects.get(action="provider.credentials_checked")
    assert entry.outcome == "failed"
    assert "sk-invalid" not in f"{entry.changes} {entry.target_label}"


def test_it_uses_the_stored_key_at_its_stored_address(actor, sandbox):
    config = make_config(base_url=sandbox.openai)

    check = trials.try_out(
        actor=actor, provider_type="", api_key="", base_url=sandbox.openai, config_id=config.pk
    )

    assert check.is_valid is True


def test_it_sends_no_stored_key_anywhere_else(actor, sandbox):
    config = make_config(base_url="https://api.example.com/v1")

    with pytest.raises(KeyNeeded):
        trials.try_out(
            actor=actor, provider_type="", api_key="", base_url=sandbox.openai, config_id=config.pk
        )

    assert sandbox.hits()["model_lists"] == {}


def test_it_does_not_test_twice_at_once(actor, sandbox):
    config = make_config(base_url=sandbox.openai)
    cache.add(f"providers.key_checks:config:{config.pk}", "running", timeout=300)

    with pytest.raises(trials.AlreadyTesting):
        trials.test(actor=actor, config_id=config.pk)

    cache.delete(f"providers.key_checks:config:{config.pk}")
    assert sandbox.hits()["model_lists"] == {}


@pytest.mark.django_db(transaction=True)
def test_a_double_click_asks_the_vendor_once(actor, monkeypatch):
    # However long the other click takes to be refused, the vendor answers after it.
    for module in (checks, trials):
        monkeypatch.setattr(module, "LONGEST_CHECK_SECONDS", 300.0)
    refused = threading.Event()

    def click(config):
        try:
            trials.test(actor=actor, config_id=config.pk)
        except trials.AlreadyTesting:
            refused.set()
        finally:
            connection.close()

    with Recorder(reply_after=refused) as vendor:
        config = make_config(base_url=vendor.url, timeout=300)
        clicks = [threading.Thread(target=click, args=[config]) for _ in range(2)]
        for thread in clicks:
            thread.start()
        for thread in clicks:
            thread.join()

    assert refused.is_set()
    assert len(vendor.requests) == 1


def test_it_still_tests_while_the_cache_is_away(actor, sandbox, monkeypatch):
    config = make_config(base_url=sandbox.openai)

    # The cache is the seam: taking a real Redis away mid-test would hit the tests beside this one.
    def away(*args, **kwargs):
        raise RedisAway

    for method in ("add", "get", "delete"):
        monkeypatch.setattr(type(caches["default"]), method, away)

    check = trials.try_out(
        actor=actor, provider_type="", api_key="", base_url=sandbox.openai, config_id=config.pk
    )

    assert check.is_valid is True


@pytest.mark.django_db(transaction=True)
def test_it_leaves_nothing_behind_that_says_it_runs(actor, sandbox):
    config = make_config(base_url=sandbox.openai)

    for _ in range(2):
        assert trials.test(actor=actor, config_id=config.pk).is_valid is True


@pytest.fixture
def while_asking(monkeypatch):
    """Has `change` called while the vendor is being asked."""

    def arrange(change):
        ask = checks.test_config

        async def asked(config_id):
            await in_database_thread(change)
            return await ask(config_id)

        monkeypatch.setattr(checks, "test_config", asked)

    return arrange


@pytest.mark.django_db(transaction=True)
def test_a_test_that_outlives_its_time_does_not_end_the_next_one(actor, sandbox, while_asking):
    config = make_config(base_url=sandbox.openai)
    name = f"providers.key_checks:config:{config.pk}"

    def expire_and_begin_the_next():
        assert cache.delete(name)
        assert cache.add(name, "the next", timeout=300)

    while_asking(expire_and_begin_the_next)

    trials.test(actor=actor, config_id=config.pk)

    assert cache.get(name) == "the next"


@pytest.mark.django_db(transaction=True)
def test_a_test_that_did_not_find_the_cache_does_not_end_another(actor, sandbox, monkeypatch):
    config = make_config(base_url=sandbox.openai)
    name = f"providers.key_checks:config:{config.pk}"
    cache.set(name, "another", timeout=300)

    def away(*args, **kwargs):
        raise RedisAway

    monkeypatch.setattr(type(caches["default"]), "add", away)

    assert trials.test(actor=actor, config_id=config.pk).is_valid is True
    assert cache.get(name) == "another"


def test_a_refused_key_is_not_for_saving(actor, sandbox):
    with pytest.raises(trials.KeyRefused):
        trials.check_for_saving(
            actor=actor,
            provider_type="openai",
            api_key="sk-invalid-0123456789",
            base_url=sandbox.openai,
            save_anyway=True,
        )


def test_an_unreachable_vendor_holds_a_key_up_until_told_otherwise(actor, unused_tcp_port):
    typed = {
        "actor": actor,
        "provider_type": "openai",
        "api_key": KEY,
        "base_url": f"http://127.0.0.1:{unused_tcp_port}/v1",
    }

    with pytest.raises(trials.VendorUnreachable):
        trials.check_for_saving(**typed)

    assert trials.check_for_saving(**typed, save_anyway=True).is_valid is None


def test_the_button_of_the_form_answers_in_place(console, sandbox):
    url = reverse("admin:providers_aiproviderconfig_check")
    typed = {"provider_type": "openai", "api_key": KEY, "base_url": sandbox.openai}

    good = console.post(url, typed).json()
    bad = console.post(url, typed | {"api_key": "sk-invalid-0123456789"}).json()

    assert (good["is_valid"], good["message"]) == (True, "The key works.")
    assert "sandbox-mini" in good["models"]
    assert bad["is_valid"] is False


def test_the_button_of_the_form_knows_no_stored_key(console, sandbox):
    config = make_config(base_url="https://api.example.com/v1")
    url = reverse("admin:providers_aiproviderconfig_check")
    typed = {"provider_type": "openai", "base_url": sandbox.openai, "model_name": "m"}

    answer = console.post(url, typed | {"config_id": config.pk})

    assert answer.json()["is_valid"] is False
    assert sandbox.hits()["total"] == 0


def answering(*, models, api=(404, b"{}")):
    def respond(_method, path, _key):
        return models if path.partition("?")[0].endswith("/models") else api

    return Recorder(respond=respond)


LIST = (200, b'{"data": [{"id": "m"}]}')


@pytest.mark.parametrize(
    ("models", "refusal", "words"),
    [
        ((200, b"<html>"), trials.KeyNotChecked, "not in its own format"),
        ((500, b"{}"), trials.KeyNotChecked, "failed internally"),
        ((404, b"{}"), trials.KeyNotChecked, "the base URL is wrong"),
        (LIST, trials.OtherApi, "no Responses API"),
    ],
    ids=["page", "outage", "no list", "chat completions only"],
)
def test_an_answer_that_is_not_about_the_key_holds_it_up_until_told_otherwise(actor, models, refusal, words):
    with answering(models=models) as server:
        typed = {"actor": actor, "provider_type": "openai", "api_key": KEY, "base_url": server.url}

        with pytest.raises(refusal) as raised:
            trials.check_for_saving(**typed)

        assert words in raised.value.message
        assert "Nothing was stored" in raised.value.message
        assert "could not be reached" not in raised.value.message
        assert trials.check_for_saving(**typed, save_anyway=True).is_valid is None


def test_a_server_whose_list_needs_no_key_holds_no_key_up(actor):
    with answering(models=LIST) as server:
        check = trials.check_for_saving(actor=actor, provider_type="local", api_key=KEY, base_url=server.url)

    assert (check.is_valid, check.outcome) == (None, "list_needs_no_key")


@pytest.mark.django_db(transaction=True)
def test_a_bug_at_one_server_keeps_no_other_from_being_tested(actor, sandbox, monkeypatch):
    broken, sound = make_config(base_url=sandbox.openai), make_config(base_url=sandbox.openai)

    async def test_config(config_id):
        if config_id == broken.pk:
            raise KeyError("a bug")
        return await plain(config_id)

    plain = checks.test_config
    monkeypatch.setattr(checks, "test_config", test_config)

    tested = trials.test_many(actor=actor, config_ids=[broken.pk, sound.pk])

    assert [check.is_valid for _, check in tested] == [None, True]
    assert "Aditus failed" in tested[0][1].message
