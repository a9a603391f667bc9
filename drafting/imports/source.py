"""The text that values are held against: where words stand in it, and whether they stand there whole."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache, cached_property

from drafting.imports.dates import read_date
from extraction.support import SourceText
from extraction.values.dates import month_numbers
from extraction.values.numbers import levelled
from extraction.vocabulary import language_of

MAX_PLACES = 24
# Characters beside words that say whether they are a phrase of their own.
_BESIDE = 200
_BULLET = re.compile(r"^\s*(?:[-*•▪●◦‣·–—o]\s+|\d{1,2}[.)]\s+)")
_SENTENCE_END = re.compile(r"[.!?。！？؟।]['\")\]]*(?:\s|$)")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uff00-\uffef]")
_EDGE = frozenset(",|•·;:()[]{}/–—-\t&+\"'“”«»„…‧・、，：；（）【】。.→")
_JOINS_LEFT = frozenset(
    [
        "at",
        "in",
        "for",
        "with",
        "bei",
        "als",
        "as",
        "chez",
        "en",
        "à",
        "dans",
        "em",
        "no",
        "na",
        "en",
        "la",
        "kwa",
        "ya",
        "katika",
        "w",
        "presso",
        "per",
        "and",
        "und",
        "et",
        "y",
        "e",
        "i",
        "и",
        "в",
        "у",
        "на",
        "με",
        "since",
        "seit",
        "from",
        "con",
        "com",
        "avec",
        "mit",
        "ve",
        "וב",
        "في",
        "في",
        "لدى",
    ]
)
_JOINS_RIGHT = _JOINS_LEFT | frozenset(["@", "by", "of", "der", "des", "de"])
# A line that ends so goes on in the next one.
_UNFINISHED = frozenset(
    [
        "to",
        "the",
        "of",
        "and",
        "for",
        "a",
        "an",
        "der",
        "des",
        "dem",
        "den",
        "die",
        "das",
        "du",
        "de",
        "la",
        "le",
        "und",
        "et",
        "y",
        "e",
        "zu",
        "to",
    ]
)
_LIST_SIGNS = ",;|•·\n"
_MOST_WORDS_OF_PROSE = 120


@dataclass(frozen=True, slots=True)
class Place:
    """Where words stand: offsets into the text, and the lines they begin and end on."""

    start: int
    end: int
    line: int
    last_line: int


class Source:
    """The lines of a CV that values may be taken from."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self._folded = _folded(text)
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    @cached_property
    def language(self) -> str | None:
        return language_of(self.text)

    def line_at(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def is_item(self, number: int) -> bool:
        """Whether a line is a bullet, or goes on with one or with a sentence."""
        line = self.lines[number]
        return bool(_BULLET.match(line) or _SENTENCE_END.search(line)) or (
            number > 0 and self._is_continuation(number)
        )

    def places(self, words: str) -> list[Place]:
        """Where the words stand, whole and in this order; breaks between lines and case do not count."""
        wanted = _folded(_BULLET.sub("", words)).strip(" .,;:•|")
        if not wanted:
            return []
        parts = list(wanted.replace(" ", "")) if _UNSPACED.search(wanted) else wanted.split()
        between = r"\s*" if _UNSPACED.search(wanted) else r"\s+"
        before = r"(?<![^\W_])(?<!\d[.,'])" if _is_letter(wanted[0]) else ""
        after = r"(?![^\W_])(?![.,']\d)" if _is_letter(wanted[-1]) else ""
        found = []
        for match in re.finditer(before + between.join(map(re.escape, parts)) + after, self._folded):
            start, end = match.span()
            # The full stop of "Ltd." or "B.Eng." is part of the name, where it was asked for.
            end += words.rstrip().endswith(".") and self.text[end : end + 1] == "."
            found.append(Place(start, end, self.line_at(start), self.line_at(end - 1)))
            if len(found) >= MAX_PLACES:
                break
        return found

    def words_at(self, place: Place) -> str:
        """The words as the source writes them."""
        return " ".join(self.text[place.start : place.end].split())

    def quote(self, place: Place) -> str:
        """The lines that they stand on."""
        return "\n".join(line.strip() for line in self.lines[place.line : place.last_line + 1])

    def is_whole(self, place: Place, others: list[Place]) -> bool:
        """Whether the words are a phrase of their own, and no part of a larger one ("Head of Finance" in
        "Assistant to the Head of Finance"). `others` are places of the same entry's other values."""
        left = self.text[max(self._starts[place.line], place.start - _BESIDE) : place.start].rstrip()
        right = self.text[
            place.end : min(self._starts[place.last_line + 1] - 1, place.end + _BESIDE)
        ].lstrip()
        left = _BULLET.sub("", left + " ").strip()
        follows = any(0 <= place.start - other.end <= 2 for other in others)
        is_followed = any(0 <= other.start - place.end <= 2 for other in others)
        starts = (
            follows
            or (not left and not self._goes_on(place.line - 1))
            or left[-1:] in _EDGE
            or _last_word(left) in _JOINS_LEFT
            or _is_date(left.split()[-3:], from_end=True)
        )
        ends = (
            is_followed
            or not right
            or right[0] in _EDGE
            or right.split()[0].casefold() in _JOINS_RIGHT
            or _is_date(right.split()[:3])
        )
        return bool(starts and ends)

    def _goes_on(self, number: int) -> bool:
        return number >= 0 and _last_word(self.lines[number]) in _UNFINISHED

    def sentence(self, place: Place) -> Place:
        """The whole sentence or bullet around the words: what is cut off may be what makes them true."""
        first, last = place.line, place.last_line
        while first > 0 and self._is_continuation(first):
            first -= 1
        while last + 1 < len(self.lines) and self._is_continuation(last + 1):
            last += 1
        start, end = self._starts[first], self._starts[last + 1] - 1
        before = [match.end() for match in _SENTENCE_END.finditer(self.text, start, place.start)]
        start = before[-1] if before and before[-1] <= place.start else start
        after = _SENTENCE_END.search(self.text, max(place.end - 1, start), end)
        end = after.end() if after else end
        bullet = _BULLET.match(self.text[start:end])
        start += bullet.end() if bullet else len(self.text[start:end]) - len(self.text[start:end].lstrip())
        end = start + len(self.text[start:end].rstrip())
        return Place(start, end, self.line_at(start), self.line_at(max(end - 1, start)))

    def is_too_long(self, place: Place) -> bool:
        return len(self.text[place.start : place.end].split()) > _MOST_WORDS_OF_PROSE

    def _is_continuation(self, number: int) -> bool:
        """Whether a line goes on with the sentence of the line above it."""
        line, above = self.lines[number], self.lines[number - 1]
        if not line.strip() or not above.strip() or _BULLET.match(line) or _is_date(line.split()[:3]):
            return False
        return line.lstrip()[0].islower() or (
            self._goes_on(number - 1) and not _SENTENCE_END.search(above[-2:])
        )

    def is_denied(self, place: Place) -> bool:
        """Whether a "no" stands before the words, or after them, in their part of a list."""
        start = max((self.text.rfind(sign, 0, place.start) for sign in _LIST_SIGNS), default=-1) + 1
        ends = [end for sign in _LIST_SIGNS if (end := self.text.find(sign, place.end)) >= 0]
        part = self.text[start : min(ends, default=len(self.text))]
        return SourceText(part, self.language).is_taken_back(self.words_at(place))


def _is_date(words: list[str], *, from_end: bool = False) -> bool:
    """Whether some words begin, or end, with a date and nothing else, or with what stands for one."""
    parts = [words[number:] if from_end else words[: number + 1] for number in range(len(words))]
    for part in parts:
        date = read_date(" ".join(part))
        if date.is_open or (date.value and all(map(_is_of_date, part))):
            return True
    return False


def _is_of_date(word: str) -> bool:
    return any(char.isdigit() for char in word) or levelled(word).strip(".,()") in month_numbers()


def _last_word(text: str) -> str:
    return (text.split() or [""])[-1].casefold()


def _is_letter(char: str) -> bool:
    return char.isalnum() and not _UNSPACED.match(char)


def _folded(text: str) -> str:
    """The text without differences of case, width, dashes and quotation marks; as long as it was."""
    return "".join(map(_fold, text))


@cache
def _fold(char: str) -> str:
    if char in "\u2018\u2019\u201a\u201b`\u00b4":
        return "'"
    if char in "\u201c\u201d\u201e\u00ab\u00bb":
        return '"'
    if char in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212":
        return "-"
    plain = unicodedata.normalize("NFKC", char)
    plain = plain if len(plain) == 1 else char
    low = plain.casefold()
    return low if len(low) == 1 else plain.lower() if len(plain.lower()) == 1 else plain
