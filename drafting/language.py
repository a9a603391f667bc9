"""The languages a draft can be written in: their fixed phrases, and the word lists the grounding check uses.

One file per language in `languages/`; adding a file adds the language. `common` are words that state no
fact (they also serve to recognise the language), `openers` may start a sentence with a capital letter
without being a name, `protected` are words that claim a credential, a rank or a quantity.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from drafting.words import folded_words

_DIRECTORY = Path(__file__).parent / "languages"
DEFAULT = "en"
# With a smaller share of a text's words, or fewer of them, a language's common words say nothing about it.
_DETECTION_SHARE = 0.12
_DETECTION_WORDS = 3


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    name: str
    capitalises_nouns: bool
    common: frozenset[str]
    openers: frozenset[str]
    protected: frozenset[str]
    headings: dict[str, str]
    letter: dict[str, Any]


def codes() -> tuple[str, ...]:
    """The supported languages (ISO 639-1), sorted."""
    return tuple(sorted(path.stem for path in _DIRECTORY.glob("*.json")))


@cache
def language_of(code: str) -> Language:
    """The language with this code; KeyError when it is not supported."""
    if code not in codes():
        raise KeyError(code)
    raw = json.loads((_DIRECTORY / f"{code}.json").read_text(encoding="utf-8"))
    words = {key: frozenset(" ".join(raw[key]).split()) for key in ("common", "openers", "protected")}
    return Language(**(raw | words), code=code)


def detect(text: str) -> str | None:
    """The code of the supported language the text is most likely in; None when none is likely."""
    words = folded_words(text)
    if not words:
        return None
    counts = {code: sum(word in language_of(code).common for word in words) for code in codes()}
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] >= max(_DETECTION_WORDS, _DETECTION_SHARE * len(words)) else None
