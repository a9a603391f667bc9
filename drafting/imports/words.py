"""The words that divide CVs and label what stands in them, in the languages people write them in.

`data/words.json`: headings by section; labels of the name, the address, the telephone, and of what is
nobody's business; the words for a date that goes on.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from extraction.vocabulary import alternatives

_FILE = Path(__file__).parent / "data" / "words.json"
_LONGEST_HEADING = 60
_JOINED = re.compile(r"\s(?:&|and|und|et|y|e|na)\s|\s?/\s?")


@cache
def _words() -> dict[str, Any]:
    words: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
    return words


@cache
def _sections() -> dict[str, str]:
    headings = _words()["headings"].items()
    return {heading.casefold(): section for section, some in headings for heading in some}


def section_of(line: str) -> str | None:
    """The section whose heading a line is, else None. Of two headings in one line the first counts."""
    if len(line) > _LONGEST_HEADING:
        return None
    words = _between_signs(" ".join(line.casefold().split()))
    return _sections().get(words) or _sections().get(_JOINED.split(words)[0])


@cache
def label(name: str) -> re.Pattern[str]:
    """Finds a label ("name", "address", "phone", "private") as words of their own."""
    return re.compile(alternatives(_words()["labels"][name]), re.IGNORECASE)


@cache
def words_for_now() -> frozenset[str]:
    return frozenset(_words()["open"])


def _between_signs(text: str) -> str:
    """From the first letter to the last, with its marks."""
    places = [number for number, char in enumerate(text) if unicodedata.category(char)[0] in "LM"]
    return text[places[0] : places[-1] + 1] if places else ""
