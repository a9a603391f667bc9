"""Encryption with FERNET_KEYS: the newest encrypts, every one decrypts."""

from __future__ import annotations

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def seal(content: bytes) -> str:
    return _fernet().encrypt(content).decode()


def unseal(token: str, *, max_age: int | None = None) -> bytes:
    """What was sealed; raises cryptography's InvalidToken when no key opens it, or when it is older than
    `max_age` seconds."""
    return _fernet().decrypt(token.encode(), ttl=max_age)


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FERNET_KEYS])
