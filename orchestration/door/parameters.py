"""What chat completions and responses have in common: how a parameter is read, and what comes of them all.
What we cannot do is refused by its name, never dropped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import BaseModel

from accounts.nesting import NestedTooDeeply, refuse_deep
from orchestration.door.errors import InvalidRequest, MissingParameter, UnsupportedParameter
from orchestration.door.messages import Conversation
from providers.adapters.base import GenerationRequest
from providers.adapters.conversation import Tool, ToolBox
from providers.adapters.schemas import AnyObject

Json = dict[str, Any]

MOST_OUTPUT_TOKENS = 1_000_000
MOST_TOOLS = 128

_READ = frozenset({"model", "stream", "temperature", "top_p", "tools", "tool_choice", "parallel_tool_calls"})
# They label a request for whoever runs the API, and change no answer.
_LABELS = frozenset({"user", "metadata", "safety_identifier", "prompt_cache_key"})
# What clients send although it is what holds anyway.
_AS_IT_IS: Mapping[str, tuple[object, ...]] = {
    "store": (False,),
    "service_tier": ("auto", "default"),
    "top_logprobs": (0,),
}
_WHY = dict.fromkeys(
    ("store", "previous_response_id", "conversation", "prompt", "background"),
    "Nothing is stored here: leave it out, and send the whole conversation each time.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """`max_output_tokens` None is the task's own. `request` holds all but that; `given` is what was sent."""

    model: str
    request: GenerationRequest = field(repr=False)
    max_output_tokens: int | None
    is_streamed: bool
    given: Json = field(repr=False)


def asked_of(
    given: Json,
    said: Conversation,
    *,
    form: type[BaseModel] | None,
    toolbox: ToolBox | None,
    limits: Iterable[str],
    stop: tuple[str, ...] = (),
) -> Asked:
    """What comes of a request whose own parameters are read; `limits` names those that limit the output."""
    *history, last = said.turns
    is_question = last.role == "user"
    request = GenerationRequest(
        prompt=last.text if is_question else "",
        images=last.images if is_question else (),
        history=tuple(history) if is_question else said.turns,
        system_prompt=said.system,
        response_model=form,
        structured_by_prompt=form is AnyObject,
        temperature=_number(given, "temperature", most=2.0),
        top_p=_number(given, "top_p", most=1.0),
        stop=stop,
        toolbox=toolbox,
    )
    return Asked(
        model=given["model"],
        request=request,
        max_output_tokens=_limit(given, limits),
        is_streamed=_flag(given, "stream"),
        given=given,
    )


def parameters_in(body: bytes, *, read: frozenset[str], as_it_is: Mapping[str, tuple[object, ...]]) -> Json:
    """The parameters of a request, whose model is named: all common ones, those of its kind that are `read`,
    and those that hold as they are sent. Raises InvalidRequest and its kin."""
    try:
        given = orjson.loads(body)
        refuse_deep(given)
    except NestedTooDeeply as error:
        raise InvalidRequest(error.message) from None
    except orjson.JSONDecodeError:
        raise InvalidRequest("The body is not JSON. Correct it and send it as UTF-8.") from None
    if not isinstance(given, dict):
        raise InvalidRequest("The body is not a JSON object.")
    holding = {**_AS_IT_IS, **as_it_is}
    for name, value in given.items():
        if value is None or name in _READ or name in _LABELS or name in read:
            continue
        if value not in holding.get(name, ()):
            raise UnsupportedParameter(name, _WHY.get(name, "Leave it out."))
    if not isinstance(given.get("model"), str) or not given["model"]:
        raise MissingParameter("Name a model; GET /v1/models lists them.", param="model")
    return given


def _flag(given: Json, name: str) -> bool:
    value = given.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidRequest("This is true or false.", param=name)
    return bool(value)


def _number(given: Json, name: str, *, most: float) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise InvalidRequest(f"This is a number from 0 to {most:g}.", param=name)
    return float(value)


def _limit(given: Json, names: Iterable[str]) -> int | None:
    for name in names:
        value = given.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MOST_OUTPUT_TOKENS:
            raise InvalidRequest(f"This is a number from 1 to {MOST_OUTPUT_TOKENS}.", param=name)
        return value
    return None


def toolbox_in(given: Json, *, within: str) -> ToolBox | None:
    """The tools, each of which is described `within` a member of that name; empty: in itself."""
    tools = given.get("tools")
    if not tools:
        return None
    if not isinstance(tools, list) or len(tools) > MOST_TOOLS:
        raise InvalidRequest(f"This is a list of at most {MOST_TOOLS} tools.", param="tools")
    found = tuple(_tool(tool, f"tools[{number}]", within) for number, tool in enumerate(tools))
    parallel = given.get("parallel_tool_calls")
    choice, forced = _choice(given.get("tool_choice"), {tool.name for tool in found}, within)
    return ToolBox(found, choice=choice, forced=forced, is_parallel=parallel is not False)  # type: ignore[arg-type]


def _tool(tool: object, where: str, within: str) -> Tool:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        raise UnsupportedParameter(where, "Tools are functions here.")
    function = tool.get(within) if within else tool
    where = f"{where}.{within}" if within else where
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not name:
        raise InvalidRequest("A function has a name.", param=f"{where}.name")
    description, parameters = function.get("description") or "", function.get("parameters") or {}
    if not isinstance(description, str) or not isinstance(parameters, dict):
        raise InvalidRequest("A function's parameters are a JSON Schema.", param=where)
    return Tool(name[:64], description, parameters)


def _choice(value: object, names: set[str], within: str) -> tuple[str, str]:
    if value is None:
        return "auto", ""
    if value in ("auto", "none", "required"):
        return str(value), ""
    function = value.get(within) if isinstance(value, dict) and within else value
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or name not in names:
        raise InvalidRequest("This is auto, none, required or one of the tools.", param="tool_choice")
    return "required", name
