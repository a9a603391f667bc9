"""Kinds of employment, whether a job is done from anywhere, and what it asks of experience, education and
languages: by the words for them in every language.
"""

from __future__ import annotations

import re
from functools import cache

from babel import Locale

from extraction.values.dates import find_dates
from extraction.values.money import find_salaries
from extraction.vocabulary import alternatives, by_term, comparable, languages, pattern, terms

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
