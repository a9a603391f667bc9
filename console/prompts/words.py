"""Two texts side by side, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal

Piece = tuple[Literal["same", "gone", "new"], str]


def compared(before: str, after: str) -> list[Piece]:
    """The words of both in order: those in both, only in the first, only in the second."""
    old, new = _words(before), _words(after)
    pieces: list[Piece] = []
    for what, left, left_end, right, right_end in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if what == "equal":
            pieces.append(("same", "".join(old[left:left_end])))
            continue
        if left < left_end:
            pieces.append(("gone", "".join(old[left:left_end])))
        if right < right_end:
            pieces.append(("new", "".join(new[right:right_end])))
    return pieces


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)
