"""One schema.org JobPosting object into our record, in every shape that publishers write it."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from extraction.schema import JobData, Place, Salary
from extraction.structured.items import Node
from extraction.structured.texts import (
    Unreadable,
    all_lines,
    listed,
    one_line,
    split_list,
    text_of_value,
    values,
)
from extraction.values.currencies import code_of
from extraction.values.dates import parse_date
from extraction.values.employment import employment_types, is_remote_value
from extraction.values.money import parse_salary, unit_of
from extraction.values.numbers import parse_number
from extraction.values.places import MAX_PLACES, place_of_address, places_of

Reader = Callable[[list[Any], "Context"], Any]


class Context:
    """What a value's meaning may depend on: other objects of the page, its language and address."""

    def __init__(self, index: dict[str, Node], *, language: str | None = None, base: str = "") -> None:
        self.index = index
        self.language = language
        self.base = base


def convert(node: Node, context: Context) -> tuple[JobData, tuple[str, ...], dict[str, str]]:
    """The record, the names of fields whose value could not be read, and the words each value came from."""
    fields: dict[str, Any] = {}
    words: dict[str, str] = {}
    unreadable = []
    for name, (keys, reader) in _READERS.items():
        for key in keys:
            found = list(values(node.get(key), context.index))
            if not found or name in fields:
                continue
            try:
                value = reader(found, context)
            except (Unreadable, ValueError, TypeError, ArithmeticError, RecursionError):
                unreadable.append(name)
                continue
            if value not in (None, "", []):
                fields[name] = value
                words[name] = _written(found)
    if (salary := fields.get("base_salary")) and salary.currency is None:
        salary.currency = _currency(node.get("salaryCurrency"), context)
    unreadable = [name for name in dict.fromkeys(unreadable) if name not in fields]
    return JobData(**fields), tuple(unreadable), words


def _written(found: list[Any]) -> str:
    """The value as it stands, for the reader of the record to compare."""
    shown = [leaf for value in found[:5] for leaf in _leaves(value, 0)]
    return " ".join("; ".join(shown)[:600].split())[:300]


def _leaves(value: Any, depth: int) -> list[str]:
    if isinstance(value, dict) and depth < 4:
        return [leaf for key, inner in value.items() if key[:1] != "@" for leaf in _leaves(inner, depth + 1)]
    if isinstance(value, list) and depth < 4:
        return [leaf for inner in value[:10] for leaf in _leaves(inner, depth + 1)]
    return [str(value)] if isinstance(value, str | int | float) else []


def _title(found: list[Any], _: Context) -> str:
    return one_line(found)[:300]


def _text(found: list[Any], _: Context) -> str:
    return "\n\n".join(dict.fromkeys(text_of_value(value) for value in found))


def _line(found: list[Any], _: Context) -> str:
    return one_line(found)


def _joined(found: list[Any], _: Context) -> str:
    return "; ".join(all_lines(found))


def _lines(found: list[Any], _: Context) -> list[str]:
    return listed(found)


def _parts(found: list[Any], _: Context) -> list[str]:
    return split_list(found)


def _employment(found: list[Any], _: Context) -> list[str]:
    return list(dict.fromkeys(kind for value in found for kind in employment_types(text_of_value(value))))


def _places(found: list[Any], context: Context) -> list[Place]:
    places: list[Place] = []
    for value in found:
        for place in _places_in(value, context, 0):
            if place not in places:
                places.append(place)
    return places[:MAX_PLACES]


def _places_in(value: Any, context: Context, depth: int) -> list[Place]:
    if depth > 4:
        return []
    if isinstance(value, str | int | float):
        return places_of(text_of_value(value))
    if not isinstance(value, dict):
        return []
    for key in ("address", "postalAddress", "location"):
        if addresses := list(values(value.get(key), context.index)):
            found = [place for one in addresses for place in _places_in(one, context, depth + 1)]
            if found:
                return found
    if place := _address(value, context):
        return place
    return places_of(one_line([value])) if "name" in value else []


