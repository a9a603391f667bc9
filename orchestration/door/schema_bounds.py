"""What a program's JSON Schema may cost: every reply is held to it on the event loop, so that is bounded
beforehand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jsonschema import ValidationError
from jsonschema.validators import Draft202012Validator, extend
from pydantic_core import SchemaError, SchemaValidator, core_schema

from orchestration.door.errors import InvalidRequest

Schema = dict[str, Any]

TOO_FREE = (
    "Models cannot be held to this schema: it has to be an object whose properties all have a type, without "
    "free-form keys and without references to itself."
)
_TOO_LARGE = "The schema is too large with its references resolved. Send a smaller one."
_NO_PATTERN = (
    "A pattern of the schema cannot be checked. Leave out look-around, back references and large counts."
)
# Subschemas, each counted as often as it is referred to.
MOST_PARTS = 5_000
_IN_A_MAP = ("properties", "dependentSchemas")
_IN_A_LIST = ("allOf", "anyOf", "oneOf", "prefixItems")
_ALONE = (
    "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
# They give references another beginning.
_ELSEWHERE = ("$id", "$anchor", "$dynamicRef", "$dynamicAnchor")
_REFERENCE = re.compile(r"#/(\$defs|definitions)/([^/~%]+)")


def bound(schema: Schema, param: str) -> None:
    """Raises InvalidRequest for a valid schema that cannot be checked in a time that is known beforehand:
    references that multiply, that lead elsewhere or into themselves, and patterns for which an engine has to
    go back."""
    _Extent(schema, param).of(schema)


class _Extent:
    def __init__(self, schema: Schema, param: str) -> None:
        self._schema, self._param = schema, param
        # Of each definition; None while it is counted.
        self._known: dict[tuple[str, str], int | None] = {}

    def of(self, part: object) -> int:
        """How many subschemas it comes to."""
        if not isinstance(part, dict):
            return 1
        if "patternProperties" in part or any(key in part for key in _ELSEWHERE):
            raise InvalidRequest(TOO_FREE, param=self._param)
        if "pattern" in part and _compiled(part["pattern"]) is None:
            raise InvalidRequest(_NO_PATTERN, param=self._param)
        parts = 1 + sum(self.of(inner) for inner in _within(part))
        if "$ref" in part:
            parts += self._of_definition(part["$ref"])
        if parts > MOST_PARTS:
            raise InvalidRequest(_TOO_LARGE, param=self._param)
        return parts

    def _of_definition(self, reference: str) -> int:
        found = _REFERENCE.fullmatch(reference)
        place = (found[1], found[2]) if found else ("", "")
        definition = self._schema.get(place[0], {}).get(place[1])
        if place not in self._known and definition is not None:
            self._known[place] = None
            self._known[place] = self.of(definition)
        parts = self._known.get(place)
        if parts is None:
            raise InvalidRequest(TOO_FREE, param=self._param)
        return parts


def _within(part: Schema) -> Iterator[object]:
    for key in _IN_A_MAP:
        yield from part.get(key, {}).values()
    for key in _IN_A_LIST:
        yield from part.get(key, ())
    for key in _ALONE:
        if key in part:
            yield part[key]


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> SchemaValidator | None:
    """For an engine whose time is linear in the text (https://docs.rs/regex), which knows no look-around and
    no back references; None for a pattern that it does not take."""
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern))
    except SchemaError:
        return None


def _pattern(_: Any, pattern: str, instance: object, __: Schema) -> Iterator[ValidationError]:
    compiled = _compiled(pattern)
    if isinstance(instance, str) and not (compiled and compiled.isinstance_python(instance)):
        yield ValidationError("It does not match the pattern.")


Validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
