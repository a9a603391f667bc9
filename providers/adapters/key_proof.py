"""Whether a key works, by requests that cost nothing.

A list of models proves a key only where it is not given to everybody: servers without keys, and gateways
that show their list to the world, give it to any key. So a key that got the list is compared with one that is
certainly wrong. No key at all would be the lesser test: some servers show the list to nobody in particular
and yet refuse a wrong key, others want any key and look at none.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from providers.adapters.base import AIProvider, ListedModel
from providers.adapters.credential_check import CredentialCheck, Doubt
from providers.adapters.refusals import ON_THE_WAY
from providers.errors import ProviderError

WORKS = "The key works."
LIST_NEEDS_NO_KEY = "Reachable; the list needs no key, so only a call shows whether this one works."
NO_KEY_SET = "Reachable; the list needs no key, and none is set. Only a call shows whether calls need one."
UNDECIDED = "The server gave its list, but not whether it gives it to a wrong key as well. Test again."


async def checked(adapter: AIProvider) -> CredentialCheck:
    """Ask for the list with the adapter's key, then whether that meant anything; within its timeout."""
    started = time.monotonic()
    deadline = asyncio.get_running_loop().time() + adapter.timeout
    try:
        listed = await adapter.list_models()
    except ProviderError as error:
        return _failed(error, _since(started))
    latency_ms = _since(started)
    try:
        async with asyncio.timeout_at(deadline):
            check = await weighed(adapter, listed)
    except TimeoutError:
        check = _doubtful(Doubt.UNCLEAR, UNDECIDED, listed)
    return replace(check, latency_ms=latency_ms)


async def weighed(adapter: AIProvider, listed: tuple[ListedModel, ...]) -> CredentialCheck:
    """What it means for the adapter's key that the server gave it this list."""
    try:
        complaint = await adapter.missing_api()
    except ProviderError as error:
        if error.meaning.refuses_account:
            return replace(_failed(error, 0), listed=listed)
        complaint = ""
    if complaint:
        return _doubtful(Doubt.OTHER_API, complaint, listed)
    stranger = adapter.with_wrong_key()
    if stranger is None:
        return _doubtful(Doubt.LIST_NEEDS_NO_KEY, NO_KEY_SET, listed)
    try:
        await stranger.list_models()
    except ProviderError as error:
        if not _turns_away(error):
            return _doubtful(Doubt.UNCLEAR, UNDECIDED, listed)
        return CredentialCheck(is_valid=True, message=WORKS, latency_ms=0, listed=listed)
    return _doubtful(Doubt.LIST_NEEDS_NO_KEY, LIST_NEEDS_NO_KEY, listed)


def _turns_away(error: ProviderError) -> bool:
    """Whether a server that gave the list to one key refused it to another, by any status that says so: they
    answer a wrong key with 400, 401, 403, 404 or the address of a page to log in."""
    status = error.status_code or 0
    # A server in trouble, or something on the way to it, treats every key alike.
    is_trouble = error.meaning.breaker == "cools" or error.meaning.cost != "nothing" or status in ON_THE_WAY
    return error.meaning.refuses_account or (300 <= status < 500 and not is_trouble)


def _failed(error: ProviderError, latency_ms: int) -> CredentialCheck:
    # Only a refusal of the key or the account says something about it.
    is_valid = False if error.meaning.refuses_account else None
    is_silent = error.status_code is None and error.meaning.cost == "if_unanswered"
    doubt = Doubt.UNREACHABLE if is_silent else Doubt.UNCLEAR
    return CredentialCheck(
        is_valid=is_valid, message=error.message, latency_ms=latency_ms, doubt=doubt, error_kind=error.kind
    )


def _doubtful(doubt: Doubt, message: str, listed: tuple[ListedModel, ...]) -> CredentialCheck:
    return CredentialCheck(is_valid=None, message=message, latency_ms=0, listed=listed, doubt=doubt)


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
