"""Encryption with FERNET_KEYS: the newest encrypts, every one decrypts."""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def seal(content: bytes) -> str:
    return _fernet(*settings.FERNET_KEYS).encrypt(content).decode()


def unseal(token: str, *, max_age: int | None = None) -> bytes:
    """What was sealed; raises cryptography's InvalidToken when no key opens it, or when it is older than
    `max_age` seconds."""
    return _fernet(*settings.FERNET_KEYS).decrypt(token.encode(), ttl=max_age)


def resealed(token: str) -> str:
    """The same content under the newest key; raises InvalidToken like `unseal`."""
    return _fernet(*settings.FERNET_KEYS).rotate(token.encode()).decode()


def is_under_newest_key(token: str) -> bool:
    """Whether the newest key alone opens it."""
    try:
        _fernet(settings.FERNET_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


@lru_cache(maxsize=4)
def _fernet(*keys: str) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
