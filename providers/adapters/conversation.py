"""What is said before a prompt and the tools that a model may ask for: in one form for all vendors, and in
the words of each wire.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from accounts.nesting import refuse_deep

if TYPE_CHECKING:
    from providers.adapters.base import GenerationRequest, Image

Role = Literal["user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to have a tool used. `arguments` is JSON text, as the model wrote it."""

    call_id: str
    name: str
    arguments: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation. `calls` are the assistant's; a `tool` turn is the outcome of the call
    named by `call_id`."""

    role: Role
    text: str = field(default="", repr=False)
    images: tuple[Image, ...] = field(default=(), repr=False)
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask for, with the JSON Schema of its parameters."""

    name: str
    description: str = field(default="", repr=False)
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ToolBox:
    """`choice`: whether the model may use one (`auto`), must not (`none`) or must (`required`); `forced`
    names the one that it must use."""

    tools: tuple[Tool, ...]
    choice: Literal["auto", "none", "required"] = "auto"
    forced: str = ""
    is_parallel: bool = True


def bytes_of(turns: Iterable[Turn], box: ToolBox | None) -> int:
    """UTF-8 bytes of the texts in them."""
    texts: list[str] = []
    for turn in turns:
        texts += [turn.text, *(call.name + call.arguments for call in turn.calls)]
    for tool in box.tools if box else ():
        texts += [tool.name, tool.description, json.dumps(tool.parameters)]
    return sum(len(text.encode(errors="surrogatepass")) for text in texts)


Json = dict[str, Any]


def data_url(image: Image) -> str:
    return f"data:{image.mime_type};base64,{base64.b64encode(image.data).decode()}"


def arguments_of(call: ToolCall) -> Json:
    """A call's arguments as an object, for wires that take nothing else."""
    try:
        found = json.loads(call.arguments or "{}")
        refuse_deep(found)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"arguments": call.arguments}


# --- Chat completions: https://platform.openai.com/docs/api-reference/chat/create ---------------------------


def chat_messages(request: GenerationRequest) -> list[Json]:
    system = [{"role": "system", "content": request.system_prompt}] if request.system_prompt else []
    return [*system, *map(_chat_message, request.turns)]


def _chat_message(turn: Turn) -> Json:
    if turn.role == "tool":
        return {"role": "tool", "tool_call_id": turn.call_id, "content": turn.text}
    content: Any = turn.text
    if turn.images:
        content = [{"type": "text", "text": turn.text}] if turn.text else []
        content += [{"type": "image_url", "image_url": {"url": data_url(image)}} for image in turn.images]
    if not turn.calls:
        return {"role": turn.role, "content": content}
    calls = [
        {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in turn.calls
    ]
    return {"role": turn.role, "content": content or None, "tool_calls": calls}


def chat_tools(box: ToolBox | None) -> Json:
    if box is None:
        return {}
    tools = [{"type": "function", "function": _function(tool)} for tool in box.tools]
    forced = {"type": "function", "function": {"name": box.forced}}
    return {"tools": tools, "tool_choice": forced if box.forced else box.choice, **_one_by_one(box)}


# --- Responses: https://platform.openai.com/docs/api-reference/responses/create -----------------------------


def responses_input(request: GenerationRequest) -> list[Json]:
    return [item for turn in request.turns for item in _response_items(turn)]


def _response_items(turn: Turn) -> list[Json]:
    if turn.role == "tool":
        return [{"type": "function_call_output", "call_id": turn.call_id, "output": turn.text}]
    kind = "output_text" if turn.role == "assistant" else "input_text"
    content = [{"type": kind, "text": turn.text}] if turn.text or not (turn.images or turn.calls) else []
    content += [
        {"type": "input_image", "image_url": data_url(image), "detail": "auto"} for image in turn.images
    ]
    said = [{"role": turn.role, "content": content}] if content else []
    calls = [
        {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
        for call in turn.calls
    ]
    return [*said, *calls]


def responses_tools(box: ToolBox | None) -> Json:
    if box is None:
        return {}
    tools = [{"type": "function", "strict": False, **_function(tool)} for tool in box.tools]
    choice = {"type": "function", "name": box.forced} if box.forced else box.choice
    return {"tools": tools, "tool_choice": choice, **_one_by_one(box)}


# --- Messages: https://docs.anthropic.com/en/api/messages
# ----------------------------------------------------


def claude_messages(request: GenerationRequest) -> list[Json]:
    """Turns of one side that follow each other are one message: outcomes of tools belong together."""
    messages: list[Json] = []
    for turn in request.turns:
        role = "assistant" if turn.role == "assistant" else "user"
        blocks = _claude_blocks(turn)
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += blocks
        else:
            messages.append({"role": role, "content": blocks})
    return messages


def _claude_blocks(turn: Turn) -> list[Json]:
    if turn.role == "tool":
        return [{"type": "tool_result", "tool_use_id": turn.call_id, "content": turn.text}]
    blocks: list[Json] = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": image.mime_type,
                "data": base64.b64encode(image.data).decode(),
            },
        }
        for image in turn.images
    ]
    if turn.text or not (turn.images or turn.calls):
        blocks.append({"type": "text", "text": turn.text})
    blocks += [
        {"type": "tool_use", "id": call.call_id, "name": call.name, "input": arguments_of(call)}
        for call in turn.calls
    ]
    return blocks


