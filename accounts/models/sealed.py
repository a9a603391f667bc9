"""The type of every column that holds what `accounts.sealing` made."""

from __future__ import annotations

from django.db import models


class SealedField(models.TextField):  # type: ignore[type-arg]
    """A Fernet token as text. Whatever is sealed and stored has this type or one made of it: by it
    `accounts.key_rotation` finds the values that need a key."""

    description = "Encrypted text"
