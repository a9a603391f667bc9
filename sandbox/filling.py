"""Fills any JSON schema from a text."""

import re
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sandbox import names
from sandbox.lookups import Lookup, ids_listed, item_lookups, values_said
from sandbox.reading import Money, Reading, first_date, first_number, money, normalised
from sandbox.schemas import Json, Schemas, enum_values, kind_of

# Nothing was found: not the same as null, which may be an answer.
MISSING: Any = object()
MAX_DEPTH = 12
SHORT_LIST = 5


class Filler:
    """Fills one schema from the `subject` of a prompt and, where that is silent, from the whole `prompt`."""

    def __init__(self, schema: Json, *, subject: str, prompt: str) -> None:
        self._schemas = Schemas(schema)
        self._subject = Reading(subject)
        self._prompt = Reading(prompt)

    def fill(self) -> Any:
        return self._value(self._schemas.root, Lookup(self._subject))

    @cached_property
    def _sentence(self) -> str:
        for reading in (self._subject, self._prompt):
            if reading.sentences or reading.lines:
                return (reading.sentences or reading.lines)[0]
        return "[sandbox]"

    def _prompt_asks(self, name: str) -> bool:
        """Whether the prompt puts the yes-or-no question that the field is for."""
        asked = normalised(name).removeprefix("is ").removeprefix("has ")
        return any(line.endswith("?") and Reading(line).says(asked) for line in self._prompt.lines)

    def _value(self, schema: Json, lookup: Lookup) -> Any:
        """What the text says; else null if the schema takes it; else the least that fits."""
        said = self._said(schema, lookup)
        return self._least(self._schemas.branches(schema)[0][0], lookup) if said is MISSING else said

    def _said(self, schema: Json, lookup: Lookup) -> Any:
        """What the text says; else null if the schema takes it; else MISSING."""
        branches, nullable = self._schemas.branches(schema)
        for branch in branches:
            found = self._found(branch, lookup)
            if found is not MISSING:
                return found
        return None if nullable or not branches else MISSING

    def _found(self, schema: Json, lookup: Lookup) -> Any:
        find = {
            "enum": self._enum,
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "number": self._number,
            "integer": self._number,
            "boolean": self._boolean,
        }[kind_of(schema)]
        return find(schema, lookup)

    def _least(self, schema: Json, lookup: Lookup) -> Any:
        """The smallest value that fits, for a field that must have one and of which the text says nothing."""
        kind = kind_of(schema)
        if kind == "enum":
            return enum_values(schema)[0]
        if kind == "object":
            return self._members(schema, lookup)
        if kind == "array":
            item = self._schemas.branches(schema.get("items", {}))[0]
            return [self._least(item[0], lookup) for _ in range(schema.get("minItems", 0))]
        if kind == "boolean":
            return False
        if kind == "string":
            return least_string(schema, self._sentence)
        return least_number(schema, is_integer=kind == "integer")

    def _enum(self, schema: Json, lookup: Lookup) -> Any:
        values = enum_values(schema)
        label = lookup.reading.labelled(names.labels_of(lookup.name, schema.get("title", "")))
        for text in filter(None, (label, lookup.reading.text)):
            said = values_said(values, text)
            if said:
                return said[0]
        return MISSING

    def _object(self, schema: Json, lookup: Lookup) -> Any:
        filled = self._members(schema, lookup)
        is_empty = all(value in (None, [], {}) for value in filled.values())
        # An optional part of which nothing is known had better be null.
        return MISSING if is_empty and lookup.depth else filled

    def _members(self, schema: Json, lookup: Lookup) -> Json:
        if lookup.depth > MAX_DEPTH:
            return {}
        required = schema.get("required", [])
        filled: Json = {}
        for name, member in schema.get("properties", {}).items():
            if name in required:
                filled[name] = self._value(member, lookup.inside(name))
                continue
            # An optional member of which the text says nothing is left out.
            value = self._said(member, lookup.inside(name))
            if value is not MISSING:
                filled[name] = value
        return filled

    def _array(self, schema: Json, lookup: Lookup) -> Any:
        found: list[Any]
        branches, _ = self._schemas.branches(schema.get("items", {}))
        if not branches or lookup.depth > MAX_DEPTH:
            return MISSING
        item, kind = branches[0], kind_of(branches[0])
        if kind == "object":
            members = item.get("properties", {})
            properties = {name: self._schemas.branches(member)[0] for name, member in members.items()}
            lookups = item_lookups(properties, lookup, self._prompt, most=schema.get("maxItems"))
            found = [self._members(item, inner) for inner in lookups]
        elif kind == "enum":
            found = ids_listed(enum_values(item), lookup, self._prompt)
            found = found or values_said(enum_values(item), lookup.reading.text)
        elif kind == "string":
            found = [
                text for said in self._strings(schema, lookup) if (text := fitted(item, said)) is not None
            ]
        else:
            found = []
        if schema.get("uniqueItems"):
            found = [value for number, value in enumerate(found) if value not in found[:number]]
        found = found[: schema.get("maxItems")]
        return found if found and len(found) >= schema.get("minItems", 0) else MISSING

    def _strings(self, schema: Json, lookup: Lookup) -> list[str]:
        labels = names.labels_of(lookup.name, schema.get("title", ""))
        if (section := lookup.reading.section(labels)) is not None:
            return section
        if (value := lookup.reading.labelled(labels)) is not None:
            return [part.strip(" .") for part in re.split(r"[,;•|]", value) if part.strip(" .")]
        if names.is_id(lookup.name):
            return lookup.ids
        return self._subject.sentences[:SHORT_LIST] if names.is_prose_list(lookup.name) else []

    def _string(self, schema: Json, lookup: Lookup) -> Any:
        text = self._quoted(schema, lookup)
        if text is None:
            return MISSING
        text = fitted(schema, text)
        return MISSING if text is None else text

    def _quoted(self, schema: Json, lookup: Lookup) -> str | None:
        if names.is_id(lookup.name) and lookup.ids:
            return lookup.ids[0]
        part = names.money_part(lookup.path)
        if part:
            found = self._money(lookup)
            return str(_part(found, part)) if found and _part(found, part) else None
        label = lookup.reading.labelled(names.labels_of(lookup.name, schema.get("title", "")))
        if names.is_date(lookup.name) or str(schema.get("format", "")).startswith("date"):
            day = first_date(label or "")
            return _written(day, schema) if day else None
        return label or self._unlabelled(lookup)

    def _unlabelled(self, lookup: Lookup) -> str | None:
        kind = names.kind_of_name(lookup.name)
        if kind is not None:
            found: str | None = lookup.rest or getattr(lookup.reading, kind)
            return found
        section = lookup.reading.section(names.labels_of(lookup.name))
        return " ".join(section) if section else lookup.rest

    def _number(self, schema: Json, lookup: Lookup) -> Any:
        part = names.money_part(lookup.path)
        found: float | int | str | None
        if part:
            sums = self._money(lookup)
            found = _part(sums, part) if sums else None
        else:
            label = lookup.reading.labelled(names.labels_of(lookup.name, schema.get("title", "")))
            found = first_number(label) if label else None
        if not isinstance(found, int | float) or not number_fits(schema, found):
            return MISSING
        return int(found) if kind_of(schema) == "integer" else found

    def _money(self, lookup: Lookup) -> Money | None:
        label = lookup.reading.labelled(names.labels_of("salary"))
        return money(label, currency_needed=False) if label else money(lookup.reading.text)

    def _boolean(self, schema: Json, lookup: Lookup) -> Any:
        label = lookup.reading.labelled(names.labels_of(lookup.name, schema.get("title", "")))
        if label is None:
            return True if self._prompt_asks(lookup.name) else MISSING
        return normalised(label).split()[:1] not in (["no"], ["false"], ["not"], ["none"], [])


