"""What is said before a prompt, and the tools that a model may ask for. One form for all vendors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from providers.adapters.base import Image

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
