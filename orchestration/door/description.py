"""What the API's description says of the door, whose views are none of DRF's and answer without its
envelope."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_OF = "https://platform.openai.com/docs/api-reference"
_TAGS = ["door"]
_ERROR = "DoorError"
_SCHEMES: Json = {
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "A personal access token, made by `POST /api/v1/me/tokens`.",
    }
}
_SCHEMAS: Json = {
    _ERROR: {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "param", "code"],
                "properties": {
                    "message": {"type": "string", "description": "Tells a person what to do next."},
                    "type": {"type": "string"},
                    "param": {"type": "string", "nullable": True},
                    "code": {"type": "string", "nullable": True, "description": "Programs decide by it."},
                },
            }
        },
    },
    "DoorModel": {
        "type": "object",
        "required": ["id", "object", "created", "owned_by"],
        "properties": {
            "id": {"type": "string"},
            "object": {"type": "string", "enum": ["model"]},
            "created": {"type": "integer"},
            "owned_by": {"type": "string"},
        },
    },
    "ChatCompletionRequest": {
        "type": "object",
        "required": ["model", "messages"],
        "description": f"As OpenAI's ({_OF}/chat/create), as far as its properties are named here; others "
        "are refused with `unsupported_parameter`.",
        "properties": {
            "model": {"type": "string", "description": "A name that `GET /v1/models` lists."},
            "messages": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
            "stream": {"type": "boolean", "nullable": True},
            "stream_options": {"type": "object", "nullable": True, "additionalProperties": True},
            "max_completion_tokens": {"type": "integer", "nullable": True},
            "max_tokens": {"type": "integer", "nullable": True},
            "temperature": {"type": "number", "nullable": True},
            "top_p": {"type": "number", "nullable": True},
            "stop": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "response_format": {"type": "object", "nullable": True, "additionalProperties": True},
            "tools": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
            "tool_choice": {"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": True}]},
            "parallel_tool_calls": {"type": "boolean", "nullable": True},
        },
    },
    "ChatCompletion": {
        "type": "object",
        "required": ["id", "object", "created", "model", "choices", "usage"],
        "properties": {
            "id": {"type": "string"},
            "object": {"type": "string", "enum": ["chat.completion"]},
            "created": {"type": "integer"},
            "model": {"type": "string", "description": "The model that answered."},
            "choices": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
            "usage": {"type": "object", "additionalProperties": True},
        },
    },
}


def add_door(result: Json, **_: Any) -> Json:
    """drf-spectacular hook; after the one that wraps replies, for these are not wrapped."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {}).update(_SCHEMAS)
    components.setdefault("securitySchemes", {}).update(_SCHEMES)
    listed = {
        "type": "object",
        "required": ["object", "data"],
        "properties": {
            "object": {"type": "string", "enum": ["list"]},
            "data": {"type": "array", "items": _ref("DoorModel")},
        },
    }
    completion = _operation(
        "door_chat_completions",
        "Answer by a task of ours or by a model that is configured, whole or as server-sent events.",
        _ref("ChatCompletion"),
    )
    completion["requestBody"] = {"required": True, "content": _json(_ref("ChatCompletionRequest"))}
    completion["responses"]["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    one = _operation("door_model", "One of them, also by its name without the provider.", _ref("DoorModel"))
    one["parameters"] = [{"in": "path", "name": "name", "required": True, "schema": {"type": "string"}}]
    result["paths"]["/v1/chat/completions"] = {"post": completion}
    result["paths"]["/v1/models"] = {
        "get": _operation("door_models", "What this access token may name as a model.", listed)
    }
    result["paths"]["/v1/models/{name}"] = {"get": one}
    return result


def _operation(operation_id: str, description: str, schema: Json) -> Json:
    return {
        "operationId": operation_id,
        "description": description,
        "tags": _TAGS,
        "security": [{"accessToken": []}],
        "responses": {
            "200": {"description": "", "content": _json(schema)},
            "default": {
                "description": "Refused or failed, in OpenAI's form.",
                "content": _json(_ref(_ERROR)),
            },
        },
    }


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
