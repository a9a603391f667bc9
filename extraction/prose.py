"""What a posting's words state plainly enough to be read by rule, without a model."""

from __future__ import annotations

import re

from extraction.findings import Findings
from extraction.sections import Labelled, labelled_values, listed_sections
from extraction.structured.texts import parts_of
from extraction.subject import heading_values, named_employer, named_title
from extraction.values.dates import find_dates, parse_date
from extraction.values.employment import (
    is_remote_value,
    known_employment_types,
    says_remote,
    stated_education,
    stated_experience,
    stated_languages,
)
from extraction.values.money import find_salaries, parse_salary
from extraction.values.places import places_of
from extraction.visible.page import PageText
from extraction.vocabulary import by_term, comparable, pattern, terms

_WORDS = (
    "title",
    "hiring_organization",
    "industry",
    "identifier",
    "experience_requirements",
    "education_requirements",
)
_FRAME_LINES = 14
_MAX_FRAME_LINE = 80


def put_stated(findings: Findings, page: PageText) -> None:
    """Labelled lines, lists under their headings, dates and pay beside the words for them, the page's own
    heading, the way to apply. Only gaps are filled."""
    text = page.text
    labelled = labelled_values(text)
    for field in _WORDS:
        if (found := labelled.get(field)) and _is_plausible(field, found.value):
            findings.put(field, found.value, "text", found.line)
    _put_places(findings, labelled)
    _put_employment(findings, labelled, text)
    for field in ("skills", "languages"):
        if found := labelled.get(field):
            findings.put(field, parts_of(found.value), "text", found.line)
    for field, value in heading_values(page).items():
        findings.put(field, value, "text", page.headings[0])
    findings.put("title", named_title(text), "text")
    findings.put("hiring_organization", named_employer(text), "text")
    put_lists(findings, page)
    _put_dates(findings, labelled, page)
    _put_remote(findings, labelled, text)
    _put_ways(findings, page)


def put_lists(findings: Findings, page: PageText) -> None:
    """The lists of a text under their headings, and the pay it states."""
    for field, items in listed_sections(page.text).items():
        findings.put(field, items, "text")
    _put_salary(findings, labelled_values(page.text).get("salary"), page)


def _is_plausible(field: str, value: str) -> bool:
    if field == "identifier":
        return re.search(r"\d", value) is not None and len(value) <= 60 and parse_date(value) is None
    if field in {"hiring_organization", "title"}:
        return len(value) <= 120 and len(re.findall(r"[^\W\d_]", value)) > 1 and value[-1:] not in "?!"
    return len(value) <= 160


def _put_places(findings: Findings, labelled: dict[str, Labelled]) -> None:
    if found := labelled.get("job_location"):
        if is_remote_value(found.value):
            findings.put("job_location_type", "TELECOMMUTE", "text", found.line)
        findings.put("job_locations", places_of(found.value), "text", found.line)
    if found := labelled.get("applicant_location_requirements"):
        findings.put("applicant_location_requirements", parts_of(found.value), "text", found.line)


def _put_employment(findings: Findings, labelled: dict[str, Labelled], text: str) -> None:
    if found := labelled.get("employment_type"):
        findings.put("employment_type", known_employment_types(found.value), "text", found.line)
    if findings.has("employment_type"):
        return
    # Short lines that say nothing else, around the heading.
    kinds: list[str] = []
    lines: list[str] = []
    for line in [line for line in text.split("\n") if line.strip()][:_FRAME_LINES]:
        for part in re.split(r"\s+[|·•–-]\s+", line.strip(" -#*")):
            words = comparable(part)
            rest = pattern("employment").sub("", words)
            if len(part) <= _MAX_FRAME_LINE and rest != words and not re.search(r"[^\W\d_]{3}", rest):
                kinds += known_employment_types(part)
                lines.append(part)
    findings.put("employment_type", list(dict.fromkeys(kinds)), "text", ", ".join(lines))


def put_requirements(findings: Findings, text: str) -> None:
    """Experience, education and languages by the requirements that are about them, where nothing else says
    it."""
    items = findings.get("qualifications") or []
    findings.put("experience_requirements", stated_experience(items, text), "text")
    findings.put("education_requirements", stated_education(items, text), "text")
    findings.put("languages", stated_languages(items), "text")


def put_schedule(findings: Findings, text: str) -> None:
    """Full or part time, where the text has words for one of them only: less than what it may say in all."""
    schedules = _schedules(text)
    if len({kind for kind, _ in schedules}) == 1:
        kind, line = schedules[0]
        findings.put("employment_type", [kind], "text", line)


