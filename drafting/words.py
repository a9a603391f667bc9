"""Text in any script, in a form in which two texts can be compared."""

from __future__ import annotations

import re
import unicodedata

# Scripts that put no spaces between words.
_LETTERS_UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_SCRIPT_CHANGE = re.compile(
    rf"(?<={_LETTERS_UNSPACED})(?=[\dA-Za-z$])|(?<=[\dA-Za-z%+])(?={_LETTERS_UNSPACED})"
)


def normalised(text: str) -> str:
    """Compatibility forms composed, every script's digits as 0-9, numbers apart from unspaced scripts."""
    composed = unicodedata.normalize("NFKC", text)
    if composed.isascii():
        return composed
    spaced = _SCRIPT_CHANGE.sub(" ", composed)
    return "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in spaced)