def _part(found: Money, part: str) -> int | str:
    if part == "currency":
        return found.currency
    return found.low if part == "low" else found.high


def _written(day: date, schema: Json) -> str:
    if schema.get("format") == "date-time":
        return datetime(day.year, day.month, day.day).isoformat() + "Z"  # noqa: DTZ001
    return day.isoformat()


def fitted(schema: Json, text: str) -> str | None:
    """The text, shortened to the schema's limit; None when it cannot fit."""
    limit = schema.get("maxLength")
    if limit is not None and len(text) > limit:
        text = text[:limit].rsplit(" ", 1)[0].rstrip(" ,;") if " " in text[:limit] else text[:limit]
    if len(text) < schema.get("minLength", 0) or not re.search(schema.get("pattern", ""), text):
        return None
    return text if _has_format(schema.get("format", ""), text) else None


_FORMATS = {
    "date": (r"^\d{4}-\d{2}-\d{2}$", "1970-01-01"),
    "date-time": (r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", "1970-01-01T00:00:00Z"),
    "time": (r"^\d{2}:\d{2}:\d{2}", "00:00:00Z"),
    "email": (r"^[^@\s]+@[^@\s]+$", "sandbox@example.invalid"),
    "uri": (r"^[a-z][a-z0-9+.-]*:\S+$", "https://sandbox.invalid/"),
    "uuid": (r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "00000000-0000-0000-0000-000000000000"),
}


def _has_format(name: str, text: str) -> bool:
    return name not in _FORMATS or re.search(_FORMATS[name][0], text) is not None


def least_string(schema: Json, sentence: str) -> str:
    """A sentence if that fits, else a plain value of the schema's format or pattern."""
    usual = _FORMATS.get(schema.get("format", ""), ("", ""))[1]
    padded = sentence.ljust(schema.get("minLength", 0), ".")
    for candidate in (usual, padded, "0", "a", "A", "1970-01-01", "USD", "en", "+10000000000", "#000000"):
        text = fitted(schema, candidate) if candidate else None
        if text is not None:
            return text
    return usual or padded


def number_fits(schema: Json, number: float) -> bool:
    return bool(
        schema.get("minimum", number) <= number <= schema.get("maximum", number)
        and schema.get("exclusiveMinimum", number - 1) < number < schema.get("exclusiveMaximum", number + 1)
        and number % schema.get("multipleOf", 1 if kind_of(schema) == "integer" else number or 1) == 0
    )


def least_number(schema: Json, *, is_integer: bool) -> float | int:
    """The middle of the range if it has two ends, else the end it has, else 0."""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    middle = (low + high) / 2 if low is not None and high is not None else 0
    step = schema.get("multipleOf", 1)
    edges = [(edge // step) * step for edge in (middle, low, high) if edge is not None]
    whole = [edge + shift for edge in edges for shift in (0, step, -step)]
    candidates = whole if is_integer or "multipleOf" in schema else [middle, *whole]
    return next((number for number in candidates if number_fits(schema, number)), middle)
