"""Lets a model's answer into the record only as far as the posting itself says it.

Words are compared as `text.comparable` has them, dates and amounts by value. What is not in the posting is
dropped with a warning, so neither invention nor an instruction planted elsewhere can add a fact. Words that
are there but cannot be what the field is for (a number for a name) are dropped as implausible: small models
pick those.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from django.utils import timezone

from extraction.amounts import find_salaries, parse_salary
from extraction.answer import FactsAnswer, ImageAnswer
from extraction.dates import find_dates, parse_date
from extraction.findings import Findings, Source
from extraction.jobposting import EMPLOYMENT_TYPES, employment_types
from extraction.labels import says_remote
from extraction.schema import Salary
from extraction.text import comparable

_WORDS = (
    "title",
    "hiring_organization",
    "job_location",
    "experience_requirements",
    "education_requirements",
    "industry",
    "identifier",
)
_LISTS = ("skills", "responsibilities", "qualifications")
_DATES = ("date_posted", "valid_through")

_PLAUSIBLE = {
    "title": re.compile(r"(?=.*[^\W\d_]{2}).{2,120}(?<![.!?:])"),
    "hiring_organization": re.compile(r"(?=.*[^\W\d_]{2}).{2,100}(?<![!?:])"),
    "job_location": re.compile(r"(?=.*[^\W\d_]{2}).{2,120}"),
    "experience_requirements": re.compile(
        r"(?=.*(?:\d|year|experience|senior|junior|entry)).+", re.IGNORECASE
    ),
    "education_requirements": re.compile(r"(?=.*[^\W\d_]{2}).+"),
    "industry": re.compile(r"[^\d.!?:]{3,80}"),
    "identifier": re.compile(r"(?=.*\d)[\w./# -]{2,60}"),
}


class SourceText:
    """The posting's text, ready to be asked whether it contains something."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._comparable = comparable(text)

    def contains(self, span: str) -> bool:
        """Whether the span's words stand in the text, as whole words, in this order."""
        wanted = comparable(span).strip(" .,;:")
        if not wanted:
            return False
        return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", self._comparable) is not None


def put_verified(findings: Findings, answer: FactsAnswer, text: str) -> None:
    """Add to `findings` what the answer says and the posting's text confirms."""
    source = SourceText(text)
    for field in _WORDS:
        _put_words(findings, field, getattr(answer, field), source)
    for field in _LISTS:
        _put_list(findings, field, getattr(answer, field, []), source)
    _put_employment_type(findings, answer.employment_type, source)
    if answer.work_mode and source.contains(answer.work_mode) and says_remote(answer.work_mode):
        findings.put("job_location_type", "TELECOMMUTE", "model")
    _put_salary(findings, answer.salary, source)
    for field in _DATES:
        _put_date(findings, field, getattr(answer, field), text)


def put_unverified(findings: Findings, answer: ImageAnswer) -> None:
    """Add what a model read in a picture: there is no text to hold it against, and the record says so."""
    origin: Source = "model"
    for field in (*_WORDS, *_LISTS):
        findings.put(field, getattr(answer, field), origin)
    findings.put("employment_type", employment_types(answer.employment_type or ""), origin)
    if answer.work_mode and says_remote(answer.work_mode):
        findings.put("job_location_type", "TELECOMMUTE", origin)
    if answer.salary:
        findings.put("base_salary", parse_salary(answer.salary), origin)
    for field in _DATES:
        findings.put(field, parse_date(getattr(answer, field) or ""), origin)
    findings.put("description", answer.text, origin)
    if findings.sources:
        findings.warn(None, "unverified_image")


def _put_words(findings: Findings, field: str, span: str | None, source: SourceText) -> None:
    if not span or findings.has(field):
        return
    if not source.contains(span):
        findings.warn(field, "not_in_source")
    elif not _PLAUSIBLE[field].fullmatch(span):
        findings.warn(field, "implausible")
    else:
        findings.put(field, " ".join(span.split()), "model")


def _put_list(findings: Findings, field: str, items: list[str], source: SourceText) -> None:
    if findings.has(field):
        return
    items = list(dict.fromkeys(items))
    confirmed = [item for item in items if source.contains(item)]
    # A task or a requirement is a phrase; one word is a skill at most.
    plausible = [item for item in confirmed if field == "skills" or " " in item]
    findings.put(field, plausible, "model")
    if len(confirmed) < len(items):
        findings.warn(field, "not_in_source", dropped=len(items) - len(confirmed))
    if len(plausible) < len(confirmed):
        findings.warn(field, "implausible", dropped=len(confirmed) - len(plausible))


def _put_employment_type(findings: Findings, span: str | None, source: SourceText) -> None:
    if not span or findings.has("employment_type"):
        return
    kinds = [kind for kind in employment_types(span) if kind in EMPLOYMENT_TYPES]
    if not source.contains(span):
        findings.warn("employment_type", "not_in_source")
    elif not kinds:
        findings.warn("employment_type", "implausible")
    else:
        findings.put("employment_type", kinds, "model")


def _put_salary(findings: Findings, span: str | None, source: SourceText) -> None:
    if not span or findings.has("base_salary"):
        return
    stated = parse_salary(span)
    if stated is None:
        findings.warn("base_salary", "unreadable" if source.contains(span) else "not_in_source")
        return
    if not source.contains(span):
        stated = next((s for s in find_salaries(source.text, trusted=True) if _same_money(s, stated)), None)
    if stated is None:
        findings.warn("base_salary", "not_in_source")
    findings.put("base_salary", stated, "model")


def _same_money(one: Salary, other: Salary) -> bool:
    return (one.min_value, one.max_value, one.currency) == (other.min_value, other.max_value, other.currency)


def _put_date(findings: Findings, field: str, span: str | None, text: str) -> None:
    if not span or findings.has(field):
        return
    stated = parse_date(span)
    if stated is None or all(found.value != stated for found in find_dates(text)):
        findings.warn(field, "ambiguous_date" if stated is None and find_dates(span) else "not_in_source")
    elif _is_misplaced(findings, field, stated):
        findings.warn(field, "implausible")
    else:
        findings.put(field, stated, "model")


def _is_misplaced(findings: Findings, field: str, stated: date) -> bool:
    """Posted in the future, or one date standing for both ends."""
    others = {getattr(findings.data, other) for other in _DATES if other != field}
    return stated in others or (field == "date_posted" and stated > timezone.now().date() + timedelta(days=1))
