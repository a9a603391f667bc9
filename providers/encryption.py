"""API keys at rest: a model field that holds ciphertext and yields a sealed value.

Decrypting is an explicit act (`SealedValue.reveal()`), never a side effect of loading a row: a list page with
one row that cannot be decrypted still loads, and joins never handle plaintext.
"""

from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from django.db import models

from accounts.models.sealed import SealedField
from accounts.sealing import resealed, seal, unseal
from providers.errors import UndecryptableKey
from providers.redaction import remember_secret


class SealedValue:
    """A Fernet token. Prints as dots, compares by token, and cannot be pickled into a cache or a task."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    @classmethod
    def seal(cls, plaintext: str) -> SealedValue:
        """Encrypt with the newest of FERNET_KEYS."""
        remember_secret(plaintext)
        return cls(seal(plaintext.encode()))

    def reveal(self) -> str:
        """The plaintext. Raises UndecryptableKey when no key of FERNET_KEYS opens the token."""
        try:
            plaintext = unseal(self.token).decode()
        except InvalidToken:
            raise UndecryptableKey from None
        remember_secret(plaintext)
        return plaintext

    def rotated(self) -> SealedValue:
        """The same plaintext under the newest key. Raises UndecryptableKey like `reveal`."""
        try:
            return SealedValue(resealed(self.token))
        except InvalidToken:
            raise UndecryptableKey from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SealedValue) and other.token == self.token

    def __hash__(self) -> int:
        return hash(self.token)

    def __bool__(self) -> bool:
        return bool(self.token)

    def __repr__(self) -> str:
        return "<sealed>"

    __str__ = __repr__

    def __reduce__(self) -> Any:
        raise TypeError("A sealed value is not serialisable; store the row's id instead.")

    def __copy__(self) -> SealedValue:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SealedValue:
        return self


class SealedTextField(SealedField):
    """Stores a SealedValue's token. Refuses a plain string on save, so that plaintext cannot slip in."""

    description = "Encrypted text"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> SealedValue | None:
        return None if value is None else SealedValue(value)

    def to_python(self, value: Any) -> SealedValue | None:
        # Fixtures carry the token, so a string here is ciphertext.
        return value if value is None or isinstance(value, SealedValue) else SealedValue(str(value))

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, SealedValue):
            raise TypeError(f"{self.name} takes SealedValue.seal(plaintext), not {type(value).__name__}.")
        return value.token

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return value.token if value else ""
