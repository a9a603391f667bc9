"""One schema.org JobPosting object into our record, in every shape that publishers write it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlsplit

from extraction.amounts import parse_number, period_of
from extraction.dates import parse_date
from extraction.schema import JobData, Salary
from extraction.text import html_to_text, tidy

Node = dict[str, Any]

MAX_TEXT = 50_000
MAX_ITEMS = 60


class Unreadable(Exception):
    """A value is there, but not in a form that has one meaning."""


def convert(node: Node, index: dict[str, Node]) -> tuple[JobData, tuple[str, ...]]:
    """The record, and the names of fields whose value could not be read. `index` resolves @id references."""
    fields: dict[str, Any] = {}
    unreadable = []
    for name, (keys, reader) in _READERS.items():
        values = [value for key in keys for value in _values(node.get(key), index)]
        if not values:
            continue
        try:
            value = reader(values)
        except (Unreadable, ValueError, TypeError, ArithmeticError, RecursionError):
            unreadable.append(name)
            continue
        if value not in (None, "", []):
            fields[name] = value
    if (salary := fields.get("base_salary")) and salary.currency is None:
        salary.currency = _currency(node.get("salaryCurrency"))
    return JobData(**fields), tuple(unreadable)


def employment_types(text: str) -> list[str]:
    """schema.org's values (FULL_TIME, PART_TIME, …) where the words match one, else the words themselves."""
    kinds = []
    for part in re.split(r"[,;/|]| and | or ", text):
        word = re.sub(r"[\s\-]+", "_", part.strip()).upper().rsplit("/", 1)[-1]
        kind = _EMPLOYMENT_WORDS.get(word, part.strip())
        if kind and kind not in kinds:
            kinds.append(kind)
    return kinds


_EMPLOYMENT_WORDS = {
    kind: kind
    for kind in (
        "FULL_TIME",
        "PART_TIME",
        "CONTRACTOR",
        "TEMPORARY",
        "INTERN",
        "VOLUNTEER",
        "PER_DIEM",
        "OTHER",
    )
} | {
    "FULLTIME": "FULL_TIME",
    "PARTTIME": "PART_TIME",
    "CONTRACT": "CONTRACTOR",
    "FREELANCE": "CONTRACTOR",
    "TEMP": "TEMPORARY",
    "INTERNSHIP": "INTERN",
}
EMPLOYMENT_TYPES = frozenset(_EMPLOYMENT_WORDS.values())


def _values(value: Any, index: dict[str, Node]) -> Iterator[Any]:
    """The value as a flat list, references followed once, nulls and blanks left out."""
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, dict) and set(entry) == {"@id"}:
            yield index.get(str(entry["@id"]), entry)
        elif isinstance(entry, dict) and "@value" in entry:
            yield entry["@value"]
        elif entry not in (None, "", {}) and not (isinstance(entry, str) and not entry.strip()):
            yield entry


def _text(value: Any) -> str:
    """Prose out of a string (HTML or not), a number, or a named thing."""
    if isinstance(value, dict):
        for key in ("name", "legalName", "value", "description", "credentialCategory", "@value"):
            for entry in _values(value.get(key), {}):
                return _text(entry)
        raise Unreadable
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unreadable
    text = str(value)
    if "<" not in text and "&lt;" in text:
        text = html.unescape(text)
    if re.search(r"<[a-zA-Z!/]", text):
        return html_to_text(text)[:MAX_TEXT]
    return tidy(html.unescape(text))[:MAX_TEXT]


def _first_text(values: list[Any]) -> str:
    return _text(values[0])


def _one_line(values: list[Any]) -> str:
    return " ".join(_text(values[0]).split())


def _joined(values: list[Any]) -> str:
    return "; ".join(dict.fromkeys(" ".join(_text(value).split()) for value in values))


def _lines(values: list[Any]) -> list[str]:
    """Items of a list, whether it came as a list, as lines, or as HTML list items."""
    lines = [line.strip(" -•*·\t") for value in values for line in _text(value).split("\n")]
    return list(dict.fromkeys(line for line in lines if line))[:MAX_ITEMS]


def _skills(values: list[Any]) -> list[str]:
    lines = _lines(values)
    if len(lines) == 1 and "," in lines[0]:
        return list(dict.fromkeys(part.strip(" .") for part in lines[0].split(",") if part.strip(" .")))
    return lines


def _employment(values: list[Any]) -> list[str]:
    return list(dict.fromkeys(kind for value in values for kind in employment_types(_text(value))))


def _places(values: list[Any]) -> str:
    return "; ".join(dict.fromkeys(place for value in values if (place := _place(value))))


