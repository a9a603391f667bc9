"""What counts as a profile: a document that the JSON Resume schema v1.0.0 accepts once it was normalised.

`schema/jsonresume.json` is the file of the npm package `resume-schema` 1.0.0, unchanged (MIT licence beside
it). People write JSON Resumes by hand and by tools of every age, so what can only mean one thing is read as
that, and reported: empty values stand for absent ones, v0.0.0 names for those of today, `example.com` for its
address, 2023-9-28 for 2023-09-28. Sections the schema does not know are kept as they are, under their own
names.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, ValidationError

from drafting.errors import InvalidProfile

SCHEMA_PATH = Path(__file__).parent / "schema" / "jsonresume.json"
MAX_BYTES = 256 * 1024
# A JSON Resume has six levels. What walks a document calls itself for each, a few times.
_MOST_LEVELS = 60
_MAX_ERRORS_SHOWN = 20

Resume = dict[str, Any]

# v0.0.0 and what tools made of it, by section: old name, today's.
_RENAMED = {
    "basics": {"website": "url", "picture": "image"},
    "work": {"company": "name", "website": "url"},
    "volunteer": {"website": "url", "company": "organization", "name": "organization"},
    "education": {"website": "url", "gpa": "score", "school": "institution"},
    "projects": {"website": "url"},
    "publications": {"website": "url"},
    "certificates": {"website": "url"},
}
_RENAMED_SECTIONS = {"hobbies": "interests", "certifications": "certificates"}
_DATES = frozenset({"startDate", "endDate", "date", "releaseDate"})
_LINKS = frozenset({"url", "image"})
_LOOSE_DATE = re.compile(
    r"^(?P<year>[12]\d{3})(?:[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?)?(?:T.*)?$"
)
_NOW = frozenset(
    [
        "present",
        "now",
        "current",
        "ongoing",
        "today",
        "heute",
        "aktuell",
        "présent",
        "actuel",
        "actualidad",
        "presente",
        "atual",
        "sasa",
    ]
)
_BARE_LINK = re.compile(r"^[\w-]+(?:\.[\w-]+)+(?:/\S*)?$")
_MONTHS = range(1, 13)


@dataclass(frozen=True, slots=True)
class ReadResume:
    """A resume fit to use. `changes` say what was read in another way than it was written:
    `{"path": "work/0/company", "change": "renamed", "to": "name"}`."""

    resume: Resume
    changes: list[dict[str, str]] = field(default_factory=list)


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return schema


@cache
def _validator() -> Draft4Validator:
    # Draft 4 knows no format `date`. The schema names it in one place (certificates) and lets a year or a
    # month stand for a date everywhere else. Sections it does not know are the user's own business.
    open_schema = _schema() | {"additionalProperties": True}
    return Draft4Validator(open_schema, format_checker=Draft4Validator.FORMAT_CHECKER)


def why_not_storable(document: object) -> str:
    """Why a JSON value cannot be kept, in a sentence; empty when it can. No database keeps NUL characters or
    lone surrogates, both of which JSON may hold, and nobody's CV is larger than MAX_BYTES."""
    if _is_deeper(document, _MOST_LEVELS):
        return "The document is nested too deeply."
    try:
        text = json.dumps(document, ensure_ascii=False)
        size = len(text.encode())
    except (UnicodeEncodeError, ValueError):
        return "The document holds text that is not valid Unicode; correct it."
    if "\\u0000" in text.replace("\\\\", ""):
        return "The document holds NUL characters; remove them."
    return f"The document is larger than {MAX_BYTES // 1024} KiB; shorten it." if size > MAX_BYTES else ""


def _is_deeper(document: object, levels: int) -> bool:
    level = [document]
    for _ in range(levels):
        members = [
            one.values() if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list))
        ]
        level = list(itertools.chain.from_iterable(members))
    return bool(level)


def normalised_resume(document: object) -> ReadResume:
    """The document as a JSON Resume, with what had to be read differently.

    Raises InvalidProfile naming every place that cannot be read: a value of a wrong type, a date that is
    none, an end before its start, or what cannot be kept.
    """
    if not isinstance(document, dict):
        raise _invalid([{"path": "", "message": "A JSON object is expected here."}])
    if obstacle := why_not_storable(document):
        raise _invalid([{"path": "", "message": obstacle}])
    changes: list[dict[str, str]] = []
    resume = _normalised(deepcopy(document), changes)
    errors = sorted(_validator().iter_errors(resume), key=lambda error: [str(step) for step in error.path])
    found = [_described(error) for error in errors] or list(_impossible_dates(resume))
    if found:
        raise _invalid(found[:_MAX_ERRORS_SHOWN])
    return ReadResume(resume, changes)


def _normalised(document: Resume, changes: list[dict[str, str]]) -> Resume:
    for old, new in _RENAMED_SECTIONS.items():
        if old in document and new not in document:
            document[new] = document.pop(old)
            changes.append({"path": old, "change": "renamed", "to": new})
    known = _schema()["properties"]
    for section in list(document):
        if section not in known or section in ("$schema", "meta"):
            if section not in known:
                changes.append({"path": section, "change": "kept", "to": "not printed"})
            continue
        value = _without_empty(document[section], section, changes)
        if value in (None, [], {}):
            document.pop(section)
            continue
        items = value if isinstance(value, list) else [value]
        document[section] = value
        for index, item in enumerate(items):
            if isinstance(item, dict):
                at = f"{section}/{index}" if isinstance(value, list) else section
                _normalise_item(item, section, at, changes)
    return document


