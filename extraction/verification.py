"""Lets a model's answer into the record only as far as the posting itself says it.

Words are compared as `comparable` has them, dates and amounts by value. What is not in the posting is
dropped with a warning, so neither invention nor an instruction planted elsewhere can add a fact. Words that
are there but do not support what they are given for are dropped as implausible: small models pick those.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from django.utils import timezone

from extraction.findings import Findings
from extraction.prompts import FactsAnswer, PostingPrompt
from extraction.schema import Place, Salary
from extraction.structured.texts import parts_of
from extraction.subject import is_cut_of
from extraction.support import SourceText, is_of_kind
from extraction.values.dates import find_dates, parse_date
from extraction.values.employment import (
    employment_types,
    is_remote_value,
    known_employment_types,
    says_remote,
)
from extraction.values.money import find_salaries, parse_salary
from extraction.values.places import places_of
from extraction.visible.page import PageText
from extraction.vocabulary import comparable

_WORDS = (
    "title",
    "hiring_organization",
    "experience_requirements",
    "education_requirements",
    "industry",
    "identifier",
)
_LISTS = ("skills", "responsibilities", "qualifications", "languages", "job_benefits")
_DATES = ("date_posted", "valid_through")
_NAMES = ("title", "hiring_organization", "job_location", "education_requirements", "industry", "identifier")


def put_answer(findings: Findings, answer: FactsAnswer, page: PageText, prompt: PostingPrompt) -> None:
    """Put what a model answered about the page, as far as the text supports it. A title that is the beginning
    of the page's heading is the better of the two."""
    source = SourceText(prompt.source, page.locale)
    heading = findings.get("title")
    title = " ".join((answer.title or "").split())
    if (
        findings.sources.get("title") == "text"
        and heading in page.headings
        and title != heading
        and source.contains(title)
        and is_cut_of(title, heading)
    ):
        findings.replace("title", title, "model", title)
    put_verified(findings, answer, source)


def put_verified(findings: Findings, answer: FactsAnswer, source: SourceText) -> None:
    """Add to `findings` what the answer says and the posting's text supports."""
    repeated = _repeated(answer)
    for field in _WORDS:
        _put_words(findings, field, getattr(answer, field), source, repeated)
    for field in _LISTS:
        _put_list(findings, field, getattr(answer, field, []), source)
    _put_places(findings, answer, source, repeated)
    _put_applicants(findings, answer.applicant_location, source)
    _put_employment_type(findings, answer.employment_type, source)
    _put_remote(findings, answer.work_mode, source)
    _put_salary(findings, answer.salary, source)
    for field in _DATES:
        _put_date(findings, field, getattr(answer, field), source)


def _repeated(answer: FactsAnswer) -> set[str]:
    """Words given for several things that each have a name of their own: right for one of them at most, and
    nobody can say which."""
    given = [comparable(span) for field in _NAMES if (span := getattr(answer, field))]
    counts = Counter(given)
    # An employer may be called after its town, a job is called after neither.
    title = comparable(answer.title or "")
    return {words for words, count in counts.items() if count > 2 or (count > 1 and words == title)}


def _put_words(
    findings: Findings, field: str, span: str | None, source: SourceText, repeated: set[str]
) -> None:
    if not span or findings.has(field):
        return
    if not source.contains(span):
        findings.warn(field, "not_in_source")
    elif (
        comparable(span) in repeated or not is_of_kind(field, span, source) or _is_denied(field, span, source)
    ):
        findings.warn(field, "implausible")
    else:
        findings.put(field, " ".join(span.split()), "model", span)


def _is_denied(field: str, span: str, source: SourceText) -> bool:
    return field in {"experience_requirements", "education_requirements"} and source.is_taken_back(span)


def _put_list(findings: Findings, field: str, items: list[str], source: SourceText) -> None:
    if findings.has(field):
        return
    items = list(dict.fromkeys(items))
    confirmed = [item for item in items if source.contains(item)]
    plausible = [item for item in confirmed if _is_item(field, item, source)]
    findings.put(field, plausible, "model", "; ".join(plausible))
    if len(confirmed) < len(items):
        findings.warn(field, "not_in_source", dropped=len(items) - len(confirmed))
    if len(plausible) < len(confirmed):
        findings.warn(field, "implausible", dropped=len(confirmed) - len(plausible))


def _is_item(field: str, item: str, source: SourceText) -> bool:
    if field in {"skills", "languages"}:
        return is_of_kind(field, item, source) and not source.is_taken_back(item)
    # A task or a requirement is a phrase; one word is a skill at most, where words are parted at all.
    return " " in item or len(item) > 12 or not item.isascii()


