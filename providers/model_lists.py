"""Asking every vendor in use for its list of models, which is free, and keeping what the lists say."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from asgiref.sync import async_to_sync

from providers.adapters.base import CredentialCheck, ListedModel
from providers.credentials import check_credentials
from providers.errors import UndecryptableKey
from providers.matrix import Learned, learn
from providers.models import AIProviderConfig

# Vendors and servers asked at once.
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Refreshed:
    """`learned` by provider type; `silent` is (provider, sentence) for each one that gave no list."""

    learned: Mapping[str, Learned]
    silent: tuple[tuple[str, str], ...]


def refresh(*, now: datetime) -> Refreshed:
    """Ask the vendor of every active config; no transaction is open meanwhile. Synchronous.

    A vendor that does not answer leaves what is known of its models as it was.
    """
    configs = list(AIProviderConfig.objects.active())
    checks = async_to_sync(_ask_all)(configs)
    lists: dict[str, dict[int, Sequence[ListedModel]]] = defaultdict(dict)
    silent = []
    for config, check in zip(configs, checks, strict=True):
        lists[config.provider_type][config.pk] = check.listed
        if not check.listed:
            message = "Its list of models is empty." if check.is_valid else check.message
            silent.append((str(config), message))
    learned = {
        provider_type: learn(provider_type=provider_type, lists=of_type, now=now)
        for provider_type, of_type in sorted(lists.items())
    }
    return Refreshed(learned, tuple(silent))


async def _ask_all(configs: Sequence[AIProviderConfig]) -> list[CredentialCheck]:
    room = asyncio.Semaphore(AT_ONCE)

    async def ask(config: AIProviderConfig) -> CredentialCheck:
        async with room:
            return await _ask(config)

    return await asyncio.gather(*(ask(config) for config in configs))


async def _ask(config: AIProviderConfig) -> CredentialCheck:
    try:
        api_key = config.api_key_encrypted.reveal()
    except UndecryptableKey as error:
        return CredentialCheck(is_valid=False, message=error.message, latency_ms=0)
    return await check_credentials(
        provider_type=config.provider_type,
        api_key=api_key,
        base_url=config.base_url,
        timeout=config.timeout,
    )
