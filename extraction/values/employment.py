"""Kinds of employment, and whether a job is done from anywhere, by the words for them in every language."""

from __future__ import annotations

import re
from functools import cache

from extraction.vocabulary import alternatives, by_term, comparable, pattern, terms

EMPLOYMENT_TYPES = frozenset(
    {"FULL_TIME", "PART_TIME", "CONTRACTOR", "TEMPORARY", "INTERN", "VOLUNTEER", "PER_DIEM", "OTHER"}
)
_SPELLINGS = {
    "FULLTIME": "FULL_TIME", "PARTTIME": "PART_TIME", "CONTRACT": "CONTRACTOR", "FREELANCE": "CONTRACTOR",
    "TEMP": "TEMPORARY", "INTERNSHIP": "INTERN", "FIXED_TERM": "TEMPORARY", "SEASONAL": "TEMPORARY",
}  # fmt: skip
MAX_KINDS = 8


def employment_types(text: str) -> list[str]:
    """schema.org's values (FULL_TIME, PART_TIME, …) that the words of a value name ("Vollzeit, befristet",
    "https://schema.org/FULL_TIME"), else the words themselves, part by part."""
    kinds: list[str] = []
    for part in re.split(
        r"[,;|·•\n]| / |(?<=[^\W\d_])/(?=[^\W\d_/])", re.sub(r"https?://[^\s,]*/", "", text)[:300]
    ):
        for kind in _kinds(part.strip()):
            if kind and kind not in kinds:
                kinds.append(kind)
    known = [kind for kind in kinds if kind in EMPLOYMENT_TYPES]
    return (known or kinds)[:MAX_KINDS]


def known_employment_types(text: str) -> list[str]:
    """Only schema.org's values."""
    return [kind for kind in employment_types(text) if kind in EMPLOYMENT_TYPES]


def _kinds(part: str) -> list[str]:
    name = re.sub(r"[\s\-]+", "_", part).upper().rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    name = _SPELLINGS.get(name, name)
    if name in EMPLOYMENT_TYPES:
        return [name]
    words = comparable(part)
    found = [by_term("employment")[match[0]] for match in pattern("employment").finditer(words)]
    named = [kind for kind in dict.fromkeys(found) if kind != "IGNORED"]
    return named or ([] if found else [part])


@cache
def _value_words() -> re.Pattern[str]:
    return re.compile(rf"\W*{alternatives(terms('remote_only'))}\W*")


def is_remote_value(value: str) -> bool:
    """Whether a value ("Remote", "Home based - Worldwide", "100 % Homeoffice") says that the job is done from
    anywhere: nothing but words for that, or a sentence that says it."""
    words = comparable(value)[:200]
    return bool(_value_words().fullmatch(words)) or says_remote(value)


def says_remote(text: str) -> bool:
    """Whether the words state a remote job, with nothing in the text that takes it back."""
    words = comparable(text)
    stated = False
    for clause in re.split(r"[.!?;\u3002\u06d4\n](?:\s|$)|[\u3002\n]", words):
        if not pattern("remote").search(clause):
            if pattern("remote_only").search(clause) and pattern("negation").search(clause):
                return False
            continue
        if pattern("negation").search(clause) or pattern("not_remote").search(clause):
            return False
        stated = True
    return stated
