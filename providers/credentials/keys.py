"""What can be told of an API key by looking at it, whoever's it is."""

from __future__ import annotations

import re
import secrets
import string

_QUOTES = "\"'`"
# Left at the ends of a value by editors, shells and copied web pages; str.strip keeps the last two.
_INVISIBLE = string.whitespace + "\u00a0\ufeff\u200b"
# "sk-ant-api03-", "gsk_": by these a gateway knows whose key it is before it looks the key up.
_PREFIX = re.compile(r"(?:[A-Za-z][A-Za-z0-9]{0,6}[-_]){0,3}")
_FEWEST_SECRET_CHARACTERS = 8
_SAYS_SO = "invalid"
_ALPHABET = string.ascii_lowercase + string.digits


def flaw_of(key: str) -> str:
    """Why no HTTP header carries this key, or how it was copied wrongly, in a sentence; empty if neither."""
    if not re.fullmatch(r"[!-~]*", key):
        return "The key contains a space, a line break or a letter that no key has. Copy it again."
    if key and (key[0] in _QUOTES or key[-1] in _QUOTES):
        return "The key is in quotes. Enter it without them."
    return ""


def stripped(value: str) -> str:
    """A value from the environment without what is invisible at its ends."""
    return value.strip(_INVISIBLE)


def lookalike(key: str) -> str:
    """A key in the form of `key` that is certainly wrong and says so: the public prefix and about the length
    are kept, the rest is random, so that nothing of the secret can be read from it."""
    kept = _PREFIX.match(key)
    prefix = kept[0] if kept and len(key) - kept.end() >= _FEWEST_SECRET_CHARACTERS else ""
    rest = max(len(key) - len(prefix) - len(_SAYS_SO), _FEWEST_SECRET_CHARACTERS)
    return prefix + _SAYS_SO + "".join(secrets.choice(_ALPHABET) for _ in range(rest))