def _put_places(findings: Findings, answer: FactsAnswer, source: SourceText, repeated: set[str]) -> None:
    spans = [span for span in (answer.job_location, *answer.further_locations) if span]
    if not spans or findings.has("job_locations"):
        return
    supported: list[Place] = []
    for span in dict.fromkeys(spans):
        if not source.contains(span):
            findings.warn("job_locations", "not_in_source")
        elif comparable(span) in repeated or not is_of_kind("job_location", span, source):
            findings.warn("job_locations", "implausible")
        else:
            if is_remote_value(span) and not findings.has("job_location_type"):
                _put_remote(findings, span, source)
            supported += [place for place in places_of(span) if place not in supported]
    findings.put("job_locations", supported, "model", "; ".join(spans))


def _put_applicants(findings: Findings, span: str | None, source: SourceText) -> None:
    if not span or findings.has("applicant_location_requirements"):
        return
    if not source.contains(span):
        findings.warn("applicant_location_requirements", "not_in_source")
    elif not is_of_kind("applicant_location", span, source):
        findings.warn("applicant_location_requirements", "implausible")
    else:
        findings.put("applicant_location_requirements", parts_of(span), "model", span)


def _put_remote(findings: Findings, span: str | None, source: SourceText) -> None:
    if not span or findings.has("job_location_type") or not source.contains(span):
        return
    if is_remote_value(span) and not source.is_taken_back(span) and not _is_limited(span, source):
        findings.put("job_location_type", "TELECOMMUTE", "model", span)


def _is_limited(span: str, source: SourceText) -> bool:
    """Whether the span is a bare "remote" out of a sentence that says something else of it."""
    clauses = [clause for clause in source.text.split("\n") if span in clause]
    return (
        bool(clauses)
        and not says_remote(span)
        and all(len(clause) > len(span) + 40 and not says_remote(clause) for clause in clauses)
    )


def _put_employment_type(findings: Findings, span: str | None, source: SourceText) -> None:
    if not span or findings.has("employment_type"):
        return
    kinds = known_employment_types(span)
    if not source.contains(span) and not all(source.contains(part) for part in parts_of(span)):
        findings.warn("employment_type", "not_in_source")
    elif not kinds or source.is_taken_back(span):
        if kinds or not _says_nothing_of_kind(span):
            findings.warn("employment_type", "implausible")
    else:
        findings.put("employment_type", kinds, "model", span)


def _says_nothing_of_kind(span: str) -> bool:
    """ "Permanent" is an answer, though no kind of employment."""
    return not employment_types(span)


def _put_salary(findings: Findings, span: str | None, source: SourceText) -> None:
    if not span or findings.has("base_salary"):
        return
    stated = parse_salary(span, language=source.locale)
    if stated is None:
        findings.warn("base_salary", "unreadable" if source.contains(span) else "not_in_source")
        return
    # By value, whole: a part of a longer figure is another amount.
    found = find_salaries(source.text, trusted=True, language=source.locale)
    same = next((salary for salary in found if _same_money(salary, stated)), None)
    if same is None and not (source.contains(span) and _has_own_words(span)):
        findings.warn("base_salary", "not_in_source")
        return
    chosen = same if same is not None and stated.unit_text in {None, same.unit_text} else stated
    findings.put("base_salary", chosen, "model", span)


def _has_own_words(span: str) -> bool:
    return any(char.isalpha() for char in span) or len(span) >= 5


def _same_money(one: Salary, other: Salary) -> bool:
    ends = (one.min_value or one.max_value, one.max_value or one.min_value)
    others = (other.min_value or other.max_value, other.max_value or other.min_value)
    return ends == others and (one.currency == other.currency or None in (one.currency, other.currency))


def _put_date(findings: Findings, field: str, span: str | None, source: SourceText) -> None:
    if not span or findings.has(field):
        return
    stated = parse_date(span, language=source.language)
    found = find_dates(source.text, language=source.language)
    if stated is None or all(day.value != stated for day in found):
        is_ambiguous = stated is None and find_dates(span, language=source.language)
        findings.warn(field, "ambiguous_date" if is_ambiguous else "not_in_source")
    elif _is_misplaced(findings, field, stated):
        findings.warn(field, "implausible")
    else:
        findings.put(field, stated, "model", span)


def _is_misplaced(findings: Findings, field: str, stated: date) -> bool:
    """Posted in the future, or one date standing for both ends."""
    others = {findings.get(other) for other in _DATES if other != field}
    return stated in others or (field == "date_posted" and stated > timezone.now().date() + timedelta(days=1))
