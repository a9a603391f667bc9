"""Words and numbers of a text in any script, in a form in which two texts can be compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

# Letters with inner dots (Node.js), digits where they belong to a name (p95, B2B), the endings of C++ and C#.
# An apostrophe parts words: l'equipe, don't.
_WORD = re.compile(r"[^\W_]+(?:\.[^\W_]+)*[+#]*")
_NUMBER = re.compile(
    r"""(?<![^\W_])
        (?P<before>[$€£¥₹₦]\s?)?
        (?P<value>\d{4}-\d{2}(?:-\d{2})?            # 2022-03, 2022-03-15
               | \d{1,3}(?:[.,'\u2019\ \u00a0\u202f]\d{3})+(?!\d)(?:[.,]\d+)?   # 1 234,5
               | \d+(?:[.,]\d+)*)
        (?P<after>\s?[%٪]|\+)?
        (?![^\W_])
    """,
    re.VERBOSE,
)
_DATE = re.compile(r"(\d{4})-\d{2}")
_THOUSANDS = re.compile(r"(?<=\d)[.,'\u2019\s](?=\d{3}(?!\d))")
# Scripts that put no spaces between words.
_LETTERS_UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_UNSPACED = re.compile(_LETTERS_UNSPACED)
_SCRIPT_CHANGE = re.compile(
    rf"(?<={_LETTERS_UNSPACED})(?=[\dA-Za-z$])|(?<=[\dA-Za-z%+])(?={_LETTERS_UNSPACED})"
)
_SENTENCE_END = re.compile(r"[.!?…。\uff01\uff1f:;•\n]")


@dataclass(frozen=True, slots=True)
class Word:
    """`folded` is for comparing; `text` is as written. `is_initial` where a capital means nothing."""

    text: str
    folded: str
    is_initial: bool


def normalised(text: str) -> str:
    """Compatibility forms composed, every script's digits as 0-9, numbers apart from unspaced scripts."""
    composed = unicodedata.normalize("NFKC", text)
    if composed.isascii():
        return composed
    spaced = _SCRIPT_CHANGE.sub(" ", composed)
    return "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in spaced)


def words_of(text: str) -> Iterator[Word]:
    """The words of the text; plain numbers are not words, see `numbers_of`."""
    text = normalised(text)
    end = 0
    for match in _WORD.finditer(text):
        word = match.group()
        if not word[0].isdigit() or any(char.isalpha() for char in word):
            gap = text[end : match.start()]
            yield Word(word, word.casefold(), end == 0 or bool(_SENTENCE_END.search(gap)))
        end = match.end()


def folded_words(text: str) -> list[str]:
    return [word.folded for word in words_of(text)]


def numbers_of(text: str) -> frozenset[str]:
    """The plain numbers of the text with the sign that belongs to them: "40%", "$1200", "2022-03", "5+".

    Thousands separators and decimal commas are levelled, so that 1,200 and 1.200 are equal.
    """
    return frozenset(_spelled(match) for match in _NUMBER.finditer(normalised(text)))


def numbers_allowed_by(text: str) -> frozenset[str]:
    """What a text that restates this one may say: its numbers, with or without their sign, and the years of
    its dates."""
    found = numbers_of(text)
    bare = {number.strip("$€£¥₹₦%+") for number in found}
    years = {match.group(1) for number in found if (match := _DATE.match(number))}
    return found | bare | years


def _spelled(match: re.Match[str]) -> str:
    value = match["value"]
    if not _DATE.match(value):
        value = _THOUSANDS.sub("", value).replace(",", ".")
    before = (match["before"] or "").strip()
    after = (match["after"] or "").strip().replace("٪", "%")
    return f"{before}{value}{after}"


def is_unspaced(text: str) -> bool:
    return bool(_UNSPACED.search(text))


def is_known(folded: str, source: str) -> bool:
    """Whether the word, or most of it in one piece, occurs in the folded source text.

    A piece of 60 % (5 letters at least) lets inflections and compounds pass in any language: "managing" after
    "management", "nilijenga" after "kujenga". In scripts without spaces, 60 % of its pairs of characters.
    """
    if is_unspaced(folded) and len(folded) > 1:
        pairs = [folded[i : i + 2] for i in range(len(folded) - 1)]
        return sum(pair in source for pair in pairs) >= 0.6 * len(pairs)
    size = max(5, -(-len(folded) * 6 // 10))
    if len(folded) < size:
        return f" {folded} " in source
    return any(folded[i : i + size] in source for i in range(len(folded) - size + 1))


def without_case(text: str) -> bool:
    """Whether most letters belong to a script that has no capitals, so that names cannot be told by them."""
    letters = [char for char in text if char.isalpha()]
    return bool(letters) and sum(char.lower() == char.upper() for char in letters) > len(letters) / 2
