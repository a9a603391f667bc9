"""Takes secrets out of text that is about to be logged, stored or shown."""

import re

MASK = "[redacted]"

# Vendors' key shapes, bearer tokens, and key-like URL parameters and JSON members.
_SHAPES = re.compile(
    r"""sk-[A-Za-z0-9_\-]{8,}            # OpenAI, Anthropic
      | AIza[0-9A-Za-z_\-]{20,}          # Google
      | gAAAA[0-9A-Za-z_\-=]{40,}        # Fernet tokens
      | adt_[A-Za-z0-9_\-]{20,}         # Personal access tokens
      | eyJ[\w\-]{8,}\.[\w\-]+\.[\w\-]+  # JSON web tokens
      | (?<=Bearer\ )[^\s"',]+
      | (?<=[?&]key=)[^\s"'&]+
    """,
    re.VERBOSE,
)
_remembered: set[str] = set()


def remember_secret(secret: str) -> None:
    """Mask this exact text from now on. Called wherever a key is decrypted, so that keys of any shape are
    covered. Texts under 8 characters are ignored: masking them would eat ordinary words."""
    if len(secret) >= 8:
        _remembered.add(secret)


def redact(text: str) -> str:
    """The text with every known secret and everything shaped like one replaced by a mask. Where they overlap,
    as with a secret inside a longer key, all of it goes."""
    spans = [found.span() for found in _SHAPES.finditer(text)]
    for secret in tuple(_remembered):
        spans += [found.span() for found in re.finditer(re.escape(secret), text)] if secret in text else []
    masked: list[str] = []
    end = 0
    for start, stop in sorted(spans):
        if start > end or not masked:
            masked += [text[end:start], MASK]
        end = max(end, stop)
    return "".join([*masked, text[end:]])
