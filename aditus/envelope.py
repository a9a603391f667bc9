"""The one shape of every API reply: {"success": true, "data": …} or {"success": false, "error": {…}}."""

import json
from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

ERROR_SCHEMA = {
    "type": "object",
    "required": ["success", "error"],
    "properties": {
        "success": {"type": "boolean", "enum": [False]},
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string", "description": "Stable; programs decide by it."},
                "message": {"type": "string", "description": "Tells a person what to do next."},
                "details": {"type": "object", "additionalProperties": True},
            },
        },
    },
}
# Moments are written as DRF's encoder writes them.
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS
_LINE_ENDS = {"\u2028".encode(): b"\\u2028", "\u2029".encode(): b"\\u2029"}


def _escaped(data: Any) -> bytes:
    """What orjson does not write, in ASCII, which has a way to write all of it."""
    return json.dumps(data, cls=JSONEncoder, separators=(",", ":")).encode()


class EnvelopeJSONRenderer(JSONRenderer):
    """Wraps what a view returned; the exception handler has shaped errors already."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        response = (renderer_context or {}).get("response")
        if response is not None and response.status_code == 204:
            return b""
        if response is None or not response.exception:
            data = {"success": True, "data": data}
        if self.get_indent(accepted_media_type or "", renderer_context or {}) is not None:
            return bytes(super().render(data, accepted_media_type, renderer_context))
        try:
            rendered = orjson.dumps(data, default=JSONEncoder().default, option=_OPTIONS)
        except TypeError:
            # Whole numbers of more than 64 bits, halves of characters.
            return _escaped(data)
        for line_end, escaped in _LINE_ENDS.items():
            # Line ends in JavaScript, as which JSON is read here and there.
            rendered = rendered.replace(line_end, escaped)
        return rendered


def wrap_schema_responses(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular hook: say in the schema what the renderer does."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR_SCHEMA
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            for status, response in responses.items():
                content = response.get("content", {}).get("application/json")
                if content and status.startswith("2"):
                    content["schema"] = {
                        "type": "object",
                        "required": ["success", "data"],
                        "properties": {
                            "success": {"type": "boolean", "enum": [True]},
                            "data": content["schema"],
                        },
                    }
            responses.setdefault("default", {**error, "description": "Refused or failed; see error.code."})
    return result
