"""What a posting says of itself so plainly that no model is needed: labelled lines and headings."""

from __future__ import annotations

import re

from extraction.text import comparable

MAX_VALUE = 200

_LABELS = {
    "title": "job title|title|position|position title|role|vacancy|job",
    "hiring_organization": "company|company name|employer|organi[sz]ation|hiring organi[sz]ation|"
    "hiring company",
    "job_location": "location|job location|work location|place of work|workplace|duty station|based in|"
    "office",
    "employment_type": "employment type|job type|contract type|type of employment|type of contract|"
    "employment",
    "salary": "salary|salary range|pay|pay range|compensation|base salary|annual salary|remuneration|"
    "hourly rate",
    "date_posted": "date posted|posted|posted on|published|published on|publication date",
    "valid_through": "apply by|apply before|closing date|deadline|application deadline|applications close|"
    "valid through|valid until",
    "experience_requirements": "experience|experience required|required experience|years of experience",
    "education_requirements": "education|education required|degree|minimum education",
    "industry": "industry|sector",
    "identifier": "job id|job reference|reference|reference number|requisition id|req id|job ref|"
    "vacancy number",
    "skills": "skills|key skills|required skills|technical skills|tech stack|technologies",
}
# A label may stand on a line of its own above its value, as pages lay out definition lists; only those whose
# values are short, so that a section's heading is not taken for one.
_STACKED = frozenset(
    {
        "hiring_organization",
        "job_location",
        "employment_type",
        "salary",
        "date_posted",
        "valid_through",
        "identifier",
        "industry",
    }
)
_BY_LABEL = {label: re.compile(rf"(?:{names})", re.IGNORECASE) for label, names in _LABELS.items()}
_LINE = re.compile(
    r"^[\s\-*•·|]*(?P<label>[A-Za-z][A-Za-z /]{1,30}?)[*\s]*[:\uff1a|][*\s]*(?P<value>\S.{0,400})?$"
)
_AT = re.compile(r"^(?P<title>.{3,90}?) (?:at|@) (?P<company>[A-Z0-9].{1,60})$")


def labelled_values(text: str) -> dict[str, str]:
    """Field → the words after its label. A label that occurs with two different values decides nothing."""
    found: dict[str, set[str]] = {}
    first: dict[str, str] = {}
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        field, value = _labelled(line, following)
        if field and value:
            found.setdefault(field, set()).add(comparable(value))
            first.setdefault(field, value)
    return {field: first[field] for field, values in found.items() if len(values) == 1}


def _labelled(line: str, following: str) -> tuple[str | None, str]:
    match = _LINE.match(line)
    label = match["label"] if match else line
    if len(label) > 31:
        return None, ""
    field = next((field for field, names in _BY_LABEL.items() if names.fullmatch(label.strip(" *:"))), None)
    if field is None:
        return None, ""
    value = (match["value"] or "") if match else ""
    if not value and field in _STACKED and len(following) <= 80 and not _LINE.match(following):
        value = following
    value = value.strip(" *|\t")
    return (field, value) if 0 < len(value) <= MAX_VALUE else (None, "")


def heading_values(headings: tuple[str, ...], text: str) -> dict[str, str]:
    """Title, and employer where a heading reads "<title> at <Company>".

    Without page headings the first line serves if it looks like one: short, no sentence, and more follows.
    """
    candidates = list(headings)
    first, _, rest = text.partition("\n")
    first = re.sub(r"^[#*\s]+|[*\s]+$", "", first)
    if not candidates and rest.strip() and 3 <= len(first) <= 90 and not re.search(r"[.!?:]$|[:|]", first):
        candidates.append(first)
    for candidate in candidates:
        if match := _AT.match(candidate):
            return {
                "title": match["title"].strip(" -\u2013,"),
                "hiring_organization": match["company"].strip(),
            }
    return {"title": candidates[0]} if candidates else {}


_REMOTE = re.compile(
    r"\b(?:fully|100 ?%|completely|entirely) remote\b|"
    r"\bremote(?:[- ]first)? (?:role|job|position|work|only)\b|"
    r"\bwork(?:ing)? from (?:home|anywhere)\b|^(?:location|workplace|work mode)\s*[:\uff1a]\s*remote\b",
    re.IGNORECASE | re.MULTILINE,
)
_NOT_REMOTE = re.compile(
    r"\bhybrid\b|\b(?:not|no) (?:a )?(?:fully )?remote\b|\bon[- ]?site\b|\bin[- ]office\b", re.IGNORECASE
)


def says_remote(text: str) -> bool:
    """Whether the words state a remote job, with nothing in them that takes it back."""
    return bool(_REMOTE.search(text)) and not _NOT_REMOTE.search(text)


_DATE_ROLES = {
    "valid_through": re.compile(
        r"(?:apply (?:by|before|until)|deadline|closing date|closes?(?: on)?|valid (?:through|until)|"
        r"applications? (?:are |is )?(?:due|accepted until|open until|must be received by))\D{0,30}$",
        re.IGNORECASE,
    ),
    "date_posted": re.compile(r"(?:posted|published|advertised)(?: on)?\D{0,15}$", re.IGNORECASE),
}


def date_role(before: str) -> str | None:
    """Which field a date belongs to, by the words right before it on its line."""
    return next((field for field, words in _DATE_ROLES.items() if words.search(before[-80:])), None)


def stated_schedule(text: str) -> str | None:
    """FULL_TIME or PART_TIME where the text names exactly one of them."""
    kinds = {word.upper() for word in re.findall(r"\b(full|part)[- ]time\b", text, re.IGNORECASE)}
    return f"{kinds.pop()}_TIME" if len(kinds) == 1 else None
