"""One probe: the vendor's list of models, which costs no tokens and no money."""

from __future__ import annotations

import time
from dataclasses import dataclass

from orchestration.snapshot import ProviderSnapshot
from providers.adapters.base import Doubt
from providers.adapters.failures import MESSAGES
from providers.adapters.key_proof import weighed
from providers.capabilities import plain_name
from providers.errors import ErrorKind, ProviderError, UndecryptableKey
from providers.pool import provider_for

# Seconds. Lists come from a cache at most vendors; one that takes longer is in trouble.
PATIENCE = 10.0

WORKS = "The vendor answered."
NO_LIST = "There is no list of models at this address, so a probe can tell nothing. Calls may work."
TOO_OFTEN = "The vendor's rate limit was reached, so the probe could tell nothing."
MAY_NOT_LIST = "The key may not list models, but calls with it succeed."
NOT_UNDERSTOOD = "The vendor did not accept the probe, which says nothing about calls."

# What the vendor did says nothing about how it would treat a call.
_UNTOLD: dict[ErrorKind, str] = {
    ErrorKind.NOT_FOUND: NO_LIST,
    ErrorKind.RATE_LIMITED: TOO_OFTEN,
    ErrorKind.BAD_REQUEST: NOT_UNDERSTOOD,
    ErrorKind.TOO_LARGE: NOT_UNDERSTOOD,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`is_up` None: nobody can tell. `error_kind` is an ErrorKind, UndecryptableKey's code, or empty;
    `latency_ms` is None when nothing was sent; `listed` are plain names of models; `doubt` is why
    the list proves nothing of the key, where that was asked."""

    is_up: bool | None
    error_kind: str = ""
    latency_ms: int | None = None
    listed: frozenset[str] = frozenset()
    doubt: Doubt | None = None

    @property
    def message(self) -> str:
        return sentence_of(self.is_up, self.error_kind)

    @property
    def refuses(self) -> bool:
        """Whether the key or the account needs a person."""
        return self.is_up is False and self.error_kind in (ErrorKind.AUTH, ErrorKind.BILLING)


async def ask(provider: ProviderSnapshot, *, is_serving: bool, wants_proof: bool = False) -> Finding:
    """Ask for the list; no request takes longer than PATIENCE. `is_serving`: calls to this provider have
    succeeded just now. `wants_proof`: ask as well whether the list says anything about the key."""
    started = time.perf_counter()
    try:
        adapter = provider_for(
            provider_type=provider.provider_type,
            sealed_key=provider.sealed_key,
            plain_key=provider.plain_key,
            model_name=provider.fast_model,
            base_url=provider.base_url,
            timeout=min(provider.timeout, PATIENCE),
        )
        listed = await adapter.list_models()
        latency_ms = _since(started)
        proof = await weighed(adapter, listed) if wants_proof else None
    except UndecryptableKey as error:
        return Finding(is_up=False, error_kind=error.code)
    except ProviderError as error:
        return Finding(_verdict(error, is_serving), error.kind.value, _since(started))
    if proof is not None and proof.is_valid is False:
        return Finding(is_up=False, error_kind=proof.error_kind.value, latency_ms=latency_ms)
    return Finding(
        True,
        "",
        latency_ms,
        frozenset(plain_name(model.name) for model in listed),
        doubt=proof.doubt if proof is not None and proof.is_valid is None else None,
    )


def sentence_of(is_up: bool | None, error_kind: str) -> str:  # noqa: FBT001 - a fact, not a switch
    """What came of a probe, for a person."""
    if is_up:
        return WORKS
    if error_kind == UndecryptableKey.code:
        return UndecryptableKey.message
    kind = ErrorKind(error_kind)
    if is_up is None:
        return MAY_NOT_LIST if kind is ErrorKind.AUTH else _UNTOLD[kind]
    return MESSAGES[kind]


def _verdict(error: ProviderError, is_serving: bool) -> bool | None:  # noqa: FBT001
    if error.kind in _UNTOLD:
        return None
    # Vendors sell keys that may generate and not list; they answer 403, where a wrong key is a 401.
    may_not_list = error.kind is ErrorKind.AUTH and error.status_code == 403 and is_serving
    return None if may_not_list else False


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