def _place(value: Any) -> str:
    if not isinstance(value, dict):
        return _one_line([value])
    address = next(_values(value.get("address"), {}), None)
    if isinstance(address, str):
        return _one_line([address])
    holder = address if isinstance(address, dict) else value
    keys = ("addressLocality", "addressRegion", "addressCountry")
    parts = [_one_line([part]) for key in keys for part in list(_values(holder.get(key), {}))[:1]]
    return ", ".join(dict.fromkeys(parts)) or (_one_line([value]) if "name" in value else "")


def _location_type(values: list[Any]) -> Literal["TELECOMMUTE"]:
    if any(str(value).rsplit("/", 1)[-1].upper() == "TELECOMMUTE" for value in values):
        return "TELECOMMUTE"
    raise Unreadable


def _experience(values: list[Any]) -> str:
    value = values[0]
    if isinstance(value, dict) and "monthsOfExperience" in value:
        return f"{int(Decimal(str(value['monthsOfExperience'])))} months"
    return _first_text(values)


def _identifier(values: list[Any]) -> str:
    """A PropertyValue's value; its name is who issued it."""
    value = values[0]
    if isinstance(value, dict):
        value = next(_values(value.get("value"), {}), value)
    return _one_line([value])


def _date(values: list[Any]) -> Any:
    found = parse_date(str(values[0]))
    if found is None:
        raise Unreadable
    return found


def _boolean(values: list[Any]) -> bool:
    known = {"true": True, "false": False}
    word = str(values[0]).rsplit("/", 1)[-1].lower()
    if word not in known:
        raise Unreadable
    return known[word]


def _url(values: list[Any]) -> str:
    url = str(values[0]).strip()
    if urlsplit(url).scheme not in {"http", "https"} or len(url) > 2000:
        raise Unreadable
    return url


def _salary(values: list[Any]) -> Salary:
    """MonetaryAmount with a number, a QuantitativeValue or both ends; PriceSpecification; a bare number."""
    value = values[0]
    if not isinstance(value, dict):
        amount = _amount(value)
        return Salary(min_value=amount, max_value=amount)
    inner = next(_values(value.get("value"), {}), None)
    quantity = inner if isinstance(inner, dict) else value
    low = _first_amount(quantity, "minValue", "minPrice")
    high = _first_amount(quantity, "maxValue", "maxPrice")
    if low is None and high is None:
        low = high = _first_amount(quantity, "value", "price")
    if low is None and high is None:
        raise Unreadable
    period = quantity.get("unitText") or quantity.get("unitCode") or value.get("unitText")
    return Salary(
        currency=_currency(value.get("currency") or value.get("priceCurrency") or quantity.get("currency")),
        min_value=low,
        max_value=high,
        unit_text=period_of(str(period)) if period else None,
    )


def _first_amount(holder: Node, *keys: str) -> Decimal | None:
    for key in keys:
        for value in _values(holder.get(key), {}):
            return _amount(value)
    return None


def _amount(value: Any) -> Decimal:
    if isinstance(value, int | float) and not isinstance(value, bool):
        amount: Decimal | None = Decimal(str(value))
    else:
        amount = parse_number(str(value))
    if amount is None or not amount.is_finite() or amount < 0:
        raise Unreadable
    return amount


def _currency(value: Any) -> str | None:
    code = next((str(entry).strip().upper() for entry in _values(value, {})), "")
    return code if re.fullmatch(r"[A-Z]{3}", code) else None


_READERS: dict[str, tuple[tuple[str, ...], Callable[[list[Any]], Any]]] = {
    "title": (("title",), _one_line),
    "hiring_organization": (("hiringOrganization",), _one_line),
    "job_location": (("jobLocation",), _places),
    "job_location_type": (("jobLocationType",), _location_type),
    "applicant_location_requirements": (("applicantLocationRequirements",), _joined),
    "employment_type": (("employmentType",), _employment),
    "description": (("description",), _first_text),
    "responsibilities": (("responsibilities",), _lines),
    "qualifications": (("qualifications",), _lines),
    "skills": (("skills",), _skills),
    "experience_requirements": (("experienceRequirements",), _experience),
    "education_requirements": (("educationRequirements",), _joined),
    "industry": (("industry",), _joined),
    "base_salary": (("baseSalary",), _salary),
    "date_posted": (("datePosted",), _date),
    "valid_through": (("validThrough",), _date),
    "direct_apply": (("directApply",), _boolean),
    "identifier": (("identifier",), _identifier),
    "url": (("url", "mainEntityOfPage"), _url),
}
