"""What the API's description says of the door, whose views are none of DRF's and answer without its
envelope."""

from __future__ import annotations

from typing import Any

from accounts.idempotency import DESCRIPTION, HEADER, SCHEMA
from orchestration.door.messages import MOST_MESSAGES
from orchestration.door.parameters import MOST_OUTPUT_TOKENS, MOST_TOOLS
from orchestration.door.requests import MOST_STOPS

Json = dict[str, Any]


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


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
_MOST_TOKENS: Json = {"type": "integer", "nullable": True, "minimum": 1, "maximum": MOST_OUTPUT_TOKENS}
_OBJECT: Json = {"type": "object", "additionalProperties": True}
_OBJECTS: Json = {"type": "array", "items": _OBJECT}
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
    "ChatMessage": {
        "type": "object",
        "required": ["role"],
        "additionalProperties": False,
        "properties": {
            "role": {"type": "string", "enum": ["system", "developer", "user", "assistant", "tool"]},
            "content": {
                "nullable": True,
                "oneOf": [
                    {"type": "string"},
                    {"type": "array", "items": {"type": "object", "additionalProperties": True}},
                ],
            },
            "tool_calls": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
            "tool_call_id": {"type": "string"},
            "refusal": {"type": "string", "nullable": True},
        },
    },
    "ChatCompletionRequest": {
        "type": "object",
        "required": ["model", "messages"],
        "description": f"As OpenAI's ({_OF}/chat/create), as far as its properties are named here; others "
        "are refused with `unsupported_parameter`.",
        "additionalProperties": False,
        "properties": {
            "model": {
                "type": "string",
                "minLength": 1,
                "description": "A name that `GET /v1/models` lists.",
            },
            "messages": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_MESSAGES,
                "items": _ref("ChatMessage"),
            },
            "stream": {"type": "boolean", "nullable": True},
            "stream_options": {"type": "object", "nullable": True, "additionalProperties": True},
            "max_completion_tokens": _MOST_TOKENS,
            "max_tokens": _MOST_TOKENS,
            "temperature": {"type": "number", "nullable": True, "minimum": 0, "maximum": 2},
            "top_p": {"type": "number", "nullable": True, "minimum": 0, "maximum": 1},
            "stop": {
                "oneOf": [
                    {"type": "string", "minLength": 1},
                    {
                        "type": "array",
                        "maxItems": MOST_STOPS,
                        "items": {"type": "string", "minLength": 1},
                    },
                ]
            },
            "response_format": {"type": "object", "nullable": True, "additionalProperties": True},
            "tools": {"type": "array", "maxItems": MOST_TOOLS, "items": _OBJECT},
            "tool_choice": {"oneOf": [{"type": "string"}, _OBJECT]},
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
            "choices": _OBJECTS,
            "usage": _OBJECT,
        },
    },
    "DoorResponseRequest": {
        "type": "object",
        "required": ["model", "input"],
        "description": f"As OpenAI's ({_OF}/responses/create), as far as its properties are named here; "
        "others are refused with `unsupported_parameter`. Nothing is stored.",
        "additionalProperties": False,
        "properties": {
            "model": {
                "type": "string",
                "minLength": 1,
                "description": "A name that `GET /v1/models` lists.",
            },
            "input": {
                "oneOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "minItems": 1, "maxItems": MOST_MESSAGES, "items": _OBJECT},
                ]
            },
            "instructions": {"type": "string", "nullable": True},
            "stream": {"type": "boolean", "nullable": True},
            "max_output_tokens": _MOST_TOKENS,
            "temperature": {"type": "number", "nullable": True, "minimum": 0, "maximum": 2},
            "top_p": {"type": "number", "nullable": True, "minimum": 0, "maximum": 1},
            "text": {"type": "object", "nullable": True, "additionalProperties": True},
            "tools": {"type": "array", "maxItems": MOST_TOOLS, "items": _OBJECT},
            "tool_choice": {"oneOf": [{"type": "string"}, _OBJECT]},
            "parallel_tool_calls": {"type": "boolean", "nullable": True},
            "metadata": {"type": "object", "nullable": True, "additionalProperties": True},
        },
    },
    "DoorResponse": {
        "type": "object",
        "required": ["id", "object", "created_at", "status", "model", "output", "usage"],
        "properties": {
            "id": {"type": "string"},
            "object": {"type": "string", "enum": ["response"]},
            "created_at": {"type": "integer"},
            "status": {"type": "string", "enum": ["completed", "incomplete"]},
            "model": {"type": "string", "description": "The model that answered."},
            "output": _OBJECTS,
            "usage": _OBJECT,
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
    one = _operation("door_model", "One of them, also by its name without the provider.", _ref("DoorModel"))
    one["parameters"] = [{"in": "path", "name": "name", "required": True, "schema": {"type": "string"}}]
    result["paths"]["/v1/chat/completions"] = _generating("door_chat_completions", "ChatCompletion")
    result["paths"]["/v1/responses"] = _generating("door_responses", "DoorResponse")
    result["paths"]["/v1/models"] = {
        "get": _operation("door_models", "What this access token may name as a model.", listed)
    }
    result["paths"]["/v1/models/{name}"] = {"get": one}
    return result


def _generating(operation_id: str, name: str) -> Json:
    operation = _operation(
        operation_id,
        "Answer by a task of ours or by a model that is configured, whole or as server-sent events.",
        _ref(name),
    )
    operation["requestBody"] = {"required": True, "content": _json(_ref(f"{name}Request"))}
    operation["parameters"] = [
        {
            "in": "header",
            "name": HEADER,
            "schema": SCHEMA,
            "description": f"{DESCRIPTION} Not of a stream.",
        }
    ]
    operation["responses"]["400"] = {
        "description": "`invalid_value`, `missing_required_parameter`, `unsupported_parameter`: a message "
        "that says nothing, or what the models cannot be asked. `context_length_exceeded`, `content_filter`, "
        "`request_refused`: what the vendor holds against it.",
        "content": _json(_ref(_ERROR)),
    }
    operation["responses"]["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    return {"post": operation}


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
