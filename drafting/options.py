"""What a user may choose about a draft."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Tone(StrEnum):
    FORMAL = "formal"
    FRIENDLY = "friendly"
    CONFIDENT = "confident"


class Length(StrEnum):
    SHORT = "short"
    STANDARD = "standard"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class DraftOptions:
    """`language` is a supported code, or None: a CV is then written in the profile's language, a letter in
    the posting's. `note` is a paragraph of the user's own for a letter, printed as it is and shown to no
    model. `variant` names one of several drafts for the same posting. `pages` is the most a CV may take; None
    is any number. `pinned` and `hidden` are ids of facts that always or never stand in a CV, `sections` the
    order of its sections (those left out follow in the usual one)."""

    language: str | None = None
    tone: Tone = Tone.FORMAL
    length: Length = Length.STANDARD
    note: str = ""
    variant: str = ""
    pages: int | None = None
    pinned: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()

    @property
    def chosen(self) -> dict[str, Any]:
        """What was chosen beyond language, tone and length."""
        values = {
            "note": self.note,
            "variant": self.variant,
            "pages": self.pages,
            "pinned": list(self.pinned),
            "hidden": list(self.hidden),
            "sections": list(self.sections),
        }
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class CvLimits:
    """How far a model may shorten a CV. `may_leave_out` are sections whose unlisted entries go; at least
    `share_kept` of an entry's highlights and of such a section stay, and `minimum_kept` of them.
    `rewritten_lines` is how many lines are asked for."""

    may_leave_out: frozenset[str]
    share_kept: float
    minimum_kept: int
    rewritten_lines: int


_OPTIONAL = frozenset({"projects", "volunteer", "awards", "publications", "interests", "references"})
CV_LIMITS = {
    Length.SHORT: CvLimits(_OPTIONAL | {"work"}, 0.3, 2, 6),
    Length.STANDARD: CvLimits(_OPTIONAL, 0.5, 2, 8),
    Length.LONG: CvLimits(frozenset(), 1.0, 1, 12),
}
# Words in a letter from the opening sentence to the closing one.
LETTER_WORDS = {Length.SHORT: 120, Length.STANDARD: 200, Length.LONG: 300}
LETTER_TOLERANCE = 0.1
LETTER_PARAGRAPHS = {Length.SHORT: 2, Length.STANDARD: 3, Length.LONG: 4}
