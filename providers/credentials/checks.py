"""Does this key work? Asked of the vendor itself, by listing models, which is free.

Only two hosts are ever called: the vendor's own, or the base URL of the config.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.concurrency import in_database_thread
from accounts.errors import DomainError
from providers.adapters.base import ListedModel
from providers.adapters.credential_check import CredentialCheck, Doubt
from providers.addresses import complaint_about
from providers.capabilities.matrix import learn
from providers.configs.flags import flag
from providers.credentials.keys import flaw_of
from providers.errors import UndecryptableKey
from providers.model_names import plain_name
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES, ProviderFactory

LONGEST_CHECK_SECONDS = 15.0


CHECKS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class CheckedConfig:
    """A config and what its check came to. It is in order when its key works, or when its server asks for
    none."""

    config_id: int
    name: str
    provider_type: str
    check: CredentialCheck

    @property
    def is_in_order(self) -> bool:
        return bool(self.check.is_valid) or self.check.doubt is Doubt.LIST_NEEDS_NO_KEY

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "config_id": self.config_id,
            "name": self.name,
            "provider_type": self.provider_type,
            "outcome": self.check.outcome,
            "is_in_order": self.is_in_order,
            "latency_ms": self.check.latency_ms,
            "message": self.check.message,
        }


class ConfigNotFound(DomainError):
    code = "provider_config_not_found"
    status = 404
    message = "There is no such provider configuration. Reload the list; it may have been deleted."


def validate_key_format(*, provider_type: str, api_key: str, base_url: str = "") -> str:
    """What is wrong with the look of this input, as a sentence for the person who typed it; empty if nothing.

    Keys are not checked against the vendor's pattern when a base URL is given: proxies and compatible servers
    issue keys of their own.
    """
    kind = PROVIDER_TYPES.get(provider_type)
    complaint = ""
    if kind is None:
        complaint = f"There is no provider type of this name. Choose one of: {', '.join(PROVIDER_TYPES)}."
    elif kind.base_url_required and not base_url:
        complaint = "Enter the server's base URL, for example http://127.0.0.1:11434/v1."
    elif complaint_about(base_url):
        complaint = complaint_about(base_url)
    elif not api_key:
        complaint = "" if kind.base_url_required else "Enter the API key."
    elif flaw := flaw_of(api_key):
        complaint = flaw
    elif not base_url and not kind.key_looks_right(api_key):
        complaint = f"This does not look like a key of {kind.label} ({kind.key_hint}). Copy it again."
    return complaint


async def check_credentials(
    *,
    provider_type: str,
    api_key: str,
    model_name: str = "",
    base_url: str = "",
    timeout: float = LONGEST_CHECK_SECONDS,  # noqa: ASYNC109 - the config's own, handed on to the adapter
) -> CredentialCheck:
    """Check input that is not saved yet, by free requests; by none if the format is wrong already.

    `timeout` in seconds, held to LONGEST_CHECK_SECONDS: a person is waiting. The message names a model the
    key may not use, and `lacks_model` says so.
    """
    if complaint := validate_key_format(provider_type=provider_type, api_key=api_key, base_url=base_url):
        return CredentialCheck(is_valid=False, message=complaint, latency_ms=0)
    adapter = ProviderFactory.create_provider(
        provider_type,
        api_key=api_key,
        model_name=model_name,
        base_url=base_url,
        timeout=min(timeout, LONGEST_CHECK_SECONDS),
    )
    async with aclosing(adapter):
        check = await adapter.validate_credentials()
    return _with_model_advice(_without_a_map(check), model_name)


async def list_models(config: AIProviderConfig) -> tuple[ListedModel, ...]:
    """The vendor's list for a stored key, by one request that costs nothing.

    Raises ProviderError, and UndecryptableKey.
    """
    adapter = ProviderFactory.create_provider(
        config.provider_type,
        api_key=config.api_key_encrypted.reveal(),
        model_name=config.model_name,
        base_url=config.base_url,
        timeout=min(config.timeout, LONGEST_CHECK_SECONDS),
    )
    async with aclosing(adapter):
        return await adapter.list_models()


async def test_config(config_id: int) -> CredentialCheck:
    """Check a saved config and record the outcome on it; success lifts its flag, a refusal sets it. What the
    vendor's list says of models goes into the capability matrix. Nothing is recorded on a config that has got
    another key or address meanwhile.

    Raises ConfigNotFound. A key that cannot be decrypted is a failed check, not an exception.
    """
    config = await in_database_thread(_load, config_id)
    check = await _check_of(config)
    await in_database_thread(_record, config, check)
    return check


async def check_all(*, is_recorded: bool) -> list[CheckedConfig]:
    """What `test_config` says of every active config, in the console's order; a few are asked at a time."""
    configs = await in_database_thread(lambda: list(AIProviderConfig.objects.active()))
    room = asyncio.Semaphore(CHECKS_AT_ONCE)

    async def checked(config: AIProviderConfig) -> CheckedConfig:
        async with room:
            check = await _check_of(config)
        if is_recorded:
            await in_database_thread(_record, config, check)
        return CheckedConfig(config.pk, str(config), config.provider_type, check)

    return await asyncio.gather(*(checked(config) for config in configs))


async def _check_of(config: AIProviderConfig) -> CredentialCheck:
    try:
        api_key = config.api_key_encrypted.reveal()
    except UndecryptableKey as error:
        return CredentialCheck(is_valid=False, message=error.message, latency_ms=0)
    return await check_credentials(
        provider_type=config.provider_type,
        api_key=api_key,
        model_name=config.model_name,
        base_url=config.base_url,
        timeout=config.timeout,
    )


def _load(config_id: int) -> AIProviderConfig:
    config = AIProviderConfig.objects.filter(id=config_id).first()
    if config is None:
        raise ConfigNotFound
    return config


def _record(tested: AIProviderConfig, check: CredentialCheck) -> None:
    if not check.is_lasting:
        return
    with transaction.atomic():
        # A key replaced while its predecessor was being tested has not been tested itself. Held, so that it
        # is not replaced between this look and the writing.
        same = AIProviderConfig.objects.filter(
            pk=tested.pk, api_key_encrypted=tested.api_key_encrypted, base_url=tested.base_url
        )
        config = same.select_for_update().first()
        if config is None:
            return
        config.record_test(is_valid=check.is_valid)
        learn(provider_type=config.provider_type, lists={config.pk: check.listed}, now=timezone.now())
        if check.is_valid is False:
            flag(config.pk, check.error_kind.value)


def _without_a_map(check: CredentialCheck) -> CredentialCheck:
    """One answer for everything that was not reached: closed ports, silent ones and unknown names told apart
    would be a map of the network this server stands in."""
    if check.doubt is not Doubt.UNREACHABLE:
        return check
    from providers.adapters import failures  # late: it loads the HTTP stack

    return replace(check, message=failures.not_reached("").message, latency_ms=0)


def _with_model_advice(check: CredentialCheck, model_name: str) -> CredentialCheck:
    shown = model_name.partition("@")[0].removeprefix("models/")
    name = plain_name(shown)
    listed = {plain_name(model) for model in check.models}
    if not check.is_lasting or not name or not listed or name in listed:
        return check
    if check.is_valid:
        message = f"The key works, but the provider does not list the model {shown} for it."
    else:
        message = f"{check.message} It does not list the model {shown}."
    return replace(check, message=message, lacks_model=True)
