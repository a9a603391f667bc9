"""JSON Schemas that would take a process down, or out of the house: refused, or held to in linear time."""

import pytest
from pydantic import ValidationError

from orchestration.door.errors import InvalidRequest
from orchestration.door.forms import form_of


def form(schema, **top):
    whole = {
        "type": "object", "properties": {"a": schema}, "required": ["a"], "additionalProperties": False,
    } | top  # fmt: skip
    asked = {"type": "json_schema", "json_schema": {"name": "answer", "schema": whole}}
    return form_of(asked, within="json_schema", param="response_format")


def fits(schema, value, **top):
    try:
        form(schema, **top).model_validate({"a": value})
    except ValidationError:
        return False
    return True


TEXT = {"type": "string"}
OBJECT = {"type": "object", "properties": {"x": TEXT}, "required": ["x"], "additionalProperties": False}


def doubled(levels, double):
    """Definitions each of which names the next one twice."""
    defs = {f"d{level}": double({"$ref": f"#/$defs/d{level + 1}"}) for level in range(levels)}
    return {"$ref": "#/$defs/d0"}, {"$defs": defs | {f"d{levels}": TEXT}}


@pytest.mark.parametrize(
    "double",
    [
        lambda ref: OBJECT | {"properties": {"x": ref, "y": ref}, "required": ["x", "y"]},
        lambda ref: {"anyOf": [ref, ref]},
        lambda ref: TEXT | {"allOf": [ref, ref]},
        lambda ref: TEXT | {"if": ref, "then": ref},
    ],
)
def test_references_that_multiply_are_refused(double):
    schema, top = doubled(60, double)

    with pytest.raises(InvalidRequest):
        form(schema, **top)


@pytest.mark.parametrize(
    "schema",
    [
        TEXT | {"allOf": [{"$ref": "http://127.0.0.1:9/schema.json"}]},
        TEXT | {"allOf": [{"$ref": "#/properties/a"}]},
        TEXT | {"allOf": [{"$ref": "#/$defs/nobody"}]},
        TEXT | {"allOf": [{"$dynamicRef": "#a"}]},
        OBJECT | {"patternProperties": {"^(x+)+$": TEXT}},
        TEXT | {"pattern": "(?=a)a"},
        TEXT | {"pattern": r"(a)\1"},
        TEXT | {"pattern": "(a{1,1000}){1,1000}"},
    ],
)
def test_what_cannot_be_bounded_is_refused(schema):
    with pytest.raises(InvalidRequest):
        form(schema)


def test_a_reference_to_itself_is_refused():
    with pytest.raises(InvalidRequest):
        form(TEXT, **{"$defs": {"d": {"allOf": [{"$ref": "#/$defs/d"}]}}, "allOf": [{"$ref": "#/$defs/d"}]})


# An engine that goes back would need longer for the last than the sun has left.
@pytest.mark.parametrize(
    ("pattern", "text", "holds"),
    [
        ("^[A-Z]{3}$", "KES", True),
        ("^[A-Z]{3}$", "KESH", False),
        ("b", "abc", True),
        ("^(a+)+$", "a" * 10_000, True),
        ("^(a+)+$", "a" * 10_000 + "!", False),
    ],
)
def test_a_reply_is_held_to_a_pattern(pattern, text, holds):
    assert fits(TEXT | {"pattern": pattern}, text) is holds


@pytest.mark.parametrize("word", ["$defs", "definitions"])
def test_a_reply_is_held_to_what_is_referred_to(word):
    top = {word: {"inner": OBJECT}, "$id": "https://schemas.example/answer"}

    assert fits({"$ref": f"#/{word}/inner"}, {"x": "text"}, **top)
    assert not fits({"$ref": f"#/{word}/inner"}, {"x": 7}, **top)
