"""A response as a program asks for it (https://platform.openai.com/docs/api-reference/responses/create), read
into a request of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from orchestration.door.errors import InvalidRequest, MissingParameter, UnsupportedParameter
from orchestration.door.forms import form_of
from orchestration.door.messages import MOST_MESSAGES, Conversation, conversation_of, picture_in
from orchestration.door.parameters import Asked, asked_of, parameters_in, toolbox_in
from providers.adapters.base import Image
from providers.adapters.conversation import ToolCall, Turn

Json = dict[str, Any]

_READ = frozenset({"input", "instructions", "max_output_tokens", "text", "stream_options"})
_AS_IT_IS: Mapping[str, tuple[object, ...]] = {
    "background": (False,),
    "include": ([],),
    "reasoning": ({},),
    "truncation": ("disabled",),
}
_TEXT_PARTS = ("input_text", "output_text")


def read(body: bytes) -> Asked:
    """Raises InvalidRequest and its kin, which name the parameter at fault."""
    given = parameters_in(body, read=_READ, as_it_is=_AS_IT_IS)
    return asked_of(
        given,
        _conversation(given),
        form=form_of(_text_options(given).get("format"), within="", param="text.format"),
        toolbox=toolbox_in(given, within=""),
        limits=("max_output_tokens",),
    )


def _text_options(given: Json) -> Json:
    options = given.get("text") or {}
    if not isinstance(options, dict):
        raise InvalidRequest("This is an object with a format.", param="text")
    for name, value in options.items():
        if name != "format" and (name, value) != ("verbosity", "medium") and value is not None:
            raise UnsupportedParameter(f"text.{name}")
    return options


def _conversation(given: Json) -> Conversation:
    """Instructions, wherever they stand, go before all."""
    instructions, items = given.get("instructions") or "", given.get("input")
    if not isinstance(instructions, str):
        raise InvalidRequest("Instructions are a text.", param="instructions")
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    if not isinstance(items, list) or not items:
        raise MissingParameter("Send a text, or a list of at least one item.", param="input")
    if len(items) > MOST_MESSAGES:
        raise InvalidRequest(f"There are more than {MOST_MESSAGES} items. Send fewer.", param="input")
    systems = [instructions] if instructions else []
    turns: list[Turn] = []
    for number, item in enumerate(items):
        where = f"input[{number}]"
        if not isinstance(item, dict):
            raise InvalidRequest("An item is an object.", param=where)
        reader = _READERS.get(str(item.get("type") or "message"))
        if reader is None:
            raise UnsupportedParameter(where, "An item is a message, a function call or its output.")
        if item.get("role") in ("system", "developer"):
            systems.append(_text(item.get("content"), f"{where}.content"))
        else:
            _add(turns, reader(item, where))
    return conversation_of(systems, turns, param="input")


def _add(turns: list[Turn], turn: Turn) -> None:
    """What an assistant said and what it called are items of their own here, and one turn of ours."""
    if turn.calls and turns and turns[-1].role == "assistant":
        turns[-1] = replace(turns[-1], calls=turns[-1].calls + turn.calls)
    else:
        turns.append(turn)


def _message(item: Json, where: str) -> Turn:
    role, content = item.get("role"), item.get("content")
    if role not in ("user", "assistant"):
        raise InvalidRequest("A role is system, developer, user or assistant.", param=f"{where}.role")
    where = f"{where}.content"
    images: tuple[Image, ...] = ()
    if role == "user" and isinstance(content, list):
        images = tuple(_image(part, where) for part in content if _kind(part) == "input_image")
        content = [part for part in content if _kind(part) != "input_image"]
    text = _text(content, where)
    if not text.strip() and not images:
        raise InvalidRequest("This message is empty.", param=where)
    return Turn(role, text, images)


def _call(item: Json, where: str) -> Turn:
    call_id, name, arguments = (item.get(key) for key in ("call_id", "name", "arguments"))
    if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(arguments, str)):
        raise InvalidRequest("A function call has a call_id, a name and arguments.", param=where)
    return Turn("assistant", calls=(ToolCall(call_id, name, arguments),))


def _outcome(item: Json, where: str) -> Turn:
    call_id = item.get("call_id")
    if not isinstance(call_id, str) or not call_id:
        raise MissingParameter("Say which call this is the outcome of.", param=f"{where}.call_id")
    return Turn("tool", _text(item.get("output"), f"{where}.output"), call_id=call_id)


_READERS: dict[str, Callable[[Json, str], Turn]] = {
    "message": _message,
    "function_call": _call,
    "function_call_output": _outcome,
}


def _kind(part: object) -> object:
    return part.get("type") if isinstance(part, dict) else None


def _text(content: object, where: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise InvalidRequest("This is a text or a list of parts.", param=where)
    return "\n".join(_text_part(part, where) for part in content)


def _text_part(part: object, where: str) -> str:
    kind = _kind(part)
    text = part.get("refusal" if kind == "refusal" else "text") if isinstance(part, dict) else None
    if kind not in (*_TEXT_PARTS, "refusal") or not isinstance(text, str):
        raise InvalidRequest("A part is a text here, or an input_image of the user's.", param=where)
    return text


def _image(part: Json, where: str) -> Image:
    if part.get("file_id") is not None:
        raise UnsupportedParameter(f"{where}.file_id", "Send the image itself, as a data URL.")
    if part.get("detail") not in (None, "auto"):
        raise UnsupportedParameter(f"{where}.detail")
    return picture_in(part.get("image_url"), f"{where}.image_url")
