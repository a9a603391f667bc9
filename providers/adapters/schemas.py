"""JSON schemas that vendors accept, from pydantic models.

Each vendor takes a subset of JSON Schema and refuses the rest with a 400. What is left out here is not lost:
it goes into the field's description, and the reply is validated against the pydantic model in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, RootModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema = dict[str, Any]


class UnsupportedSchema(TypeError):
    """A model that no vendor's structured output can express. A programming error."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """`keywords` and `formats` are those the vendor knows beyond the structural ones. `all_required`: every
    property must be listed as required. `optional_for_null`: what may be null may simply be left out."""

    keywords: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    all_required: bool = False
    optional_for_null: bool = False


# https://platform.openai.com/docs/guides/structured-outputs#supported-schemas (strict mode)
OPENAI = Dialect(
    keywords=frozenset(
        {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems"}
    ),
    formats=frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}),
    all_required=True,
)
# https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations: unions are
# rationed (16 a schema, against 24 optional properties), so a nullable property becomes an optional one.
ANTHROPIC = Dialect(
    formats=frozenset(
        {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
    ),
    optional_for_null=True,
)
# https://ai.google.dev/gemini-api/docs/structured-output#json_schema_support
GEMINI = Dialect(
    keywords=frozenset({"minimum", "maximum", "minItems", "maxItems"}),
    formats=frozenset({"date-time", "date", "time"}),
    all_required=True,
)
# The common ground of the grammars of llama.cpp, Ollama and vLLM.
OPEN_SOURCE = Dialect(
    # Without maxLength a small model that repeats itself never leaves the string.
    keywords=frozenset({"minItems", "maxItems", "maxLength"}),
    formats=frozenset({"date-time", "date", "time"}),
    all_required=True,
)
# For a model that reads the schema as text: it knows every word of the language, and is to leave nothing out.
AS_TEXT = Dialect(
    keywords=frozenset(
        {
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "minItems",
            "maxItems",
            "minLength",
            "maxLength",
            "pattern",
        }
    ),
    formats=frozenset({"date-time", "date", "time", "email", "uri", "uuid"}),
    all_required=True,
)


class AnyObject(RootModel[dict[str, Any]]):
    """Whatever JSON object; no vendor's structured output can express it, so it is asked for by prompt."""


@lru_cache(maxsize=256)
def vendor_schema(model: type[BaseModel], dialect: Dialect) -> Schema:
    """The schema of `model` in `dialect`, references resolved. Shared between calls: treat it as read-only.

    Raises UnsupportedSchema for recursive models, free-form mappings and models that are not objects.
    """
    if model is AnyObject:
        return {"type": "object", "properties": {}}
    full = model.model_json_schema(schema_generator=_PlainNumbers)
    if full.get("type") != "object" and "$ref" not in full:
        raise UnsupportedSchema(f"{model.__name__} is not an object.")
    return _Converter(dialect, full.get("$defs", {}), model.__name__).convert(full)


class _PlainNumbers(GenerateJsonSchema):
    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        # By default a number or a string with a regular expression that no vendor's grammar can follow.
        return {"type": "number"}


class _Converter:
    def __init__(self, dialect: Dialect, definitions: dict[str, Schema], model_name: str) -> None:
        self._dialect = dialect
        self._definitions = definitions
        self._model_name = model_name
        self._open: list[str] = []

    def convert(self, schema: Schema) -> Schema:
        if "$ref" in schema:
            return self._resolve(schema)
        if len(schema.get("allOf", [])) == 1:
            return self.convert({**schema["allOf"][0], **{k: v for k, v in schema.items() if k != "allOf"}})
        result = self._keep(schema)
        if "properties" in schema or schema.get("type") == "object":
            self._close_object(schema, result)
        if isinstance(schema.get("items"), dict):
            result["items"] = self.convert(schema["items"])
        variants = schema.get("anyOf") or schema.get("oneOf")
        if variants:
            result["anyOf"] = [self.convert(variant) for variant in variants]
        if not result.keys() & {"type", "enum", "anyOf"} or "prefixItems" in schema:
            raise UnsupportedSchema(f"{self._model_name} has a field without a definite type.")
        return result

    def _resolve(self, schema: Schema) -> Schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in self._open:
            raise UnsupportedSchema(f"{self._model_name} contains itself through {name}.")
        self._open.append(name)
        beside = {key: value for key, value in schema.items() if key not in {"$ref", "$defs"}}
        result = self.convert({**self._definitions[name], **beside})
        self._open.pop()
        return result

    def _keep(self, schema: Schema) -> Schema:
        """What the vendor knows of this level, the rest told in words."""
        if "const" in schema:
            schema = {**schema, "enum": [schema["const"]]}
        known = self._dialect.keywords | {"type", "enum"}
        result = {key: value for key, value in schema.items() if key in known}
        if schema.get("format") in self._dialect.formats:
            result["format"] = schema["format"]
        if words := _in_words(schema, without=result.keys()):
            result["description"] = words
        return result

    def _close_object(self, schema: Schema, result: Schema) -> None:
        if schema.get("additionalProperties") not in (None, False):
            raise UnsupportedSchema(f"{self._model_name} has a free-form mapping; list its keys instead.")
        required = set(schema.get("required", ()))
        properties = {}
        for name, member in schema.get("properties", {}).items():
            may_be_left_out = self._dialect.optional_for_null and name not in required
            properties[name] = self.convert(_without_null(member) if may_be_left_out else member)
        result["properties"] = properties
        result["required"] = [name for name in properties if self._dialect.all_required or name in required]
        result["additionalProperties"] = False


_WORDS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "format": "format: {}",
    "pattern": "matching {}",
}


def _in_words(schema: Schema, *, without: Any) -> str:
    told = [
        words.format(schema[key]) for key, words in _WORDS.items() if key in schema and key not in without
    ]
    if schema.get("uniqueItems"):
        told.append("no item twice")
    description = schema.get("description", "")
    limits = f"({', '.join(told)})" if told else ""
    return f"{description} {limits}".strip()


def _without_null(schema: Schema) -> Schema:
    if schema.get("default", ...) is not None:
        return schema
    variants = [variant for variant in schema.get("anyOf", []) if variant.get("type") != "null"]
    if not variants or len(variants) == len(schema["anyOf"]):
        return schema
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**variants[0], **rest} if len(variants) == 1 else {**rest, "anyOf": variants}
