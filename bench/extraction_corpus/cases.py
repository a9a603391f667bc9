"""The labelled set as objects. README.md says what the keys mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

CASES = Path(__file__).parent / "cases"

NOT_POSTINGS = frozenset(
    {
        "login_wall",
        "cookie_wall",
        "challenge",
        "not_found",
        "closed",
        "listing",
        "unrendered",
        "empty",
        "other",
    }
)
LISTS = frozenset(
    {
        "applicant_location_requirements",
        "responsibilities",
        "qualifications",
        "skills",
        "job_benefits",
        "languages",
        "contact_emails",
        "description",
        "description_lacks",
        "employment_type",
    }
)
TEXTS = frozenset(
    {
        "title",
        "hiring_organization",
        "experience_requirements",
        "education_requirements",
        "industry",
        "identifier",
        "apply_url",
    }
)
DATES = frozenset({"date_posted", "valid_through"})
FIELDS = LISTS | TEXTS | DATES | {"job_locations", "job_location_type", "base_salary", "is_closed"}
_SUFFIXES = {
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
}
_EMPLOYMENT = frozenset(
    {
        "FULL_TIME",
        "PART_TIME",
        "CONTRACTOR",
        "TEMPORARY",
        "INTERN",
        "VOLUNTEER",
        "PER_DIEM",
        "OTHER",
    }
)
_UNITS = frozenset(
    {
        "HOUR",
        "DAY",
        "WEEK",
        "MONTH",
        "YEAR",
    }
)


@dataclass(frozen=True)
class Case:
    """One page and what a careful reader takes from it. `url` is None for what was pasted or uploaded."""

    name: str
    path: Path = field(repr=False)
    about: str
    author: Literal["a", "b"]
    language: str
    shape: Literal["structured", "unstructured"]
    url: str | None = None
    content_type: str | None = None
    not_a_posting: str | None = None
    expected: dict[str, Any] = field(default_factory=dict, repr=False)
    words: dict[str, str] = field(default_factory=dict, repr=False)
    unscored: list[str] = field(default_factory=list)
    other_jobs: list[str] = field(default_factory=list)
    transcript: str | None = field(default=None, repr=False)

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()

    @property
    def header(self) -> str:
        """The Content-Type it is served with; "" for none."""
        return _SUFFIXES[self.path.suffix] if self.content_type is None else self.content_type

    def problems(self) -> Iterator[str]:
        """Slips of whoever wrote the case."""
        if self.author not in {"a", "b"} or self.shape not in {"structured", "unstructured"}:
            yield "author is a or b, shape is structured or unstructured"
        if not re.fullmatch("[a-z]{2}", self.language):
            yield "language is two small letters"
        if self.not_a_posting is not None:
            if self.not_a_posting not in NOT_POSTINGS:
                yield f"not_a_posting knows {', '.join(sorted(NOT_POSTINGS))}"
            if self.expected:
                yield "a page that is no posting expects nothing"
            return
        for name in (*self.expected, *self.words, *self.unscored):
            if name not in FIELDS:
                yield f"there is no field {name}"
        if not self.expected.get("title"):
            yield "a posting has a title"
        yield from self._wrong_forms()
        if self.path.suffix == ".png" and not self.transcript:
            yield "a picture has a transcript"

    def _wrong_forms(self) -> Iterator[str]:
        for name, value in self.expected.items():
            good = {
                "job_locations": lambda v: isinstance(v, list) and all(_is_place(place) for place in v),
                "job_location_type": lambda v: v == "TELECOMMUTE",
                "base_salary": _is_pay,
                "is_closed": lambda v: v is True,
                "employment_type": lambda v: isinstance(v, list) and set(v) <= _EMPLOYMENT,
            }.get(name)
            if good is None and name in LISTS:
                good = _is_texts
            elif good is None and name in DATES:
                good = _is_date
            elif good is None:
                good = _is_text
            if not good(value):
                yield f"{name} is not in the form it should have: {value!r}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_text(entry) for entry in value)


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) is not None


def _is_place(value: Any) -> bool:
    if not isinstance(value, dict) or not value or set(value) - {"locality", "region", "country"}:
        return False
    return re.fullmatch("[A-Z]{2}", value.get("country", "XX")) is not None


def _is_pay(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) - {"currency", "min_value", "max_value", "unit_text"}:
        return False
    return (
        re.fullmatch("[A-Z]{3}", value.get("currency", "XXX")) is not None
        and value.get("unit_text", "YEAR") in _UNITS
        and all(isinstance(value[end], int | float) for end in ("min_value", "max_value") if end in value)
        and bool({"min_value", "max_value"} & set(value))
    )


def load_case(folder: Path) -> Case:
    """Raises FileNotFoundError, ValueError or TypeError for a folder that is no case."""
    pages = sorted(path for path in folder.iterdir() if path.stem == "page" and path.suffix in _SUFFIXES)
    if len(pages) != 1:
        raise ValueError(f"{folder.name} holds {len(pages)} pages; it should hold one.")
    return Case(name=folder.name, path=pages[0], **json.loads((folder / "case.json").read_text("utf-8")))


def load_cases(folder: Path = CASES) -> Iterator[Case]:
    """Every case, by name."""
    return (load_case(case) for case in sorted(folder.iterdir()) if case.is_dir())
