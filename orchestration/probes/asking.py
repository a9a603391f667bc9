"""One probe: the vendor's list of models, which costs no tokens and no money."""

from __future__ import annotations

import time
from dataclasses import dataclass

from orchestration.routing.snapshot import ProviderSnapshot
from providers.adapters.credential_check import Doubt
from providers.adapters.key_proof import weighed
from providers.errors import ErrorKind, ProviderError, UndecryptableKey
from providers.model_names import plain_name
from providers.pool import provider_for

# Seconds. Lists come from a cache at most vendors; one that takes longer is in trouble.
PATIENCE = 10.0

WORKS = "The vendor answered."
MAY_NOT_LIST = "The key may not list models, but calls with it succeed."


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
        if self.is_up is not False or self.error_kind == UndecryptableKey.code:
            return False
        return ErrorKind(self.error_kind).meaning.refuses_account


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
    meaning = ErrorKind(error_kind).meaning
    return (meaning.untold or MAY_NOT_LIST) if is_up is None else meaning.message


def _verdict(error: ProviderError, is_serving: bool) -> bool | None:  # noqa: FBT001
    if error.meaning.untold:
        return None
    # Vendors sell keys that may generate and not list; they answer 403, where a wrong key is a 401.
    may_not_list = error.meaning.refuses_account and error.status_code == 403 and is_serving
    return None if may_not_list else False


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
