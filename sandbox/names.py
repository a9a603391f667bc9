"""What the fields of a schema are called in postings, so that a value can be found by its label."""

import re
from typing import Literal

from sandbox.reading import normalised

# Each group: words for the same thing, normalised. A field belongs to the first group that holds its name.
_GROUPS = (
    ("job title", "title", "position", "role", "vacancy"),
    ("hiring organization", "company", "employer", "company name", "organization", "organisation"),
    ("job location", "location", "place of work", "city", "workplace", "office"),
    ("employment type", "type of employment", "contract type", "job type", "contract"),
    ("salary", "base salary", "pay", "compensation", "wage", "remuneration"),
    ("date posted", "posted", "posted on", "published", "publication date"),
    ("valid through", "apply by", "deadline", "application deadline", "closing date", "expires", "closes"),
    ("skills", "required skills", "key skills", "technologies", "tech stack"),
    ("responsibilities", "what you will do", "what you ll do", "your tasks", "tasks", "duties", "your role"),
    ("qualifications", "requirements", "what you bring", "your profile", "who you are", "what we expect"),
    ("experience requirements", "experience", "years of experience"),
    ("education requirements", "education", "degree"),
    ("industry", "sector"),
    ("identifier", "reference", "ref", "job id", "reference number", "job reference"),
    ("url", "link", "website", "apply at"),
    ("description", "job description", "about the job", "about the role", "about the position"),
    ("applicant location requirements", "remote within", "eligible countries"),
    ("work mode", "remote", "remote work", "workplace type"),
    ("benefits", "what we offer", "we offer", "perks"),
    ("email", "e mail", "contact", "write to"),
)  # fmt: skip

# How values that stand in enums are said in prose.
ENUM_WORDS = {
    "telecommute": ("remote", "telework", "work from home", "home office"),
    "hour": ("per hour", "hourly", "an hour"),
    "day": ("per day", "daily", "a day"),
    "week": ("per week", "weekly", "a week"),
    "month": ("per month", "monthly", "a month"),
    "year": ("per year", "yearly", "a year", "annual", "annually", "per annum"),
    "contractor": ("contract", "freelance"),
    "intern": ("internship",),
}

_MONEY_PARTS = {
    "low": {"min", "minimum", "low", "from", "value", "amount"},
    "high": {"max", "maximum", "high", "to"},
    "currency": {"currency"},
}
_DATE_WORDS = {"date", "deadline", "through", "expires", "posted"}


def labels_of(name: str, title: str = "") -> list[str]:
    """Normalised labels under which the value of this property may stand, the likeliest first."""
    own = [normalised(name), normalised(title)]
    for group in _GROUPS:
        if own[0] in group or own[1] in group:
            return [*dict.fromkeys(filter(None, [*own, *group]))]
    return [*dict.fromkeys(filter(None, own))]


def kind_of_name(name: str) -> Literal["title", "company", "place", "text"] | None:
    """For the fields whose value can be told without a label."""
    plain = normalised(name)
    if plain in _GROUPS[0]:
        return "title"
    if plain in _GROUPS[1]:
        return "company"
    if plain in {"text", "transcript", "full text"}:
        return "text"
    return "place" if plain in _GROUPS[2] else None


def is_date(name: str) -> bool:
    return bool(_DATE_WORDS & set(normalised(name).split()))


def is_id(name: str) -> bool:
    words = set(normalised(name).split())
    return bool(words & {"id", "ids", "source", "sources", "ref", "fact", "facts", "entry"})


def is_prose_list(name: str) -> bool:
    return normalised(name).rstrip("s") in {"paragraph", "sentence", "line", "body", "point"}


def money_part(path: str) -> str | None:
    """Which part of a salary the property at this path is (`base salary min value`), if it is one."""
    words = set(normalised(path).split())
    if not words & {"salary", "pay", "compensation", "wage", "remuneration"}:
        return None
    for part in ("currency", "high", "low"):
        if words & _MONEY_PARTS[part]:
            return part
    return None


# A line that starts with the id of its source: `work-1.h2: Cut the time it takes to plan a route`.
SOURCE_LINE = re.compile(
    r"^\W*(?P<id>[A-Za-z]+[-_.]?\d+(?:[-_.][A-Za-z]*\d+)*)\b[\])}:.|\s\u2013\u2014-]+(?P<rest>\S.*)$"
)