def _without_empty(value: Any, at: str, changes: list[dict[str, str]]) -> Any:
    """The value without members that are null or blank, at every depth."""
    if isinstance(value, dict):
        kept = {name: _without_empty(member, f"{at}/{name}", changes) for name, member in value.items()}
        for name, member in kept.items():
            if member is None:
                changes.append({"path": f"{at}/{name}", "change": "dropped", "to": "absent"})
        return {name: member for name, member in kept.items() if member is not None}
    if isinstance(value, list):
        items = [_without_empty(item, f"{at}/{index}", changes) for index, item in enumerate(value)]
        return [item for item in items if item not in (None, {})]
    if isinstance(value, str) and not value.strip():
        return None
    return value


def _normalise_item(item: dict[str, Any], section: str, at: str, changes: list[dict[str, str]]) -> None:
    for old, new in _RENAMED.get(section, {}).items():
        if isinstance(item.get(old), str) and new not in item:
            item[new] = item.pop(old)
            changes.append({"path": f"{at}/{old}", "change": "renamed", "to": new})
    for name in _DATES & item.keys():
        _normalise_date(item, name, at, changes)
    for name in _LINKS & item.keys():
        link = item[name]
        if isinstance(link, str) and _BARE_LINK.match(link.strip()):
            item[name] = f"https://{link.strip()}"
            changes.append({"path": f"{at}/{name}", "change": "completed", "to": item[name]})
    for name in ("highlights", "keywords", "courses", "roles"):
        if isinstance(item.get(name), str):
            item[name] = [item[name]]
            changes.append({"path": f"{at}/{name}", "change": "made a list", "to": "list"})
    profiles = item.get("profiles") if section == "basics" else None
    for number, profile in enumerate(profiles if isinstance(profiles, list) else ()):
        if isinstance(profile, dict):
            _normalise_item(profile, "profiles", f"{at}/profiles/{number}", changes)


def _normalise_date(item: dict[str, Any], name: str, at: str, changes: list[dict[str, str]]) -> None:
    written = item[name]
    if isinstance(written, int) and not isinstance(written, bool):
        written = str(written)
    if not isinstance(written, str):
        return
    if name == "endDate" and written.strip().casefold() in _NOW:
        item.pop(name)
        changes.append({"path": f"{at}/{name}", "change": "dropped", "to": "goes on"})
        return
    if match := _LOOSE_DATE.match(written.strip()):
        parts = [match["year"], *(f"{int(match[one]):02}" for one in ("month", "day") if match[one])]
        date = "-".join(parts)
        if date != item[name]:
            item[name] = date
            changes.append({"path": f"{at}/{name}", "change": "completed", "to": date})


def _dated(resume: Resume) -> Iterator[tuple[str, dict[str, Any]]]:
    for section in ("work", "volunteer", "education", "projects"):
        for index, item in enumerate(resume.get(section) or []):
            if isinstance(item, dict):
                yield f"{section}/{index}", item


def _impossible_dates(resume: Resume) -> Iterator[dict[str, str]]:
    for at, item in _dated(resume):
        for name in ("startDate", "endDate"):
            parts = str(item.get(name) or "").split("-")
            if len(parts) > 1 and parts[1].isdigit() and int(parts[1]) not in _MONTHS:
                yield {"path": f"{at}/{name}", "message": "Not a date: the month is none."}
        start, end = str(item.get("startDate") or ""), str(item.get("endDate") or "")
        length = min(len(start), len(end))
        if length and end[:length] < start[:length]:
            yield {"path": f"{at}/endDate", "message": "It ends before it starts. Correct one of the dates."}


def dates_out_of_order(resume: Resume) -> list[dict[str, str]]:
    """What a reader of the jobs would stumble over: gaps of more than three months, and an order that is
    not the newest first. Rows of `{"kind": "gap" | "order", "path", "message"}`."""
    jobs = [
        (at, str(item.get("startDate") or ""), str(item.get("endDate") or "9999-12"))
        for at, item in _dated(resume)
        if at.startswith("work/") and item.get("startDate")
    ]
    rows = []
    for (newer, start, _), (older, _, end) in itertools.pairwise(jobs):
        if (
            end > start
            and _months(end) - _months(start) > 0
            and end[:4] != "9999"
            and jobs[0][1] < jobs[-1][1]
        ):
            rows.append({"kind": "order", "path": older, "message": "The jobs are not listed newest first."})
        gap = _months(start) - _months(end) - 1
        if len(start) > 4 and len(end) > 4 and gap > 3:
            text = f"Between this job and the next there are {gap} months."
            rows.append({"kind": "gap", "path": newer, "message": text})
    return rows


def _months(date: str) -> int:
    year, _, month = date[:7].partition("-")
    return int(year) * 12 + int(month or 1)


def _invalid(errors: list[dict[str, str]]) -> InvalidProfile:
    return InvalidProfile(details={"errors": errors})


def _described(error: ValidationError) -> dict[str, str]:
    """Path and reason without the value: an error reply is no place for somebody's telephone number."""
    reasons = {
        "type": f"Expected {error.validator_value}.",
        "format": f"Not a valid {error.validator_value}.",
        "pattern": "Not a date: write YYYY, YYYY-MM or YYYY-MM-DD.",
    }
    message = reasons.get(str(error.validator), f"Breaks the rule '{error.validator}'.")
    return {"path": "/".join(str(step) for step in error.absolute_path), "message": message}
