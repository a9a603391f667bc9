"""A text taken apart: its words, with the keys and meanings by which they are compared, and its clauses."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from functools import lru_cache

from drafting.check.grammar import Grammar, grammar_of
from drafting.check.lemmas import keys
from drafting.check.meanings import PROTECTED, classes, phrases_at, rows_of

# Scripts that put no spaces between words.
_LETTERS_UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_SCRIPT_CHANGE = re.compile(
    rf"(?<={_LETTERS_UNSPACED})(?=[\dA-Za-z$])|(?<=[\dA-Za-z%+])(?={_LETTERS_UNSPACED})"
)
_TOKEN = re.compile(
    r"(?P<number>(?<![^\W_])\d+(?:[.,'\u2019\u00a0\u202f ]\d{3})*(?!\d)(?:[.,:-]\d+)*)"
    r"|(?P<word>[^\W_]+(?:\.[^\W\d_]+)*[+#]*)|(?P<sign>[%٪$€£¥₹₦])|(?P<mark>[^\w\s])"
)
_CLAUSE_MARK = re.compile(r"[.!?…;:,()\u2013\u2014\u3002\uff01\uff1f]")
_SENTENCE_MARK = re.compile(r"[.!?…:\u3002\uff01\uff1f]")
# Words that begin a clause of their own.
_CLAUSE_WORDS = frozenset(
    [
        "and",
        "which",
        "while",
        "whereas",
        "by",
        "und",
        "wobei",
        "wodurch",
        "während",
        "indem",
        "et",
        "tout",
        "qui",
        "y",
        "e",
        "que",
        "mientras",
        "enquanto",
        "na",
        "huku",
        "ambapo",
    ]
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word or number. `is_initial` where a capital means nothing; `clause` counts from 0."""

    text: str
    folded: str
    index: int
    clause: int
    is_number: bool
    is_initial: bool
    is_neutral: bool
    mark_before: str
    keys: frozenset[str] = field(repr=False)
    rows: frozenset[int] = field(repr=False)

    @property
    def is_content(self) -> bool:
        return not self.is_number and not self.is_neutral

    def is_same_as(self, other: Token) -> bool:
        return bool(self.keys & other.keys or self.rows & other.rows)

    def has_class(self, *names: str) -> bool:
        return any(classes()[row] in names for row in self.rows)

    def is_only(self, *names: str) -> bool:
        """Whether the word has meanings, and all of them are of these classes."""
        return bool(self.rows) and all(classes()[row] in names for row in self.rows)


@dataclass(frozen=True, slots=True)
class Text:
    """A text in one language, taken apart."""

    raw: str
    language: str
    tokens: tuple[Token, ...]

    @property
    def grammar(self) -> Grammar:
        return grammar_of(self.language)

    @property
    def content(self) -> tuple[Token, ...]:
        return tuple(token for token in self.tokens if token.is_content)

    def clause(self, number: int) -> tuple[Token, ...]:
        return tuple(token for token in self.tokens if token.clause == number)

    @property
    def padded(self) -> str:
        """The folded words with a blank around each."""
        return f" {' '.join(token.folded for token in self.tokens)} "


@dataclass(frozen=True, slots=True)
class _Piece:
    """One word, or the words of one phrase, before anything is known of it but its meanings."""

    text: str
    marks: str
    is_number: bool
    rows: frozenset[int] = frozenset()


# Each text of a draft is held against every line of the profile, and the next draft against the same lines.
@lru_cache(maxsize=20_000)
def read(text: str, language: str) -> Text:
    """The text, taken apart with the grammar of `language`, which must be one of `grammar.codes()`."""
    grammar = grammar_of(language)
    tokens: list[Token] = []
    clause = 0
    for index, piece in enumerate(_with_meanings(_pieces(_normalised(text)), language)):
        folded = piece.text.casefold()
        if index and (_CLAUSE_MARK.search(piece.marks) or folded in _CLAUSE_WORDS):
            clause += 1
        is_neutral = not piece.is_number and (
            folded in grammar.neutral or folded in grammar.weighty or not folded[0].isalnum()
        )
        tokens.append(
            Token(
                text=piece.text,
                folded=folded,
                index=index,
                clause=clause,
                is_number=piece.is_number,
                is_initial=index == 0 or bool(_SENTENCE_MARK.search(piece.marks)),
                is_neutral=is_neutral,
                mark_before=piece.marks,
                keys=_keys(piece, language, grammar),
                rows=piece.rows,
            )
        )
    return Text(raw=text, language=language, tokens=tuple(tokens))


def _pieces(text: str) -> list[_Piece]:
    pieces = []
    marks = ""
    for match in _TOKEN.finditer(text):
        if match["mark"]:
            marks += match["mark"]
            continue
        word = match.group()
        pieces.append(_Piece(word, marks, bool(match["number"]) or word.isdigit()))
        marks = ""
    return pieces


def _with_meanings(pieces: list[_Piece], language: str) -> list[_Piece]:
    """The pieces with their rows; the words of a phrase are one piece."""
    folded = [piece.text.casefold() for piece in pieces]
    found: list[_Piece] = []
    index = 0
    while index < len(pieces):
        piece = pieces[index]
        length, rows = phrases_at(folded, index, language)
        if length:
            text = " ".join(one.text for one in pieces[index : index + length])
            found.append(_Piece(text, piece.marks, False, rows))
        else:
            found.append(piece if piece.is_number else replace(piece, rows=rows_of(piece.text, language)))
        index += length or 1
    return found


def _keys(piece: _Piece, language: str, grammar: Grammar) -> frozenset[str]:
    if piece.is_number or " " not in piece.text:
        return frozenset({piece.text}) if piece.is_number else keys(piece.text, language)
    whole = frozenset({piece.text.casefold()})
    if any(classes()[row] in PROTECTED for row in piece.rows):
        # "Team leader" is not proven by "team".
        return whole
    parts = (word for word in piece.text.split() if word.casefold() not in grammar.neutral)
    return whole.union(*(keys(word, language) for word in parts))


def _normalised(text: str) -> str:
    """Compatibility forms composed, every script's digits as 0-9, numbers apart from unspaced scripts."""
    composed = unicodedata.normalize("NFKC", text)
    if composed.isascii():
        return composed
    spaced = _SCRIPT_CHANGE.sub(" ", composed)
    return "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in spaced)
