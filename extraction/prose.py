"""What a posting's prose states plainly enough to be read by rule, without a model."""

from __future__ import annotations

import re

from extraction.amounts import find_salaries, parse_salary
from extraction.dates import find_dates, parse_date
from extraction.findings import Findings
from extraction.jobposting import employment_types
from extraction.labels import date_role, heading_values, labelled_values, says_remote, stated_schedule
from extraction.sections import listed_sections, named_employer, named_title

_NOT_A_TITLE = re.compile(
    r"\b(?:careers?|jobs|vacanc(?:y|ies)|join (?:us|our)|we(?:'|\u2019)?(?:re| are) hiring|"
    r"work (?:with|for) us|open positions|opportunities|home|welcome|hiring|"
    r"job (?:details|description|posting|advert\w*)|"
    r"about)\b",
    re.IGNORECASE,
)


def put_stated(findings: Findings, text: str, headings: tuple[str, ...]) -> None:
    """Labelled lines, a page's own heading, lists under theirs, dates and pay beside the words for them."""
    labelled = labelled_values(text)
    if labelled.get("job_location", "").casefold() == "remote":
        del labelled["job_location"]
        findings.put("job_location_type", "TELECOMMUTE", "text")
    for field in (
        "title",
        "hiring_organization",
        "job_location",
        "industry",
        "identifier",
        "experience_requirements",
        "education_requirements",
    ):
        findings.put(field, labelled.get(field), "text")
    findings.put("skills", _list_of(labelled.get("skills", "")), "text")
    findings.put("employment_type", employment_types(labelled.get("employment_type", "")), "text")
    if headings:
        put_heading(findings, text, headings)
    findings.put("title", named_title(text), "text")
    findings.put("hiring_organization", named_employer(text), "text")
    for field, items in listed_sections(text).items():
        findings.put(field, items, "text")
    _put_salary(findings, labelled.get("salary"), text)
    _put_dates(findings, labelled, text)
    if says_remote(text):
        findings.put("job_location_type", "TELECOMMUTE", "text")
    if schedule := stated_schedule(text):
        findings.put("employment_type", [schedule], "text")


def put_heading(findings: Findings, text: str, headings: tuple[str, ...] = ()) -> None:
    """Title, and employer where the heading names it. Without `headings` the first line is taken for one: a
    guess by position, so it comes after the model."""
    titles = tuple(heading for heading in headings if not _NOT_A_TITLE.search(heading))
    if headings and not titles:
        return
    for field, value in heading_values(titles, text).items():
        if not _NOT_A_TITLE.search(value) or field != "title":
            findings.put(field, value, "text")


def _put_salary(findings: Findings, labelled: str | None, text: str) -> None:
    if labelled and (salary := parse_salary(labelled)):
        findings.put("base_salary", salary, "text")
        return
    salaries = find_salaries(text)
    if len(salaries) == 1:
        findings.put("base_salary", salaries[0], "text")


def _put_dates(findings: Findings, labelled: dict[str, str], text: str) -> None:
    for field in ("date_posted", "valid_through"):
        findings.put(field, parse_date(labelled.get(field, "")), "text")
    by_role: dict[str, set[object]] = {}
    for found in find_dates(text):
        line_start = text.rfind("\n", 0, found.start) + 1
        if role := date_role(text[max(line_start, found.start - 80) : found.start]):
            by_role.setdefault(role, set()).add(found.value)
    for field, values in by_role.items():
        if len(values) == 1:
            findings.put(field, values.pop(), "text")


def _list_of(value: str) -> list[str]:
    return list(dict.fromkeys(part.strip(" .") for part in re.split(r"[,;•|]", value) if part.strip(" .")))
