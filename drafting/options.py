"""What a user may choose about a draft."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    the posting's."""

    language: str | None = None
    tone: Tone = Tone.FORMAL
    length: Length = Length.STANDARD


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
