"""Schemas are converted for vendors that refuse parts of JSON Schema."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from providers.adapters.schemas import (
    ANTHROPIC,
    GEMINI,
    OPEN_SOURCE,
    OPENAI,
    UnsupportedSchema,
    vendor_schema,
)

DIALECTS = {"openai": OPENAI, "anthropic": ANTHROPIC, "gemini": GEMINI, "open source": OPEN_SOURCE}
KNOWN_EVERYWHERE = {
    "type",
    "properties",
    "required",
    "items",
    "anyOf",
    "enum",
    "description",
    "additionalProperties",
    "format",
}


class Address(BaseModel):
    """Where it is."""

    city: str
    zip_code: Annotated[str, Field(pattern=r"^\d{5}$", description="German postcode")] | None = None


class Employment(BaseModel):
    title: str = Field(min_length=1, max_length=80)
    kind: Literal["full", "part"] | None = None
    version: Literal[1] = 1
    since: date | None = None
    website: Annotated[str, Field(json_schema_extra={"format": "uri"})] | None = None
    salary: Decimal | None = Field(None, ge=0)
    hours: int = Field(40, ge=1, le=80)
    skills: list[str] = Field(default=[], max_length=10)
    address: Address | None = None
    branches: list[Address] = []


def levels(schema):
    yield schema
    for name in ("properties",):
        for member in schema.get(name, {}).values():
            yield from levels(member)
    for member in [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]:
        yield from levels(member)


@pytest.fixture(params=sorted(DIALECTS))
def dialect(request):
    return DIALECTS[request.param]


def test_it_uses_only_words_the_vendor_knows(dialect):
    schema = vendor_schema(Employment, dialect)

    Draft202012Validator.check_schema(schema)
    for level in levels(schema):
        assert level.keys() <= KNOWN_EVERYWHERE | dialect.keywords
        assert level.get("format") in {None, *dialect.formats}


def test_it_closes_every_object(dialect):
    objects = [level for level in levels(vendor_schema(Employment, dialect)) if level.get("type") == "object"]

    assert len(objects) == 3
    assert all(level["additionalProperties"] is False for level in objects)


def test_openai_and_gemini_get_every_property_as_required():
    for dialect in (OPENAI, GEMINI, OPEN_SOURCE):
        schema = vendor_schema(Employment, dialect)

        assert schema["required"] == list(schema["properties"])
        assert schema["properties"]["since"]["anyOf"][-1] == {"type": "null"}


def test_anthropic_gets_optional_properties_instead_of_rationed_unions():
    schema = vendor_schema(Employment, ANTHROPIC)

    assert schema["required"] == ["title"]
    assert schema["properties"]["since"] == {"type": "string", "format": "date"}
    assert not [level for level in levels(schema) if "anyOf" in level]


def test_a_null_that_must_be_said_stays_sayable_for_anthropic():
    class Verdict(BaseModel):
        reason: str | None
        fallback: str | None = "none given"

    schema = vendor_schema(Verdict, ANTHROPIC)

    assert schema["required"] == ["reason"]
    assert {"type": "null"} in schema["properties"]["reason"]["anyOf"]
    # Left out, it would come back as its default and not as null.
    assert {"type": "null"} in schema["properties"]["fallback"]["anyOf"]


def test_limits_the_vendor_does_not_know_are_told_in_words():
    anthropic = vendor_schema(Employment, ANTHROPIC)["properties"]
    openai = vendor_schema(Employment, OPENAI)["properties"]

    assert anthropic["title"]["description"] == "(at least 1 characters, at most 80 characters)"
    assert anthropic["hours"]["description"] == "(at least 1, at most 80)"
    assert openai["hours"] == {"type": "integer", "minimum": 1, "maximum": 80}
    assert anthropic["address"]["properties"]["zip_code"]["description"].startswith(
        "German postcode (matching"
    )


def test_money_is_a_plain_number(dialect):
    salary = vendor_schema(Employment, dialect)["properties"]["salary"]

    kinds = {branch["type"] for branch in salary.get("anyOf", [salary])}
    assert kinds - {"null"} == {"number"}


def test_a_constant_is_an_enum_of_one(dialect):
    assert vendor_schema(Employment, dialect)["properties"]["version"]["enum"] == [1]


def test_a_field_called_like_a_keyword_is_kept(dialect):
    class Odd(BaseModel):
        title: str
        default: str
        pattern: str

    assert list(vendor_schema(Odd, dialect)["properties"]) == ["title", "default", "pattern"]


class Node(BaseModel):
    children: list["Node"] = []


class FreeForm(BaseModel):
    counts: dict[str, int]


class Anything(BaseModel):
    value: Any


class Pair(BaseModel):
    pair: tuple[int, str]


@pytest.mark.parametrize("model", [Node, FreeForm, Anything, Pair])
def test_it_refuses_what_no_vendor_can_hold_a_model_to(dialect, model):
    with pytest.raises(UnsupportedSchema):
        vendor_schema(model, dialect)


@pytest.mark.slow
@given(
    st.builds(
        Employment,
        title=st.text(min_size=1, max_size=80),
        website=st.none() | st.just("https://example.com"),
        salary=st.none() | st.decimals(min_value=0, max_value=10**6, places=2),
        hours=st.integers(1, 80),
        skills=st.lists(st.text(), max_size=10),
        branches=st.lists(st.builds(Address, zip_code=st.none() | st.from_regex(r"^\d{5}\Z")), max_size=3),
        address=st.none() | st.builds(Address, zip_code=st.none()),
    )
)
def test_whatever_the_model_can_be_fits_every_vendors_schema(employment):
    said = employment.model_dump(mode="json") | {
        "salary": None if employment.salary is None else float(employment.salary)
    }

    for dialect in (OPENAI, GEMINI, OPEN_SOURCE):
        Draft202012Validator(vendor_schema(Employment, dialect)).validate(said)
    left_out = employment.model_copy(update={"salary": None}).model_dump(mode="json", exclude_none=True)
    Draft202012Validator(vendor_schema(Employment, ANTHROPIC)).validate(left_out)
    assert Employment.model_validate(left_out).title == employment.title
