"""What a posting's requirements say of experience, education and languages, in their own words."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale

from extraction.values.dates import find_dates
from extraction.values.money import find_salaries
from extraction.vocabulary import alternatives, comparable, languages, pattern, terms

MAX_LINE = 240
MAX_LANGUAGE = 50
MAX_LANGUAGES = 8
_NUMBERS = (
    "one|two|three|four|five|six|seven|eight|ten|zwei|drei|vier|fünf|ein|einem|un|une|deux|trois|dos|tres|dois|duas|três"
    "|due|tre|dwa|trzy|pięć|två|mwaka|mitatu|ثلاث|أربع|سنتين|خمس|一|二|两|三|五|два|три|одного|года|bir|iki|üç|एक|दो|तीन"
)
_SENTENCE = re.compile(r"(?<=[.!?;\u3002])\s+|\n")


def stated_experience(items: list[str], text: str) -> str | None:
    """The requirement that is about experience: one with a length of time before others; of the text's
    sentences, only such a one."""
    about = [item for item in items if _is_about("experience", item)]
    measured = [item for item in about if _has_length(item)]
    if found := measured or about:
        return found[0]
    return next((line for line in _lines(text) if _is_about("experience", line) and _has_length(line)), None)


def stated_education(items: list[str], text: str) -> str | None:
    """The first requirement that is about education and not about experience in the first place; of the
    text's sentences, one that says that it is required."""
    about = [item for item in items if _is_about("education", item)]
    only = [item for item in about if not _is_about("experience", item)]
    if found := only or about:
        return found[0]
    return next(
        (line for line in _lines(text) if _is_about("education", line) and _is_about("required", line)), None
    )


def stated_languages(items: list[str]) -> list[str]:
    """The languages of requirements that name one, with its level, and little else."""
    found: list[str] = []
    for item in items:
        parts = re.split(
            r"[,;/、，]\s*|\s+(?:and|und|et|y|e|en|i|och|na|ve|и|та|og|dan|và|a)\s+", item.strip(" .;")
        )
        if all(_is_language(part) for part in parts) and len(item) <= 2 * MAX_LANGUAGE:
            found += parts
    return list(dict.fromkeys(part.strip(" .") for part in found))[:MAX_LANGUAGES]


def _lines(text: str) -> list[str]:
    lines = [line.strip(" -#*•") for line in _SENTENCE.split(text[:30_000]) if 8 <= len(line) <= MAX_LINE]
    return [line for line in lines if not (any(map(str.isdigit, line)) and find_salaries(line, trusted=True))]


def _is_about(kind: str, line: str) -> bool:
    return len(line) <= MAX_LINE and pattern(kind).search(comparable(line)) is not None


def _has_length(line: str) -> bool:
    words = comparable(line)
    if find_dates(line) or not pattern("periods").search(_singular(words)):
        return re.search(r"\d\s?(?:年|년|вод|лет|год)", words) is not None
    return re.search(r"\d", words) is not None or _number_words().search(words) is not None


def _singular(words: str) -> str:
    """Plurals of years and months that `periods` has in the singular only."""
    return _plurals().sub(" year ", words)


@cache
def _plurals() -> re.Pattern[str]:
    many = (
        "years|months|seasons|jahre|jahren|monate|ans|années|años|meses|anos|anni|mesi|jaar|jaren|maanden|lat|lata|miaka"
        "|سنوات|سنة|عام|वर्ष|साल|yıl|ay|år|säsonger|лет|года|годов|місяців|років|роки|let|roky|tahun|"
        "năm|mwaka|year|1\\+ year"
    )
    return re.compile(alternatives(many.split("|")))


@cache
def _number_words() -> re.Pattern[str]:
    return re.compile(alternatives(_NUMBERS.split("|")))


def _is_language(part: str) -> bool:
    words = comparable(part)
    if not 0 < len(part) <= MAX_LANGUAGE or not _language_names().search(words):
        return False
    rest = _language_names().sub(" ", words)
    rest = re.sub(alternatives(terms("language_levels")), " ", rest)
    return len(re.findall(r"[^\W\d_]{3,}", rest)) <= 1


@cache
def _language_names() -> re.Pattern[str]:
    """What the languages that people are asked for are called in each other."""
    codes = [
        *languages(),
        "el",
        "he",
        "th",
        "hu",
        "ro",
        "fi",
        "fa",
        "ur",
        "bn",
        "ca",
        "bg",
        "hr",
        "sk",
        "sl",
        "lt",
    ]
    names = {
        comparable(Locale.parse(code).languages.get(named, "")) for code in languages() for named in codes
    }
    return re.compile(alternatives(names - {""}))
