"""Asking every vendor in use for its list of models, which is free, and keeping what the lists say."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from asgiref.sync import async_to_sync

from providers.adapters.base import ListedModel
from providers.capabilities.matrix import Learned, learn
from providers.credentials.checks import list_models
from providers.errors import ProviderError, UndecryptableKey
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES

logger = logging.getLogger(__name__)

# Vendors and servers asked at once.
AT_ONCE = 8
EMPTY = "Its list of models is empty."
BROKE_OFF = "Aditus failed at its list; the log says why."


# A list, or why there is none.
_Answer = tuple[tuple[ListedModel, ...], str]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """`learned` by provider type; `silent` is (provider, sentence) for each one that gave no list."""

    learned: Mapping[str, Learned]
    silent: tuple[tuple[str, str], ...]


def refresh(*, now: datetime) -> Refreshed:
    """Ask the vendor of every active config; no transaction is open meanwhile. Synchronous.

    A vendor that does not answer leaves what is known of its models as it was, and the others to be heard.
    """
    configs = list(AIProviderConfig.objects.active())
    answers = async_to_sync(_ask_all)(configs)
    lists: dict[str, dict[int, Sequence[ListedModel]]] = defaultdict(dict)
    silent = []
    for config, (listed, complaint) in zip(configs, answers, strict=True):
        lists[config.provider_type][config.pk] = listed
        if complaint:
            silent.append((str(config), complaint))
    learned = {}
    for provider_type, of_type in sorted(lists.items()):
        try:
            learned[provider_type] = learn(provider_type=provider_type, lists=of_type, now=now)
        except Exception:
            logger.exception("The lists of provider type %s were not kept", provider_type)
            silent.append((PROVIDER_TYPES[provider_type].label, BROKE_OFF))
    return Refreshed(learned, tuple(silent))


async def _ask_all(configs: Sequence[AIProviderConfig]) -> list[_Answer]:
    room = asyncio.Semaphore(AT_ONCE)

    async def ask(config: AIProviderConfig) -> _Answer:
        async with room:
            return await _ask(config)

    return await asyncio.gather(*(ask(config) for config in configs))


async def _ask(config: AIProviderConfig) -> _Answer:
    try:
        listed = await list_models(config)
    except (ProviderError, UndecryptableKey) as error:
        return (), error.message
    except Exception:
        logger.exception("The list of config %s could not be read", config.pk)
        return (), BROKE_OFF
    return listed, "" if listed else EMPTY
