"""The form of a reply as a program gives it: a JSON Schema, which every adapter takes as a pydantic model."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Self

from jsonschema import SchemaError
from jsonschema.validators import Draft202012Validator
from pydantic import BaseModel, RootModel, model_validator
from pydantic_core import PydanticCustomError

from orchestration.door.errors import InvalidRequest, UnsupportedParameter
from providers.adapters.schemas import (
    ANTHROPIC,
    AS_TEXT,
    GEMINI,
    OPEN_SOURCE,
    OPENAI,
    AnyObject,
    UnsupportedSchema,
    vendor_schema,
)

_PARAM = "response_format"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_MOST_SCHEMA_CHARACTERS = 64 * 1024
_TOO_FREE = (
    "Models cannot be held to this schema: it has to be an object whose properties all have a type, without "
    "free-form keys and without references to itself."
)


def form_of(response_format: object) -> type[BaseModel] | None:
    """The pydantic model of a `response_format`; None for plain text. Raises InvalidRequest."""
    if response_format is None:
        return None
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if kind == "text":
        return None
    if kind == "json_object":
        return AnyObject
    if kind != "json_schema":
        raise UnsupportedParameter(_PARAM, "Its type is text, json_object or json_schema.")
    given = response_format.get("json_schema") if isinstance(response_format, dict) else None
    schema = given.get("schema") if isinstance(given, dict) else None
    name = given.get("name") if isinstance(given, dict) else None
    if not isinstance(schema, dict) or not isinstance(name, str) or not name:
        raise InvalidRequest("A json_schema has a name and a schema, which is an object.", param=_PARAM)
    text = json.dumps(schema, sort_keys=True)
    if len(text) > _MOST_SCHEMA_CHARACTERS:
        raise InvalidRequest("The schema is too large. Send a smaller one.", param=_PARAM)
    return _form(name[:64], text)


@lru_cache(maxsize=256)
def _form(name: str, text: str) -> type[BaseModel]:
    schema = json.loads(text)
    if "definitions" in schema:
        schema.setdefault("$defs", schema.pop("definitions"))
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = ".".join(map(str, error.path)) or "its top"
        raise InvalidRequest(f"The schema is no valid JSON Schema at {where}.", param=_PARAM) from None
    form = _model_of(name, schema)
    try:
        for dialect in (OPENAI, ANTHROPIC, GEMINI, OPEN_SOURCE, AS_TEXT):
            vendor_schema(form, dialect)
    except (UnsupportedSchema, RecursionError, LookupError, TypeError, AttributeError):
        raise InvalidRequest(_TOO_FREE, param=_PARAM) from None
    return form


def _model_of(name: str, schema: dict[str, Any]) -> type[BaseModel]:
    validator = Draft202012Validator(schema)

    class Form(RootModel[dict[str, Any]]):
        @classmethod
        def model_json_schema(cls, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
            return schema

        @model_validator(mode="after")
        def fits(self) -> Self:
            for error in validator.iter_errors(self.root):
                # Named by the schema's own word: the reply's may repeat the prompt.
                raise PydanticCustomError(
                    "schema", "breaks the schema's {word}", {"word": str(error.validator)}
                )
            return self

    Form.__name__ = _NOT_IN_A_NAME.sub("_", name)
    return Form
