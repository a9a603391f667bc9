"""What the check knows of a language; one file each in `data/`. Adding a file, a column of
`data/meanings.tsv` and a file in `drafting/languages` adds the language.

`neutral` words state no fact. `wish` are the words a sentence of motive may add to them. `weighty` are
prepositions that turn a fact round; `agents` do so in a text with one of `passive`, unless one of `me`
follows. `past` finds what claims something done, after `wish_past` was taken out. `own` and `yours` find
where a sentence speaks of the applicant and where of the employer. `bounds` and `more` make a limit of
the number after them. `levels` say how well a language is spoken, from least to best; `bilingual` are
words that claim one without naming it. `narrowing` are words that restrict a fact to a time or a case,
`joins` those that add another, `rhythms` units of time as adjectives, `each` what makes a rate of the
unit of time after it. `presenting` are words for "as" before an occupation. `meta` finds talk to the
user.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

_DIRECTORY = Path(__file__).parent / "data"
_WORD_LISTS = ("neutral", "wish", "weighty", "negations", "vague", "agents", "passive", "me", "bilingual")
_LISTS = ("narrowing", "joins", "rhythms", "each")
Pattern = re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Grammar:
    code: str
    neutral: frozenset[str]
    wish: frozenset[str]
    weighty: frozenset[str]
    negations: frozenset[str]
    vague: frozenset[str]
    agents: frozenset[str]
    passive: frozenset[str]
    me: frozenset[str]
    numbers: dict[str, int]
    fractions: dict[str, Fraction]
    units: dict[str, str]
    bounds: tuple[str, ...]
    more: tuple[str, ...]
    since: str
    subject: str
    bilingual: frozenset[str]
    narrowing: frozenset[str]
    joins: frozenset[str]
    rhythms: frozenset[str]
    each: frozenset[str]
    presenting: frozenset[str]
    percent: str
    less: tuple[str, ...]
    levels: tuple[frozenset[str], ...]
    meta: Pattern
    past: Pattern
    wish_past: Pattern
    own: Pattern
    yours: Pattern


@cache
def codes() -> tuple[str, ...]:
    """The languages a text can be checked in (ISO 639-1), sorted."""
    return tuple(sorted(path.stem for path in _DIRECTORY.glob("*.json")))


@cache
def grammar_of(code: str) -> Grammar:
    """The grammar of this language; KeyError when there is none."""
    if code not in codes():
        raise KeyError(code)
    text = (_DIRECTORY / f"{code}.json").read_text(encoding="utf-8")
    raw: dict[str, Any] = json.loads(text)
    words = {key: frozenset(" ".join(raw[key]).casefold().split()) for key in _WORD_LISTS}
    return Grammar(
        code=code,
        numbers={word.casefold(): value for word, value in raw["numbers"].items()},
        fractions={word.casefold(): Fraction(value) for word, value in raw["fractions"].items()},
        units={word: unit for unit, spelled in raw["units"].items() for word in spelled},
        bounds=tuple(raw["bounds"]),
        more=tuple(raw["more"]),
        since=raw["since"],
        subject=raw["subject"],
        levels=tuple(frozenset(words.casefold().split()) for words in raw["levels"]),
        meta=_any_of(raw["meta"]),
        past=_any_of(raw["past"]),
        wish_past=_any_of(raw["wish_past"]),
        own=_any_of([raw["own"]]),
        yours=_any_of([raw["yours"]]),
        less=tuple(raw["less"]),
        presenting=frozenset(raw["as"]),
        percent=raw["percent"],
        **{key: frozenset(raw[key]) for key in _LISTS},
        **words,
    )


def _any_of(patterns: list[str]) -> Pattern:
    return re.compile("|".join(patterns), re.IGNORECASE)
