"""What a model is asked to fill in: short spans copied from the posting, which code then checks and reads."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MAX_SPAN = 240
MAX_ITEM = 400
MAX_ITEMS = 30
MAX_TRANSCRIPT = 12_000

_NOTHING = frozenset(
    {"", "null", "none", "n/a", "na", "unknown", "not specified", "not stated", "-", "not mentioned"}
)


def _span(value: Any) -> Any:
    """A model's way of saying nothing is nothing. Too long is cut, not refused: a refusal costs a call."""
    if not isinstance(value, str):
        return value
    value = value.strip()
    return None if value.casefold().strip(".") in _NOTHING else value[:MAX_SPAN]


def _items(value: Any) -> Any:
    if value is None:
        return []
    if not isinstance(value, list):
        return value
    kept = [item.strip()[:MAX_ITEM] for item in value if isinstance(item, str)]
    return [item for item in kept if item.casefold().strip(".") not in _NOTHING][:MAX_ITEMS]


# The bounds are told to the model in its schema, where a local one is held to them while it writes: without
# them a small model may repeat a digit until its tokens run out.
_Words = Annotated[str, Field(json_schema_extra={"maxLength": MAX_SPAN})]
_Item = Annotated[str, Field(json_schema_extra={"maxLength": MAX_ITEM})]
Span = Annotated[_Words | None, BeforeValidator(_span)]
Items = Annotated[list[_Item], BeforeValidator(_items), Field(json_schema_extra={"maxItems": MAX_ITEMS})]


class FactsAnswer(BaseModel):
    """Words of the posting by field; `work_mode` is those on remote work. Code reads dates, places and pay.

    Asked for where the lists of tasks and requirements are known already. Two fixed forms rather than one per
    gap, because vendors compile a schema when they first see it.
    """

    # In place of the docstring, which vendors would be sent with every call.
    model_config = ConfigDict(extra="ignore", json_schema_extra={"description": "What a job posting says."})

    title: Span = None
    hiring_organization: Span = None
    job_location: Span = None
    further_locations: Items = []
    work_mode: Span = None
    applicant_location: Span = None
    employment_type: Span = None
    salary: Span = None
    date_posted: Span = None
    valid_through: Span = None
    experience_requirements: Span = None
    education_requirements: Span = None
    industry: Span = None
    identifier: Span = None
    skills: Items = []
    languages: Items = []


class ModelAnswer(FactsAnswer):
    """All that is asked of a text."""

    responsibilities: Items = []
    qualifications: Items = []
    job_benefits: Items = []


class ImageAnswer(ModelAnswer):
    """The same from a picture, with the text that could be read in it and what kind of picture it is."""

    text: Annotated[
        str | None, BeforeValidator(lambda value: value[:MAX_TRANSCRIPT] if isinstance(value, str) else value)
    ] = None
    is_readable: bool | None = None
    is_cropped: bool | None = None
    is_job_posting: bool | None = None


class ImageVerdict(BaseModel):
    """Whether a picture is worth extracting from."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"description": "What a picture is."})

    is_readable: bool | None = None
    is_job_posting: bool | None = None
    reason: Span = None