def claude_tools(box: ToolBox | None) -> Json:
    if box is None:
        return {}
    tools = [
        {
            "name": tool.name,
            **({"description": tool.description} if tool.description else {}),
            "input_schema": {"type": "object", **tool.parameters},
        }
        for tool in box.tools
    ]
    choice: Json = {"type": {"auto": "auto", "none": "none", "required": "any"}[box.choice]}
    if box.forced:
        choice = {"type": "tool", "name": box.forced}
    if not box.is_parallel and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": tools, "tool_choice": choice}


# --- Gemini: https://ai.google.dev/gemini-api/docs/function-calling
# ------------------------------------------

# Google's word for a call whose signature the caller has not kept, as of a conversation begun at another
# model (https://ai.google.dev/gemini-api/docs/thought-signatures).
_NO_SIGNATURE = "skip_thought_signature_validator"
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def gemini_contents(request: GenerationRequest) -> list[Json]:
    """Turns of one side that follow each other are one content. An outcome names its function, not its
    call."""
    names: dict[str, str] = {}
    contents: list[Json] = []
    for turn in request.turns:
        names |= {call.call_id: call.name for call in turn.calls}
        role = "model" if turn.role == "assistant" else "user"
        parts = _gemini_parts(turn, names)
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    return contents


def _gemini_parts(turn: Turn, names: dict[str, str]) -> list[Json]:
    if turn.role == "tool":
        name = names.get(turn.call_id, turn.call_id)
        return [{"functionResponse": {"name": name, "response": _outcome(turn.text)}}]
    parts: list[Json] = [
        {"inlineData": {"mimeType": image.mime_type, "data": base64.b64encode(image.data).decode()}}
        for image in turn.images
    ]
    if turn.text or not (turn.images or turn.calls):
        parts.append({"text": turn.text})
    for number, call in enumerate(turn.calls):
        part: Json = {"functionCall": {"name": call.name, "args": arguments_of(call)}}
        # Of calls made together the first carries it.
        parts.append(part | ({} if number else {"thoughtSignature": _NO_SIGNATURE}))
    return parts


def _outcome(text: str) -> Json:
    try:
        found = json.loads(text)
        refuse_deep(found)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"result": text}


def gemini_tools(box: ToolBox | None) -> Json:
    if box is None:
        return {}
    declared = [
        {
            "name": tool.name,
            **({"description": tool.description} if tool.description else {}),
            "parametersJsonSchema": {"type": "object", **tool.parameters},
        }
        for tool in box.tools
    ]
    mode: Json = {"mode": "ANY" if box.forced else _MODES[box.choice]}
    if box.forced:
        mode["allowedFunctionNames"] = [box.forced]
    return {
        "tools": [{"functionDeclarations": declared}],
        "toolConfig": {"functionCallingConfig": mode},
    }


def _function(tool: Tool) -> Json:
    about = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **about, "parameters": {"type": "object", "properties": {}, **tool.parameters}}


def _one_by_one(box: ToolBox) -> Json:
    return {} if box.is_parallel else {"parallel_tool_calls": False}
