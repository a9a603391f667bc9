"""Adapters are kept; connections are shared; a changed key is another adapter."""

import asyncio

import pytest

from providers import pool
from providers.adapters.base import GenerationRequest
from providers.encryption import SealedValue
from providers.errors import UndecryptableKey
from tests.waiting import until

KEY = "sk-test-0123456789abcdef"


@pytest.fixture(autouse=True)
async def closed_connections():
    yield
    await pool.close_connections()


def adapter(**overrides):
    fields = {"provider_type": "openai", "plain_key": KEY, "model_name": "sandbox-mini", "timeout": 300}
    return pool.provider_for(**fields | overrides)


async def test_it_hands_out_the_same_adapter_for_the_same_account_and_model():
    assert adapter() is adapter()


@pytest.mark.parametrize(
    "change",
    [
        {"plain_key": "sk-test-another-key-0000"},
        {"model_name": "sandbox-large"},
        {"base_url": "http://127.0.0.1:9/v1"},
        {"timeout": 20},
        {"provider_type": "claude"},
    ],
)
async def test_any_change_is_another_adapter(change):
    assert adapter(**change) is not adapter()


async def test_a_rotated_key_is_used_from_the_next_call_on(sandbox):
    old = SealedValue.seal("sk-invalid-0123456789")
    new = SealedValue.seal(KEY)

    before = await adapter(plain_key=None, sealed_key=old, base_url=sandbox.openai).validate_credentials()
    after = await adapter(plain_key=None, sealed_key=new, base_url=sandbox.openai).validate_credentials()

    assert (before.is_valid, after.is_valid) == (False, True)


async def test_a_key_is_decrypted_once_per_adapter(monkeypatch):
    sealed = SealedValue.seal(KEY)
    reveals = []
    # The one seam that tells how often the key was opened; everything else is real.
    monkeypatch.setattr(SealedValue, "reveal", lambda self: reveals.append(self) or KEY)

    for _ in range(5):
        adapter(plain_key=None, sealed_key=sealed)

    assert len(reveals) == 1


async def test_a_key_that_cannot_be_decrypted_is_refused_before_anything_is_sent():
    with pytest.raises(UndecryptableKey):
        adapter(plain_key=None, sealed_key=SealedValue("gAAAAAB-not-a-token"))


async def test_it_forgets_the_adapter_longest_unused(monkeypatch):
    monkeypatch.setattr(pool, "MOST_ADAPTERS", 2)
    first, second = adapter(model_name="a"), adapter(model_name="b")
    adapter(model_name="a")

    adapter(model_name="c")

    assert adapter(model_name="a") is first
    assert adapter(model_name="b") is not second


async def test_a_forgotten_adapter_finishes_its_call(sandbox, monkeypatch):
    monkeypatch.setattr(pool, "MOST_ADAPTERS", 1)
    slow = adapter(model_name="sandbox-mini@slow=0.3", base_url=sandbox.openai)
    call = asyncio.create_task(slow.generate_content(GenerationRequest(prompt="Title: Welder")))
    await until(lambda: sandbox.hits()["total"] == 1)

    adapter(model_name="another")
    reply = await call

    assert "Welder" in reply.text


def test_two_event_loops_never_share_connections(sandbox):
    async def ask():
        mine = adapter(base_url=sandbox.openai)
        await mine.generate_content(GenerationRequest(prompt="Title: Welder"))
        await pool.close_connections()
        return mine

    first, second = asyncio.run(ask()), asyncio.run(ask())

    assert first is not second
    assert sandbox.hits()["by_status"] == {"200": 2}


async def test_adapters_of_different_keys_share_connections(sandbox):
    one, other = (
        adapter(base_url=sandbox.openai),
        adapter(base_url=sandbox.openai, plain_key="sk-test-other-0000"),
    )

    assert one._http is other._http
    await one.aclose()
    reply = await other.generate_content(GenerationRequest(prompt="Title: Welder"))
    assert "Welder" in reply.text
