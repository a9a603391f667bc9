"""Words that mean the same, from `data/meanings.tsv`: a row is a meaning, and has a class.

`deed` and `thing` help to recognise a fact in other words or in another language. The other classes are
things that nobody may say of somebody unless the source does: see PROTECTED and `floor`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from drafting.check.lemmas import keys, lemma
from drafting.check.reasons import Reason

_TABLE = Path(__file__).parent / "data" / "meanings.tsv"
_COLUMNS = ("en", "de", "fr", "es", "pt", "sw")
PROTECTED = {
    "lead": Reason.OWNERSHIP,
    "role": Reason.RANK,
    "credential": Reason.CREDENTIAL,
    "paper": Reason.CREDENTIAL,
    "award": Reason.AWARD,
    "super": Reason.SUPERLATIVE,
    "scope": Reason.SCOPE,
    "big": Reason.SCOPE,
    "outcome": Reason.OUTCOME,
    "field": Reason.FIELD,
}
# Parts of a German compound: Buchungs|team.
_JOINTS = ("", "s", "es", "n", "en", "er", "e")
_SHORTEST_PART = 4


@dataclass(slots=True)
class Lexicon:
    """One language's column: rows by key of a single word, and phrases of several."""

    words: dict[str, set[int]] = field(default_factory=dict)
    phrases: dict[str, list[tuple[tuple[str, ...], int]]] = field(default_factory=dict)
    roots: dict[str, set[int]] = field(default_factory=dict)


@cache
def classes() -> dict[int, str]:
    """The class of each row."""
    return {number: row[0] for number, row in enumerate(_rows())}


@lru_cache(maxsize=100_000)
def rows_of(word: str, language: str) -> frozenset[int]:
    """The meanings of a single word; in German also those of the parts of a compound."""
    found = _exact(word, language)
    if found or language != "de" or len(word) < 2 * _SHORTEST_PART:
        return found
    return _of_compound(word.casefold())


def phrases_at(folded: Sequence[str], start: int, language: str) -> tuple[int, frozenset[int]]:
    """The longest phrase that begins at `start`: its length in words and its rows; 0 when there is none."""
    best, rows = 0, set[int]()
    first = folded[start]
    for form in {first, lemma(first, language)}:
        for words, row in _lexicon(language).phrases.get(form, ()):
            here = folded[start : start + len(words)]
            if len(here) == len(words) and all(
                expected == said or lemma(expected, language) == lemma(said, language)
                for expected, said in zip(words, here, strict=True)
            ):
                if len(words) > best:
                    best, rows = len(words), {row}
                elif len(words) == best:
                    rows.add(row)
    return best, frozenset(rows)


def _exact(word: str, language: str) -> frozenset[int]:
    lexicon = _lexicon(language)
    folded = word.casefold()
    forms = {folded, lemma(word, language), lemma(folded, language)}
    if language == "de":
        forms.add(lemma(word.capitalize(), language))
    found = set[int]().union(*(lexicon.words.get(form, ()) for form in forms))
    if not found:
        # Stems run verbs and nouns together, which proves a fact but convicts nobody of a claim.
        stems = {key for key in keys(word, language) if key.startswith("~")}
        found = {
            row
            for stem in stems
            for row in lexicon.roots.get(stem, ())
            if language == "sw" or classes()[row] not in PROTECTED
        }
    return frozenset(found)


def _of_compound(word: str) -> frozenset[int]:
    for cut in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 2):
        tail = _exact(word[cut:], "de")
        if not tail:
            continue
        for joint in _JOINTS:
            head = word[:cut].removesuffix(joint) if joint else word[:cut]
            if len(head) >= _SHORTEST_PART - 1 and (rows := _exact(head, "de")):
                return rows | tail
    return frozenset()


@cache
def _lexicon(language: str) -> Lexicon:
    lexicon = Lexicon()
    if language not in _COLUMNS:
        return lexicon
    column = _COLUMNS.index(language) + 1
    for number, row in enumerate(_rows()):
        for entry in filter(None, (part.strip() for part in row[column].split(","))):
            words = tuple(entry.casefold().replace("'", " ").replace("\u2019", " ").replace("-", " ").split())
            if len(words) > 1:
                lexicon.phrases.setdefault(words[0], []).append((words, number))
                continue
            for form in {entry.casefold(), lemma(entry, language)}:
                lexicon.words.setdefault(form, set()).add(number)
            for key in keys(entry, language):
                if key.startswith("~"):
                    lexicon.roots.setdefault(key, set()).add(number)
    return lexicon


@cache
def _rows() -> tuple[tuple[str, ...], ...]:
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    return tuple(tuple(line.split("\t")) for line in lines if line and not line.startswith("#"))
