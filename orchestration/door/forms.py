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

from accounts.nesting import NestedTooDeeply, refuse_deep
from orchestration.door.errors import InvalidRequest, UnsupportedParameter
from orchestration.door.schema_bounds import TOO_FREE, Schema, Validator, bound
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

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_MOST_SCHEMA_CHARACTERS = 64 * 1024
_TOO_DEEP = "The schema is nested too deeply. Flatten it and try again."


def form_of(asked: object, *, within: str, param: str) -> type[BaseModel] | None:
    """The pydantic model of the form that is `asked` for; None for plain text. A schema is described `within`
    a member of that name; empty: in itself. Raises InvalidRequest, which names `param`."""
    if asked is None:
        return None
    kind = asked.get("type") if isinstance(asked, dict) else None
    if kind == "text":
        return None
    if kind == "json_object":
        return AnyObject
    if kind != "json_schema" or not isinstance(asked, dict):
        raise UnsupportedParameter(param, "Its type is text, json_object or json_schema.")
    given = asked.get(within) if within else asked
    schema = given.get("schema") if isinstance(given, dict) else None
    name = given.get("name") if isinstance(given, dict) else None
    if not isinstance(schema, dict) or not isinstance(name, str) or not name:
        raise InvalidRequest("A json_schema has a name and a schema, which is an object.", param=param)
    try:
        refuse_deep(schema)
    except NestedTooDeeply:
        raise InvalidRequest(_TOO_DEEP, param=param) from None
    text = json.dumps(schema, sort_keys=True)
    if len(text) > _MOST_SCHEMA_CHARACTERS:
        raise InvalidRequest("The schema is too large. Send a smaller one.", param=param)
    return _form(name[:64], text, param)


@lru_cache(maxsize=256)
def _form(name: str, text: str, param: str) -> type[BaseModel]:
    schema = json.loads(text)
    # Where it comes from; with it, references would begin elsewhere.
    schema.pop("$id", None)
    if "definitions" in schema:
        schema.setdefault("$defs", schema["definitions"])
    try:
        # Formats as well: a pattern that is none would break off the reading of every reply.
        Draft202012Validator.check_schema(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    except SchemaError as error:
        where = ".".join(map(str, error.path)) or "its top"
        raise InvalidRequest(f"The schema is no valid JSON Schema at {where}.", param=param) from None
    except RecursionError:
        raise InvalidRequest(_TOO_DEEP, param=param) from None
    bound(schema, param)
    form = _model_of(name, schema)
    try:
        for dialect in (OPENAI, ANTHROPIC, GEMINI, OPEN_SOURCE, AS_TEXT):
            vendor_schema(form, dialect)
    except (UnsupportedSchema, RecursionError, LookupError, TypeError, AttributeError):
        raise InvalidRequest(TOO_FREE, param=param) from None
    return form


def _model_of(name: str, schema: Schema) -> type[BaseModel]:
    validator = Validator(schema)

    class Form(RootModel[dict[str, Any]]):
        @classmethod
        def model_json_schema(cls, *_args: Any, **_kwargs: Any) -> Schema:
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