_ADDRESS_KEYS = {
    "street": ("streetAddress", "street"),
    "locality": ("addressLocality", "city", "town", "locality"),
    "region": ("addressRegion", "region", "state", "province"),
    "postal_code": ("postalCode", "zip", "postcode"),
    "country": ("addressCountry", "country", "countryCode"),
}


def _address(value: Node, context: Context) -> list[Place]:
    """One place for each of the towns that an address names."""
    parts: dict[str, list[str]] = {}
    for part, keys in _ADDRESS_KEYS.items():
        for key in keys:
            if part not in parts and (
                found := [v for v in values(value.get(key), context.index) if v is not value]
            ):
                try:
                    parts[part] = all_lines(found)
                except Unreadable:
                    continue
    if not any(parts.values()):
        return []
    towns: list[str | None] = list(parts.get("locality", [])) or [None]
    shared = {part: found[0] for part, found in parts.items() if part != "locality" and found}
    regions = parts.get("region", [])
    places = []
    for number, town in enumerate(towns):
        if len(regions) == len(towns):
            shared["region"] = regions[number]
        if place := place_of_address(shared | ({"locality": town} if town else {})):
            places.append(place)
    return places


def _location_type(found: list[Any], _: Context) -> Literal["TELECOMMUTE"]:
    for value in found:
        word = text_of_value(value).rsplit("/", 1)[-1]
        if word.upper().replace(" ", "") == "TELECOMMUTE" or is_remote_value(word):
            return "TELECOMMUTE"
    raise Unreadable


def _experience(found: list[Any], _: Context) -> str:
    value = found[0]
    if isinstance(value, dict) and "monthsOfExperience" in value:
        return f"{int(Decimal(str(value['monthsOfExperience'])))} months"
    written = one_line(found) if len(found) == 1 else "; ".join(all_lines(found))
    if re.fullmatch(r"[a-z]+\d*(?:[A-Z][a-z]*\d*)+", written):
        # A name of the system's own ("between1And3").
        raise Unreadable
    return written


def _identifier(found: list[Any], context: Context) -> str:
    """A PropertyValue's value; its name is who issued it."""
    value = found[0]
    if isinstance(value, dict):
        value = next(values(value.get("value"), context.index), value)
    return one_line([value])[:100]


def _date(found: list[Any], context: Context) -> Any:
    value = found[0]
    if isinstance(value, dict):
        value = next(values(value.get("date") or value.get("iso") or value.get("value"), {}), "")
    day = parse_date(str(value), language=(context.language or "")[:2] or None)
    if day is None:
        raise Unreadable
    return day


def _boolean(found: list[Any], _: Context) -> bool:
    known = {"true": True, "false": False, "yes": True, "no": False}
    word = str(found[0]).rsplit("/", 1)[-1].lower()
    if word not in known:
        raise Unreadable
    return known[word]


def _url(found: list[Any], context: Context) -> str:
    value = found[0]
    if isinstance(value, dict):
        value = value.get("@id") or value.get("url") or ""
    url = urljoin(context.base, str(value).strip())
    if urlsplit(url).scheme not in {"http", "https"} or len(url) > 2000:
        raise Unreadable
    return url


def _emails(found: list[Any], context: Context) -> list[str]:
    written = []
    for value in found:
        for entry in values(value.get("email"), context.index) if isinstance(value, dict) else [value]:
            written.append(str(entry).strip().removeprefix("mailto:"))
    return [
        address
        for address in dict.fromkeys(written)
        if re.fullmatch(r"[\w.+-]{1,64}@[\w.-]{1,200}\.\w+", address)
    ]


