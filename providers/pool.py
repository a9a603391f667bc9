"""Adapters that are ready to be asked, kept per event loop.

All adapters of a loop share one set of HTTP connections: the key travels in each request's header, so a
connection belongs to no key. An adapter that is forgotten has therefore nothing to close, calls in flight go
on, and a changed key or address is simply another adapter.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from providers.adapters.base import AIProvider
from providers.adapters.transport import HttpClient
from providers.encryption import SealedValue
from providers.registry import ProviderFactory

# Per loop. More than the configs times models of any installation we can think of; each is some kilobytes.
MOST_ADAPTERS = 1024

_Identity = tuple[str, str, str, str, float]


@dataclass(slots=True)
class _Pool:
    http_client: HttpClient = field(default_factory=HttpClient)
    adapters: OrderedDict[_Identity, AIProvider] = field(default_factory=OrderedDict)


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool] = WeakKeyDictionary()
# Loops of several threads register here; inside a pool only its own loop's thread is at work.
_registering = threading.Lock()


def provider_for(
    *,
    provider_type: str,
    model_name: str,
    sealed_key: SealedValue | None = None,
    plain_key: str | None = None,
    base_url: str = "",
    timeout: float = 60.0,
) -> AIProvider:
    """The adapter for this account and model, on the running event loop. Do not close it.

    The key is decrypted when the adapter is made, not per call. `timeout` in seconds. Raises
    UndecryptableKey, and KeyError for a provider type that is not registered.
    """
    pool = _pool_of(asyncio.get_running_loop())
    identity = (provider_type, _key_identity(sealed_key, plain_key), model_name, base_url, timeout)
    adapter = pool.adapters.get(identity)
    if adapter is None:
        adapter = ProviderFactory.create_provider(
            provider_type,
            api_key=sealed_key.reveal() if sealed_key else plain_key or "",
            model_name=model_name,
            base_url=base_url,
            timeout=timeout,
            http_client=pool.http_client,
        )
        pool.adapters[identity] = adapter
        if len(pool.adapters) > MOST_ADAPTERS:
            pool.adapters.popitem(last=False)
    pool.adapters.move_to_end(identity)
    return adapter


async def close_connections() -> None:
    """Close the running loop's connections and forget its adapters. Calls still in flight fail."""
    with _registering:
        pool = _pools.pop(asyncio.get_running_loop(), None)
    if pool is not None:
        await pool.http_client.aclose()


def _pool_of(loop: asyncio.AbstractEventLoop) -> _Pool:
    pool = _pools.get(loop)
    if pool is None:
        with _registering:
            pool = _pools.setdefault(loop, _Pool())
    return pool


def _key_identity(sealed_key: SealedValue | None, plain_key: str | None) -> str:
    """Tells keys apart without holding one: the token, which changes with the key, or a digest."""
    if sealed_key is not None:
        return sealed_key.token
    return hashlib.sha256((plain_key or "").encode(errors="surrogatepass")).hexdigest()
