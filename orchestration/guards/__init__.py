"""Circuit breakers, rates, concurrency and claims, shared by all processes where there is a Redis."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from orchestration.guards.base import GuardStore
from orchestration.guards.fallback import FallbackGuards
from orchestration.guards.memory import MemoryGuards


def get_guards() -> GuardStore:
    """This process's view of the guards: in REDIS_URL, or in memory without one."""
    return _guards(settings.REDIS_URL, settings.REDIS_KEY_PREFIX)


@lru_cache(maxsize=4)
def _guards(url: str, prefix: str) -> GuardStore:
    if not url:
        return MemoryGuards()
    from orchestration.guards.redis import RedisGuards

    return FallbackGuards(RedisGuards(url, prefix), MemoryGuards())