def _salary(found: list[Any], context: Context) -> Salary | None:
    """MonetaryAmount with a number, a QuantitativeValue or both ends; PriceSpecification; a bare number;
    words."""
    value = found[0]
    if not isinstance(value, dict):
        return _salary_of_words(str(value), context)
    inner = next(values(value.get("value"), context.index), None)
    quantity = inner if isinstance(inner, dict) else value
    low = _first_amount(quantity, "minValue", "minPrice", "min", "minimum", "from", "minAmount")
    high = _first_amount(quantity, "maxValue", "maxPrice", "max", "maximum", "to", "maxAmount")
    if low is None and high is None:
        low = high = _first_amount(quantity, "value", "price", "amount")
    if low is None and high is None:
        written = next(
            (
                v
                for key in ("value", "text", "name", "description")
                if isinstance(v := quantity.get(key), str)
            ),
            "",
        )
        if written:
            return _salary_of_words(written, context)
        _refuse_nonsense(quantity)
        return None
    if low is not None and high is not None and low > high:
        low, high = high, low
    unit = (
        quantity.get("unitText") or quantity.get("unitCode") or value.get("unitText") or value.get("unitCode")
    )
    unit = (
        unit
        or quantity.get("mode")
        or quantity.get("type")
        or quantity.get("interval")
        or quantity.get("period")
        or quantity.get("unit")
        or value.get("interval")
    )
    salary = Salary(
        currency=_currency(
            value.get("currency")
            or value.get("priceCurrency")
            or quantity.get("currency")
            or value.get("currencyCode"),
            context,
        ),
        min_value=low,
        max_value=high,
        unit_text=unit_of(str(next(values(unit, {}), ""))) if unit else None,
    )
    if salary.currency is None and isinstance(quantity.get("value"), str):
        salary.currency = (_salary_of_words(str(quantity["value"]), context) or salary).currency
    return salary


def _refuse_nonsense(quantity: Node) -> None:
    """Both ends 0 say nothing; an end that is there and makes no sense is unreadable."""
    for key in ("minValue", "maxValue", "value", "price", "minPrice", "maxPrice"):
        for written in values(quantity.get(key), {}):
            if parse_number(str(written)) != 0:
                raise Unreadable


def _salary_of_words(written: str, context: Context) -> Salary:
    amount = parse_number(written)
    if amount is not None and amount > 0:
        return Salary(min_value=amount, max_value=amount)
    salary = parse_salary(written, language=context.language)
    if salary is None:
        raise Unreadable
    return salary


def _first_amount(holder: Node, *keys: str) -> Decimal | None:
    """The first end that is an amount above 0: publishers write 0 for none."""
    for key in keys:
        for value in values(holder.get(key), {}):
            if isinstance(value, int | float) and not isinstance(value, bool):
                amount: Decimal | None = Decimal(str(value))
            else:
                amount = parse_number(str(value)) if isinstance(value, str) else None
                if amount is None and isinstance(value, str) and (salary := parse_salary(value)):
                    amount = salary.min_value if salary.min_value == salary.max_value else None
            if amount is not None and amount.is_finite() and amount > 0:
                return amount
    return None


def _currency(value: Any, context: Context) -> str | None:
    written = next((str(entry).strip() for entry in values(value, {}) if isinstance(entry, str)), "")
    return code_of(written, language=context.language) if written else None


def _closed(found: list[Any], context: Context) -> bool | None:
    return _boolean(found, context) or None


_READERS: dict[str, tuple[tuple[str, ...], Reader]] = {
    "title": (("title", "name"), _title),
    "hiring_organization": (("hiringOrganization",), _line),
    "job_locations": (("jobLocation",), _places),
    "job_location_type": (("jobLocationType",), _location_type),
    "applicant_location_requirements": (
        ("applicantLocationRequirements",),
        lambda found, _: all_lines(found),
    ),
    "employment_type": (("employmentType",), _employment),
    "description": (("description",), _text),
    "responsibilities": (("responsibilities",), _lines),
    "qualifications": (("qualifications",), _lines),
    "skills": (("skills",), _parts),
    "experience_requirements": (("experienceRequirements",), _experience),
    "education_requirements": (("educationRequirements",), _joined),
    "job_benefits": (("jobBenefits", "benefits"), _parts),
    "industry": (("industry",), _joined),
    "base_salary": (("baseSalary", "estimatedSalary"), _salary),
    "date_posted": (("datePosted",), _date),
    "valid_through": (("validThrough",), _date),
    "direct_apply": (("directApply",), _boolean),
    "identifier": (("identifier",), _identifier),
    "url": (("url", "mainEntityOfPage"), _url),
    "apply_url": (("applyUrl",), _url),
    "contact_emails": (("applicationContact",), _emails),
    "is_closed": (("isClosed",), _closed),
}
