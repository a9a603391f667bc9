"""JSON schema as the vendors' SDKs send it, brought into one dialect for the sandbox to fill."""

from typing import Any

Json = dict[str, Any]

# Gemini's own schema writes keywords in snake case and types in capitals.
_KEYWORDS = {
    "any_of": "anyOf",
    "one_of": "oneOf",
    "all_of": "allOf",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
    "defs": "$defs",
    "ref": "$ref",
}
# A reference to itself would be followed for ever.
MAX_HOPS = 32
_SUBSCHEMAS = {"properties", "$defs", "definitions"}
_LISTS = {"anyOf", "oneOf", "allOf", "prefixItems"}


def standard(schema: Json) -> Json:
    """The same schema in standard spelling: lower-case types, `nullable` as a null branch."""
    found: Json = {}
    for written, value in schema.items():
        key = _KEYWORDS.get(written, written)
        if key in _SUBSCHEMAS and isinstance(value, dict):
            found[key] = {name: standard(sub) for name, sub in value.items()}
        elif key in _LISTS and isinstance(value, list):
            found[key] = [standard(sub) for sub in value]
        elif key == "items" and isinstance(value, dict):
            found[key] = standard(value)
        elif key == "type":
            found[key] = [kind.lower() for kind in value] if isinstance(value, list) else str(value).lower()
        else:
            found[key] = value
    if found.pop("nullable", False):
        return {"anyOf": [found, {"type": "null"}]}
    return found


class Schemas:
    """A root schema, to resolve the references of its parts."""

    def __init__(self, root: Json) -> None:
        self.root = standard(root)

    def branches(self, schema: Json) -> tuple[list[Json], bool]:
        """The alternatives of a schema, references resolved, and whether null is one of them."""
        schema = self._resolved(schema)
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if alternatives:
            rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
            branches, nullable = [], False
            for alternative in alternatives:
                inner, inner_nullable = self.branches(rest | alternative)
                branches += inner
                nullable |= inner_nullable
            return branches, nullable
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return [schema | {"type": kind} for kind in kinds if kind != "null"], "null" in kinds
        if kinds == "null":
            return [], True
        enum = schema.get("enum")
        if enum and None in enum:
            return [schema | {"enum": [value for value in enum if value is not None]}], True
        return [schema], False

    def _resolved(self, schema: Json) -> Json:
        for _ in range(MAX_HOPS):
            if "$ref" not in schema and "allOf" not in schema:
                break
            merged = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
            if "$ref" in schema:
                merged = self._pointed_at(schema["$ref"]) | merged
            for part in schema.get("allOf", []):
                merged = part | merged
            schema = merged
        return schema

    def _pointed_at(self, reference: str) -> Json:
        target: Any = self.root
        for step in reference.removeprefix("#").strip("/").split("/"):
            target = target[step] if step else target
        return dict(target)


def kind_of(schema: Json) -> str:
    """The JSON type of a branch, told by its keywords when it does not say."""
    if "enum" in schema or "const" in schema:
        return "enum"
    if "type" in schema:
        return str(schema["type"])
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def enum_values(schema: Json) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema["enum"])
