"""Testing a key, before it is saved and after."""

import asyncio
import threading

import pytest

from accounts.concurrency import in_database_thread
from providers.configs import changes
from providers.credentials import checks
from providers.encryption import SealedValue
from providers.models import AIProviderConfig, ModelCapability
from tests.contract.vendors import KEYS, Recorder
from tests.factories import make_config
from tests.waiting import PATIENCE_SECONDS, until


@pytest.mark.parametrize("provider_type", sorted(KEYS))
def test_keys_of_the_right_shape_are_accepted(provider_type):
    base_url = "http://127.0.0.1:8089/v1" if provider_type == "local" else ""

    complaint = checks.validate_key_format(
        provider_type=provider_type, api_key=KEYS[provider_type], base_url=base_url
    )

    assert complaint == ""


@pytest.mark.parametrize(
    ("provider_type", "api_key", "base_url", "complaint"),
    [
        ("openai", "", "", "Enter the API key."),
        ("openai", "AIzaSyD0123456789012345678901234567890", "", "does not look like a key of OpenAI"),
        ("claude", "sk-0123456789abcdef", "", "does not look like a key of Anthropic Claude"),
        ("gemini", "short", "", "does not look like a key of Google Gemini"),
        ("openai", "sk-0123456789 abcdef", "", "space"),
        ("openai", "sk-0123456789abcdef\n", "", "line break"),
        ("openai", "sk-0123456789abcdéf", "", "letter that no key has"),
        ("local", '"0123456789abcdef"', "http://127.0.0.1:1/v1", "in quotes"),
        ("openai", "'sk-0123456789abcdef", "", "in quotes"),
        ("local", "anything", "", "base URL"),
        ("bard", "anything", "", "no provider type"),
    ],
)
def test_input_that_cannot_work_is_refused_in_words(provider_type, api_key, base_url, complaint):
    said = checks.validate_key_format(provider_type=provider_type, api_key=api_key, base_url=base_url)

    assert complaint in said
    assert not api_key or api_key not in said


def test_a_proxy_may_issue_keys_of_its_own():
    assert not checks.validate_key_format(
        provider_type="openai", api_key="team-7-token", base_url="https://proxy.example/v1"
    )


def test_a_server_without_keys_needs_none():
    assert not checks.validate_key_format(
        provider_type="local", api_key="", base_url="http://127.0.0.1:11434/v1"
    )


@pytest.mark.parametrize("provider_type", sorted(KEYS))
async def test_unsaved_input_is_checked_with_the_vendor(sandbox, provider_type):
    check = await checks.check_credentials(
        provider_type=provider_type,
        api_key=KEYS[provider_type],
        base_url=sandbox.base_url(provider_type),
        model_name="sandbox-mini",
    )

    assert check.is_valid is True
    assert check.message == "The key works."
    assert sandbox.hits()["total"] == 0


async def test_a_wrong_format_asks_nobody(sandbox):
    check = await checks.check_credentials(
        provider_type="openai", api_key="two words", base_url=sandbox.openai
    )

    assert check.is_valid is False
    assert sandbox.hits()["model_lists"] == {}


async def test_a_model_the_key_may_not_use_is_named(sandbox):
    check = await checks.check_credentials(
        provider_type="openai", api_key=KEYS["openai"], base_url=sandbox.openai, model_name="gpt-99"
    )

    assert check.is_valid is True
    assert "does not list the model gpt-99" in check.message


async def test_nobody_there_is_neither_good_nor_bad(unused_tcp_port):
    check = await checks.check_credentials(
        provider_type="local", api_key="x", base_url=f"http://127.0.0.1:{unused_tcp_port}/v1"
    )

    assert check.is_valid is None
    assert check.message == "The provider could not be reached."


@pytest.mark.django_db(transaction=True)
async def test_a_working_key_is_recorded_and_lifts_the_flag(sandbox):
    config = await in_database_thread(make_config, base_url=sandbox.openai, model_name="sandbox-mini")
    await in_database_thread(AIProviderConfig.flag, config.pk, "auth")

    check = await checks.test_config(config.pk)

    await in_database_thread(config.refresh_from_db)
    assert check.is_valid is True
    assert (config.last_test_success, config.flagged_at, config.flag_reason) == (True, None, "")
    assert config.last_tested_at is not None


