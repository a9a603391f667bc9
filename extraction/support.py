"""Whether a posting's words support a value, which is more than that they occur in it.

A value must stand whole (no part of a longer figure), not be taken back by a "no" before it, and be of its
field's kind: a word that is everywhere is no name, a label is no value, a date is no reference number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from extraction.values.dates import find_dates
from extraction.values.money import find_salaries
from extraction.vocabulary import alternatives, by_term, comparable, pattern, terms

MAX_OCCURRENCES = 40
_YEARS_OR_LEVEL = re.compile(r"\d|[一二三四五六七八九十]")
_LENGTHS = {
    "title": 140, "hiring_organization": 120, "job_location": 160, "industry": 100, "identifier": 60,
    "experience_requirements": 300, "education_requirements": 300, "applicant_location": 160,
}  # fmt: skip
# A "no" before these turns them round.
_NEGATABLE = frozenset(
    {
        "experience_requirements",
        "education_requirements",
        "employment_type",
        "work_mode",
        "skills",
        "languages",
    }
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in the comparable text."""

    start: int
    end: int


class SourceText:
    """The posting's text, ready to be asked whether it says something."""

    def __init__(self, text: str, locale: str | None = None) -> None:
        self.text = text
        self.locale = locale
        self.language = locale[:2] if locale else None
        self.comparable = comparable(text)

    def contains(self, span: str) -> bool:
        """Whether the span's words stand in the text, whole, in this order."""
        return bool(self.places(span))

    def places(self, span: str) -> list[Place]:
        """Where they do. Part of a longer figure ("45" in "45,000") is no place."""
        wanted = comparable(span).strip(" .,;:、。")
        if not wanted:
            return []
        before = r"(?<!\w)(?<!\d[.,'])" if re.match(r"\w", wanted) and not _is_unspaced(wanted[0]) else ""
        after = r"(?!\w)(?![.,']\d)" if re.search(r"\w$", wanted) and not _is_unspaced(wanted[-1]) else ""
        found = []
        for match in re.finditer(before + re.escape(wanted) + after, self.comparable):
            found.append(Place(match.start(), match.end()))
            if len(found) >= MAX_OCCURRENCES:
                break
        return found

    def is_taken_back(self, span: str) -> bool:
        """Whether each place of the span is denied by its clause ("no degree required", "is not
        possible")."""
        own = pattern("negation").search(comparable(span))
        places = self.places(span)
        return not own and bool(places) and all(self._denies(place) for place in places)

    def _denies(self, place: Place) -> bool:
        before = re.split(r"[.!?;:,。、\n]\s?", self.comparable[max(0, place.start - 60) : place.start])[-1]
        after = re.split(r"[.!?;。\n]\s?", self.comparable[place.end : place.end + 40])[0]
        near = " ".join(before.split()[-4:])
        return bool(pattern("negation").search(near)) or bool(_DENIED_AFTER().match(after))


@cache
def _DENIED_AFTER() -> re.Pattern[str]:  # noqa: N802 - a constant that needs the vocabulary
    negation = alternatives(terms("negation"))
    return re.compile(rf"\s?(?:\S{{1,20}}\s){{0,3}}{negation}")


def _is_unspaced(char: str) -> bool:
    return re.match(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", char) is not None


def is_of_kind(field: str, span: str, source: SourceText) -> bool:
    """Whether the words can be what the field is for."""
    words = comparable(span).strip(" .,;:")
    if len(span) > _LENGTHS.get(field, 400) or words in _no_values():
        return False
    has_letters = _has_letters(span)
    if field == "identifier":
        return _is_identifier(span, source)
    if field == "experience_requirements":
        return _is_experience(span, words, source)
    if field in {"title", "hiring_organization"}:
        return has_letters and span[-1:] not in "!?:" and not _is_common_word(span, source)
    if field in {"job_location", "applicant_location", "industry"}:
        return has_letters and not _is_figure(span, source) and not _is_employment(words)
    return has_letters


def _has_letters(span: str) -> bool:
    """Two letters at least, or one of a script whose signs are words; marks between them do not count."""
    return len(re.findall(r"[^\W\d_]", span)) > 1 or re.search(r"[぀-鿿가-힣]", span) is not None


@cache
def _no_values() -> frozenset[str]:
    """Labels, headings and kinds of pages are names of things, not things."""
    generic = {"posting", "job posting", "text", "title", "name", "data", "form", "page"}
    return frozenset(by_term("labels")) | frozenset(by_term("headings")) | generic | frozenset(terms("apply"))


def _is_identifier(span: str, source: SourceText) -> bool:
    if not re.fullmatch(r"(?=.*\d)[\w./#: №\-]{2,60}", span):
        return False
    if find_dates(span, language=source.language) or find_salaries(span, trusted=True):
        return False
    # Part of a longer one is another one.
    whole = rf"(?<![\w/.-]){re.escape(span.strip())}(?![\w/-]|\.\w)"
    if not re.search(whole, source.text, re.IGNORECASE):
        return False
    # A year, and a time of day, are no references.
    return not re.fullmatch(r"(?:19|20)\d\d|\d{1,2}[:.]\d\d(?:\s?[ap]m)?", span.strip(), re.IGNORECASE)


def _is_experience(span: str, words: str, source: SourceText) -> bool:
    if find_dates(span, language=source.language) or re.fullmatch(r"\W*\d+\W*", span):
        return False
    known = any(term in words for term in _experience_terms())
    return known or (
        _YEARS_OR_LEVEL.search(words) is not None and pattern("periods").search(words) is not None
    )


@cache
def _experience_terms() -> tuple[str, ...]:
    labels = by_term("labels")
    stems = {"experience", "senior", "junior", "entry level", "years", "jahre", "erfahrung",
    "ans d'expérience", "año",
             "anos", "anni", "lat", "jaar", "ervaring", "erfaren", "uzoefu", "miaka", "опыт", "лет",
             "años", "経験",
             "经验", "年", "خبرة", "سنوات", "अनुभव", "वर्ष", "deneyim", "yıl", "experiencia", "experiência",
             "esperienza", "doświadczeni", "erfarenhet", "år", "경력", "praxe", "досвід", "pengalaman",
             "kinh nghiệm"}  # fmt: skip
    return tuple(stems | {word for word, field in labels.items() if field == "experience_requirements"})


def _is_figure(span: str, source: SourceText) -> bool:
    return bool(find_dates(span, language=source.language) or find_salaries(span, trusted=True))


def _is_employment(words: str) -> bool:
    return pattern("employment").fullmatch(words) is not None


def _is_common_word(span: str, source: SourceText) -> bool:
    """One word that the text itself writes in small letters, in the middle of its sentences."""
    word = span.strip(" .,;:\"'")
    if " " in word or not word[:1].isalpha() or word.lower() == word.upper():
        return False
    small = re.search(rf"(?<=[a-zà-öø-ÿа-я,] ){re.escape(word.lower())}(?!\w)", source.text) is not None
    return small and (word == word.lower() or word not in source.text.split("\n")[0])
