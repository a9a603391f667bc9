"""A chat completion as a program asks for it (https://platform.openai.com/docs/api-reference/chat/create),
read into a request of ours. What we cannot do is refused by its name, never dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from orchestration.door.errors import InvalidRequest, MissingParameter, UnsupportedParameter
from orchestration.door.forms import form_of
from orchestration.door.messages import conversation_in
from providers.adapters.base import GenerationRequest
from providers.adapters.conversation import Tool, ToolBox
from providers.adapters.schemas import AnyObject

Json = dict[str, Any]

MOST_OUTPUT_TOKENS = 1_000_000
MOST_TOOLS = 128
MOST_STOPS = 4

_READ = frozenset(
    {
        "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature",
        "top_p", "stop", "response_format", "tools", "tool_choice", "parallel_tool_calls",
    }
)  # fmt: skip
# They label a request for whoever runs the API, and change no answer.
_LABELS = frozenset({"user", "metadata", "safety_identifier", "prompt_cache_key"})
# What clients send although it is what holds anyway.
_AS_IT_IS: Mapping[str, tuple[object, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "store": (False,),
    "service_tier": ("auto", "default"),
    "modalities": (["text"],),
    "functions": ([],),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """`max_output_tokens` None is the task's own. `request` holds all but that."""

    model: str
    request: GenerationRequest = field(repr=False)
    max_output_tokens: int | None
    is_streamed: bool
    wants_usage: bool


def read(body: bytes) -> Asked:
    """Raises InvalidRequest and its kin, which name the parameter at fault."""
    given = _object(body)
    _refuse_unknown(given)
    model = given.get("model")
    if not isinstance(model, str) or not model:
        raise MissingParameter("Name a model; GET /v1/models lists them.", param="model")
    said = conversation_in(given.get("messages"))
    *history, last = said.turns
    is_question = last.role == "user"
    form = form_of(given.get("response_format"))
    options = given.get("stream_options") or {}
    request = GenerationRequest(
        prompt=last.text if is_question else "",
        images=last.images if is_question else (),
        history=tuple(history) if is_question else said.turns,
        system_prompt=said.system,
        response_model=form,
        structured_by_prompt=form is AnyObject,
        temperature=_number(given, "temperature", most=2.0),
        top_p=_number(given, "top_p", most=1.0),
        stop=_stops(given.get("stop")),
        toolbox=_toolbox(given),
    )
    return Asked(
        model=model,
        request=request,
        max_output_tokens=_limit(given),
        is_streamed=_flag(given, "stream"),
        wants_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _object(body: bytes) -> Json:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidRequest("The body is not JSON. Correct it and send it as UTF-8.") from None
    if not isinstance(given, dict):
        raise InvalidRequest("The body is not a JSON object.")
    return given


def _refuse_unknown(given: Json) -> None:
    for name, value in given.items():
        if value is None or name in _READ or name in _LABELS:
            continue
        if name not in _AS_IT_IS or value not in _AS_IT_IS[name]:
            raise UnsupportedParameter(name)


def _flag(given: Json, name: str) -> bool:
    value = given.get(name)
    if value not in (None, True, False):
        raise InvalidRequest("This is true or false.", param=name)
    return bool(value)


def _number(given: Json, name: str, *, most: float) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise InvalidRequest(f"This is a number from 0 to {most:g}.", param=name)
    return float(value)


def _limit(given: Json) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        value = given.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MOST_OUTPUT_TOKENS:
            raise InvalidRequest(f"This is a number from 1 to {MOST_OUTPUT_TOKENS}.", param=name)
        return value
    return None


def _stops(value: object) -> tuple[str, ...]:
    stops = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or len(stops) > MOST_STOPS:
        raise InvalidRequest(f"This is a text, or a list of at most {MOST_STOPS}.", param="stop")
    if not all(isinstance(stop, str) and stop for stop in stops):
        raise InvalidRequest("Each of these is a text that is not empty.", param="stop")
    return tuple(stops)


def _toolbox(given: Json) -> ToolBox | None:
    tools = given.get("tools")
    if not tools:
        return None
    if not isinstance(tools, list) or len(tools) > MOST_TOOLS:
        raise InvalidRequest(f"This is a list of at most {MOST_TOOLS} tools.", param="tools")
    found = tuple(_tool(tool, f"tools[{number}]") for number, tool in enumerate(tools))
    parallel = given.get("parallel_tool_calls")
    choice, forced = _choice(given.get("tool_choice"), {tool.name for tool in found})
    return ToolBox(found, choice=choice, forced=forced, is_parallel=parallel is not False)  # type: ignore[arg-type]


def _tool(tool: object, where: str) -> Tool:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        raise UnsupportedParameter(where, "Tools are functions here.")
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not name:
        raise InvalidRequest("A function has a name.", param=f"{where}.function.name")
    description, parameters = function.get("description") or "", function.get("parameters") or {}
    if not isinstance(description, str) or not isinstance(parameters, dict):
        raise InvalidRequest("A function's parameters are a JSON Schema.", param=f"{where}.function")
    return Tool(name[:64], description, parameters)


def _choice(value: object, names: set[str]) -> tuple[str, str]:
    if value is None:
        return "auto", ""
    if value in ("auto", "none", "required"):
        return str(value), ""
    function = value.get("function") if isinstance(value, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if name not in names:
        raise InvalidRequest("This is auto, none, required or one of the tools.", param="tool_choice")
    return "required", str(name)