def _schedules(text: str) -> list[tuple[str, str]]:
    """Each mention of full or part time, by words that mean nothing else, with its line."""
    found = []
    for line in text.split("\n")[:400]:
        for match in pattern("employment").finditer(comparable(line[:2000])):
            kind = by_term("employment")[match[0]]
            if kind in {"FULL_TIME", "PART_TIME"} and (len(match[0]) >= 7 or not match[0].isascii()):
                found.append((kind, line))
    return found


def _put_salary(findings: Findings, labelled: Labelled | None, page: PageText) -> None:
    if findings.has("base_salary"):
        return
    # The label may say the period ("Annual salary", "月給").
    if labelled and (salary := parse_salary(labelled.value, language=page.locale)):
        if salary.unit_text is None and (whole := parse_salary(labelled.line, language=page.locale)):
            salary.unit_text = whole.unit_text
        findings.put("base_salary", salary, "text", labelled.line)
        return
    salaries = find_salaries(page.text, language=page.locale)
    if len(salaries) == 1:
        findings.put("base_salary", salaries[0], "text", _line_with_figure(page))


def _line_with_figure(page: PageText) -> str:
    return next((line for line in page.text.split("\n") if find_salaries(line, language=page.locale)), "")


def _put_dates(findings: Findings, labelled: dict[str, Labelled], page: PageText) -> None:
    for field in ("date_posted", "valid_through"):
        if found := labelled.get(field):
            days = [day.value for day in find_dates(found.value, language=page.language)]
            # Of a span, its end is the last day to apply.
            value = days[-1] if len(days) == 2 and field == "valid_through" else None
            value = value or parse_date(found.value, language=page.language)
            findings.put(field, value, "text", found.line)
    by_role: dict[str, dict[object, str]] = {}
    for day in find_dates(page.text, language=page.language):
        line_start = page.text.rfind("\n", 0, day.start) + 1
        role = _date_role(page.text[max(line_start, day.start - 80) : day.start])
        if _is_last_day(page.text[day.end : day.end + 16]):
            role = "valid_through"
        if role:
            line_end = page.text.find("\n", day.end)
            line = page.text[line_start : line_end if line_end >= 0 else None]
            by_role.setdefault(role, {}).setdefault(day.value, line[:300])
    for field, values in by_role.items():
        if len(values) == 1:
            day_stated, line = next(iter(values.items()))
            findings.put(field, day_stated, "text", line)


def _date_role(before: str) -> str | None:
    """Which field a date belongs to, by the words right before it on its line."""
    words = comparable(before[-80:])
    ends: dict[str, int] = {}
    for field in ("valid_through", "date_posted"):
        for match in pattern("dates", field).finditer(words):
            if len(words) - match.end() <= 24 and not re.search(r"\d", words[match.end() :]):
                ends[field] = match.end()
    return max(ends, key=lambda field: ends[field], default=None)


def _is_last_day(after: str) -> bool:
    """Whether the words right after a date make it the last day ("2026年3月4日まで")."""
    return re.match(r"\s?(?:まで|締切|截止|까지|tarihine kadar|तक)", after) is not None


def _put_remote(findings: Findings, labelled: dict[str, Labelled], text: str) -> None:
    if (found := labelled.get("work_mode")) and is_remote_value(found.value):
        findings.put("job_location_type", "TELECOMMUTE", "text", found.line)
    frame = [line.strip(" -#*") for line in text.split("\n") if line.strip()][:_FRAME_LINES]
    for line in frame:
        if (
            len(line) <= _MAX_FRAME_LINE
            and comparable(line) in terms("remote_only")
            and not _is_taken_back(text)
        ):
            findings.put("job_location_type", "TELECOMMUTE", "text", line)
    if says_remote(text):
        line = next((line for line in text.split("\n") if says_remote(line)), "")
        findings.put("job_location_type", "TELECOMMUTE", "text", line)


_ADDRESS = re.compile(r"https?://[^\s<>\"'()]{4,500}[^\s<>\"'().,;:!?]")


def _written_address(text: str) -> str | None:
    """The one address that is written out on lines about applying."""
    found = {
        match[0]
        for line in text.split("\n")
        if "://" in line and pattern("apply").search(comparable(line))
        for match in _ADDRESS.finditer(line)
    }
    return found.pop() if len(found) == 1 else None


def _is_taken_back(text: str) -> bool:
    return pattern("not_remote").search(comparable(text[:3000])) is not None and not says_remote(text)


def _put_ways(findings: Findings, page: PageText) -> None:
    """How to apply, and whether one still can."""
    findings.put("apply_url", page.apply_url, "text")
    findings.put("apply_url", _written_address(page.text), "text")
    findings.put("contact_emails", list(page.emails), "text")
    for line in page.text.split("\n"):
        if len(line) <= 200 and pattern("pages", "closed").search(comparable(line)):
            findings.put("is_closed", True, "text", line)