@pytest.mark.django_db(transaction=True)
async def test_a_refused_key_is_recorded_and_flags_the_config(sandbox):
    config = await in_database_thread(make_config, api_key="sk-invalid-0123456789", base_url=sandbox.openai)

    check = await checks.test_config(config.pk)

    await in_database_thread(config.refresh_from_db)
    assert check.is_valid is False
    assert config.last_test_success is False
    assert config.flag_reason == "auth"


@pytest.mark.django_db(transaction=True)
async def test_an_outage_leaves_the_record_as_it_was(sandbox):
    config = await in_database_thread(make_config, base_url=sandbox.openai)
    sandbox.fault("server", on="models")

    check = await checks.test_config(config.pk)

    await in_database_thread(config.refresh_from_db)
    assert check.is_valid is None
    assert (config.last_tested_at, config.last_test_success, config.flagged_at) == (None, None, None)


@pytest.mark.django_db(transaction=True)
async def test_what_the_old_address_says_is_not_held_against_the_new_one(actor, monkeypatch):
    monkeypatch.setattr(checks, "LONGEST_CHECK_SECONDS", PATIENCE_SECONDS)
    moved = threading.Event()
    with Recorder(status=401, reply_after=moved) as old:
        config = await in_database_thread(
            make_config, provider_type="local", api_key="", base_url=f"{old.url}/v1", timeout=PATIENCE_SECONDS
        )
        test = asyncio.create_task(checks.test_config(config.pk))
        await until(lambda: old.requests)
        fields = {"base_url": "http://127.0.0.1:9/v1"}
        await in_database_thread(changes.update, actor=actor, config_id=config.pk, fields=fields)
        moved.set()

        assert (await test).is_valid is False

    await in_database_thread(config.refresh_from_db)
    assert (config.last_test_success, config.flag_reason) == (None, "")


@pytest.mark.django_db(transaction=True)
async def test_a_key_that_cannot_be_decrypted_is_a_failed_test_of_that_config_only(sandbox):
    broken = await in_database_thread(make_config, base_url=sandbox.openai)
    sound = await in_database_thread(make_config, base_url=sandbox.openai)
    broken.api_key_encrypted = SealedValue("gAAAAAB-made-with-a-key-that-is-gone")
    await in_database_thread(broken.save)

    check = await checks.test_config(broken.pk)

    assert check.is_valid is False
    assert "Re-enter the key" in check.message
    assert (await checks.test_config(sound.pk)).is_valid is True


@pytest.mark.django_db(transaction=True)
async def test_a_config_that_is_gone_is_said_to_be_gone():
    with pytest.raises(checks.ConfigNotFound):
        await checks.test_config(4711)


LIST = b'{"object": "list", "data": [{"id": "m", "object": "model"}]}'


@pytest.mark.django_db(transaction=True)
async def test_a_list_for_every_key_is_recorded_as_reached_and_lifts_no_flag():
    with Recorder(status=200, body=LIST) as public:
        config = await in_database_thread(make_config, provider_type="local", base_url=public.url)
        await in_database_thread(config.record_test, is_valid=True)
        await in_database_thread(AIProviderConfig.flag, config.pk, "auth")

        check = await checks.test_config(config.pk)

    await in_database_thread(config.refresh_from_db)
    assert check.outcome == "list_needs_no_key"
    assert (config.last_test_success, config.flag_reason) == (None, "auth")
    assert config.last_tested_at > config.proven_at
    assert [row.model_name async for row in ModelCapability.objects.all()] == ["m"]


@pytest.mark.django_db(transaction=True)
async def test_an_unpaid_account_is_flagged_as_that(sandbox):
    config = await in_database_thread(make_config, base_url=sandbox.openai)
    sandbox.fault("billing", on="models")

    check = await checks.test_config(config.pk)

    await in_database_thread(config.refresh_from_db)
    assert (check.is_valid, config.flag_reason) == (False, "billing")


async def test_a_model_that_a_list_for_every_key_lacks_is_named():
    with Recorder(status=200, body=LIST) as public:
        check = await checks.check_credentials(
            provider_type="local", api_key="x", base_url=public.url, model_name="models/N"
        )
        known = await checks.check_credentials(
            provider_type="local", api_key="x", base_url=public.url, model_name="models/M"
        )

    assert check.message.endswith("It does not list the model N.")
    assert "does not list" not in known.message
