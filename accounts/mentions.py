"""Where a text names somebody by an e-mail address."""

from __future__ import annotations

import re


def whole(email: str) -> str:
    """A regular expression, for databases too, of the address and not of a longer one; its groups are what
    stands on both sides. Before it may stand a line's end as JSON writes it."""
    return rf"(^|[^\w.+-]|\\[nrt]){re.escape(email)}($|[^\w.-])"


def without(email: str, text: str) -> str:
    """The text with the address taken out of it."""
    return re.sub(whole(email), r"\1…\2", text, flags=re.IGNORECASE)
