"""Asking a vendor about a key on behalf of a person, who is told in words and entered in the audit trail.

A vendor may take seconds to answer: nothing here runs inside a transaction, and the same key is not asked
about twice at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from uuid import uuid4

from asgiref.sync import async_to_sync
from django.core.cache import cache
from redis.exceptions import RedisError

from accounts import audit
from accounts.audit import Actor
from accounts.errors import DomainError
from providers.adapters.credential_check import CredentialCheck, Doubt
from providers.configs.changes import KeyNeeded
from providers.credentials import checks
from providers.credentials.checks import LONGEST_CHECK_SECONDS, ConfigNotFound
from providers.errors import UndecryptableKey
from providers.models import AIProviderConfig

logger = logging.getLogger(__name__)

# Tests at once of one bulk action, and the most that one page waits for.
AT_ONCE = 8
MOST_TESTS = 24
BROKE_OFF = "Aditus failed at this test; the log says why. Nothing was changed."


class AlreadyTesting(DomainError):
    code = "already_testing"
    status = 409
    message = "This key is being tested right now. Wait for the result."


class KeyRefused(DomainError):
    code = "invalid_credentials_provider"
    status = 422
    message = "The provider refused this API key. Nothing was stored; check the key and enter it again."


class VendorUnreachable(DomainError):
    code = "provider_unreachable"
    status = 502
    message = "The provider could not be reached, so the key was not checked. Try again, or save it anyway."


class KeyNotChecked(DomainError):
    code = "key_not_checked"
    status = 502
    message = "The provider answered, but not about the key. Try again, or save it anyway."


class OtherApi(DomainError):
    code = "other_api"
    status = 422
    message = "The server does not speak this type's API. Choose another type, or save it anyway."


_NOT_STORED = "Nothing was stored; try again, or save it anyway."
_DOUBTS: dict[Doubt, type[DomainError]] = {
    Doubt.UNREACHABLE: VendorUnreachable,
    Doubt.UNCLEAR: KeyNotChecked,
    Doubt.OTHER_API: OtherApi,
}


def test(*, actor: Actor, config_id: int) -> CredentialCheck:
    """Test a stored config, keep the outcome on it and in the audit trail.

    Raises ConfigNotFound, and AlreadyTesting while another test of it runs.
    """
    config = _config(config_id)
    with _one_at_a_time(f"config:{config_id}"):
        check = async_to_sync(checks.test_config)(config_id)
    _enter(actor, "provider.tested", check, config=config)
    return check


def test_many(*, actor: Actor, config_ids: Sequence[int]) -> list[tuple[AIProviderConfig, CredentialCheck]]:
    """Test several, AT_ONCE at a time, each on its own; at most MOST_TESTS of them, in the order given."""
    found = AIProviderConfig.objects.in_bulk(list(config_ids)[:MOST_TESTS])
    configs = [found[config_id] for config_id in config_ids if config_id in found]
    checks = async_to_sync(_gather)([config.pk for config in configs])
    for config, check in zip(configs, checks, strict=True):
        _enter(actor, "provider.tested", check, config=config)
    return list(zip(configs, checks, strict=True))


def try_out(
    *,
    actor: Actor,
    provider_type: str,
    api_key: str,
    base_url: str = "",
    model_name: str = "",
    timeout: float = LONGEST_CHECK_SECONDS,
    config_id: int | None = None,
) -> CredentialCheck:
    """Check input that may not be saved yet. With a `config_id` and no `api_key`, the stored key is used,
    but only with the address it is stored with: else KeyNeeded. Raises ConfigNotFound and AlreadyTesting."""
    config = _config(config_id) if config_id is not None else None
    if config is not None:
        provider_type = config.provider_type
        try:
            api_key = api_key or _stored_key(config, base_url)
        except UndecryptableKey as error:
            return CredentialCheck(is_valid=False, message=error.message, latency_ms=0)
    with _one_at_a_time(f"user:{actor.user.pk if actor.user else actor.door}:{config_id}"):
        check = async_to_sync(checks.check_credentials)(
            provider_type=provider_type,
            api_key=api_key,
            base_url=base_url,
            model_name=model_name,
            timeout=timeout,
        )
    _enter(actor, "provider.credentials_checked", check, config=config, label=f"{provider_type} {base_url}")
    return check


def check_for_saving(
    *,
    actor: Actor,
    provider_type: str,
    api_key: str,
    base_url: str = "",
    model_name: str = "",
    timeout: float = LONGEST_CHECK_SECONDS,
    config_id: int | None = None,
    save_anyway: bool = False,
) -> CredentialCheck:
    """`try_out` for a key about to be stored: raises KeyRefused when the vendor or the format says no; and,
    unless `save_anyway`, VendorUnreachable, KeyNotChecked and OtherApi. A server whose list needs no key is
    no reason not to store one."""
    check = try_out(
        actor=actor,
        provider_type=provider_type,
        api_key=api_key,
        base_url=base_url,
        model_name=model_name,
        timeout=timeout,
        config_id=config_id,
    )
    if check.is_valid is False:
        raise KeyRefused(f"{check.message} Nothing was stored; check the key and enter it again.")
    if not check.is_lasting and not save_anyway:
        raise _DOUBTS[check.doubt](f"{check.message} {_NOT_STORED}")
    return check


def _config(config_id: int) -> AIProviderConfig:
    config = AIProviderConfig.objects.filter(pk=config_id).first()
    if config is None:
        raise ConfigNotFound
    return config


def _stored_key(config: AIProviderConfig, base_url: str) -> str:
    key: str = config.api_key_encrypted.reveal()
    if key and base_url != config.base_url:
        raise KeyNeeded
    return key


async def _gather(config_ids: list[int]) -> list[CredentialCheck]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(config_id: int) -> CredentialCheck:
        async with room:
            try:
                return await checks.test_config(config_id)
            except ConfigNotFound as error:
                return CredentialCheck(is_valid=None, message=error.message, latency_ms=0)
            except Exception:
                # A bug of ours at one server does not keep the others from being tested.
                logger.exception("The test of config %s broke off", config_id)
                return CredentialCheck(is_valid=None, message=BROKE_OFF, latency_ms=0)

    return await asyncio.gather(*(one(config_id) for config_id in config_ids))


@contextmanager
def _one_at_a_time(name: str) -> Iterator[None]:
    """Hold `name` for the block, in the cache that all processes share. Without the cache nothing is held:
    a test twice over costs a free request."""
    key, token = f"providers.key_checks:{name}", uuid4().hex
    may_run = True
    with suppress(RedisError):
        may_run = cache.add(key, token, timeout=LONGEST_CHECK_SECONDS + 5)
    if not may_run:
        raise AlreadyTesting
    try:
        yield
    finally:
        with suppress(RedisError):
            # Another's by now when this test outlived its time, and all along when `add` found no cache.
            if cache.get(key) == token:
                cache.delete(key)


def _enter(
    actor: Actor, action: str, check: CredentialCheck, *, config: AIProviderConfig | None, label: str = ""
) -> None:
    audit.record_alone(
        action=action,
        actor=actor,
        target=config,
        target_label="" if config else label,
        changes={"result": [None, check.message]},
        outcome="failed" if check.is_valid is False else "done",
    )
