"""The messages of a chat completion, read into a conversation of ours."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.door.errors import InvalidRequest, MissingParameter, UnsupportedParameter
from providers.adapters.base import Image
from providers.adapters.conversation import ToolCall, Turn

Json = dict[str, Any]

MOST_MESSAGES = 1_000
MOST_PICTURES = 20
MOST_PICTURE_BYTES = 10 * 1024 * 1024
# By how each begins; the vendors look at the rest.
_SIGNATURES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}


@dataclass(frozen=True, slots=True)
class Conversation:
    system: str
    turns: tuple[Turn, ...]


def conversation_in(messages: object) -> Conversation:
    """Raises InvalidRequest that names the message at fault. Instructions, wherever they stand, go before
    all."""
    if not isinstance(messages, list) or not messages:
        raise MissingParameter("Send at least one message.", param="messages")
    if len(messages) > MOST_MESSAGES:
        raise InvalidRequest(f"There are more than {MOST_MESSAGES} messages. Send fewer.", param="messages")
    systems: list[str] = []
    turns: list[Turn] = []
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if not isinstance(message, dict):
            raise InvalidRequest("A message is an object.", param=where)
        _refuse_unknown(message, where)
        role = message.get("role")
        if role in ("system", "developer"):
            systems.append(_text(message.get("content"), where))
        elif isinstance(role, str) and role in _READERS:
            turns.append(_READERS[role](message, where))
        else:
            raise InvalidRequest(
                "A role is system, developer, user, assistant or tool.", param=f"{where}.role"
            )
    return conversation_of(systems, turns, param="messages")


def conversation_of(systems: Iterable[str], turns: Sequence[Turn], *, param: str) -> Conversation:
    if not turns:
        raise InvalidRequest("Send a message of the user's.", param=param)
    if sum(len(turn.images) for turn in turns) > MOST_PICTURES:
        raise InvalidRequest(f"There are more than {MOST_PICTURES} images. Send fewer.", param=param)
    return Conversation("\n\n".join(systems), tuple(turns))


def _refuse_unknown(message: Json, where: str) -> None:
    known = {"role", "content", "tool_calls", "tool_call_id", "refusal", "annotations"}
    for name, value in message.items():
        # What a reply of ours or of OpenAI's holds comes back as it was; what is empty says nothing.
        if name not in known and value not in (None, [], {}):
            raise UnsupportedParameter(f"{where}.{name}")


def _user(message: Json, where: str) -> Turn:
    content = message.get("content")
    if isinstance(content, str):
        turn = Turn("user", content)
    else:
        parts = _parts(content, where)
        texts = [_text_part(part, where) for part in parts if part.get("type") == "text"]
        images = [_image(part, where) for part in parts if part.get("type") == "image_url"]
        for part in parts:
            if part.get("type") not in ("text", "image_url"):
                raise InvalidRequest("A part of a message is text or image_url.", param=f"{where}.content")
        turn = Turn("user", "\n".join(texts), tuple(images))
    if not turn.text.strip() and not turn.images:
        raise InvalidRequest("This message is empty.", param=f"{where}.content")
    return turn


def _assistant(message: Json, where: str) -> Turn:
    content, calls = message.get("content"), message.get("tool_calls")
    text = message.get("refusal") if content is None else _text(content, where)
    if calls is not None and not isinstance(calls, list):
        raise InvalidRequest("tool_calls is a list.", param=f"{where}.tool_calls")
    found = tuple(_call(call, where) for call in calls or ())
    if not text and not found:
        raise InvalidRequest("This message is empty.", param=f"{where}.content")
    return Turn("assistant", text if isinstance(text, str) else "", calls=found)


def _tool(message: Json, where: str) -> Turn:
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str) or not call_id:
        raise MissingParameter("Say which call this is the outcome of.", param=f"{where}.tool_call_id")
    return Turn("tool", _text(message.get("content"), where), call_id=call_id)


_READERS = {"user": _user, "assistant": _assistant, "tool": _tool}


def _call(call: object, where: str) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    values = (
        call.get("id") if isinstance(call, dict) else None,
        function.get("name") if isinstance(function, dict) else None,
        function.get("arguments") if isinstance(function, dict) else None,
    )
    call_id, name, arguments = values
    if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(arguments, str)):
        raise InvalidRequest("A tool call has an id, and a function with name and arguments.", param=where)
    return ToolCall(call_id, name, arguments)


def _text(content: object, where: str) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(_text_part(part, where) for part in _parts(content, where))


def _parts(content: object, where: str) -> list[Json]:
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise InvalidRequest("The content is a text or a list of parts.", param=f"{where}.content")
    return content


def _text_part(part: Json, where: str) -> str:
    text = part.get("text")
    if part.get("type") != "text" or not isinstance(text, str):
        raise InvalidRequest("This part has to be a text.", param=f"{where}.content")
    return text


def _image(part: Json, where: str) -> Image:
    where = f"{where}.content.image_url"
    given = part.get("image_url")
    url = given.get("url") if isinstance(given, dict) else given
    if isinstance(given, dict) and given.get("detail") not in (None, "auto"):
        raise UnsupportedParameter(f"{where}.detail")
    return picture_in(url, where)


def picture_in(url: object, where: str) -> Image:
    """Of a data URL. Raises InvalidRequest for any other, and for what is no picture."""
    if not isinstance(url, str):
        raise InvalidRequest("An image_url has a url.", param=where)
    if not url.startswith("data:"):
        raise InvalidRequest(
            "Images from addresses are not fetched. Send it as a data URL: data:image/png;base64,….",
            param=where,
        )
    kind, _, encoded = url.removeprefix("data:").partition(";base64,")
    if len(encoded) > MOST_PICTURE_BYTES * 4 // 3 + 4:
        raise InvalidRequest(f"An image has at most {MOST_PICTURE_BYTES // 2**20} MB.", param=where)
    try:
        data = base64.b64decode(encoded, validate=True)
    except ValueError:
        data = b""
    mime_type = "image/jpeg" if kind == "image/jpg" else kind
    if not data.startswith(_SIGNATURES.get(mime_type, ())):
        raise InvalidRequest("This is not a PNG, JPEG, GIF or WebP image that is what it says.", param=where)
    return Image(data, mime_type)
