"""What every wire protocol of the sandbox has in common: a question in, an answer out, errors in between."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.faults import Fault
from sandbox.tokens import Picture, Usage, count_tokens

Json = dict[str, Any]

CONTEXT_TOKENS = 1_000_000
OUTPUT_TOKENS = 64_000


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the sandbox. Two lack something, so that capability routing has something to route round."""

    name: str
    vision: bool = True
    structured_output: bool = True
    context_tokens: int = CONTEXT_TOKENS
    output_tokens: int = OUTPUT_TOKENS


MODELS = {
    model.name: model
    for model in (
        Model("sandbox-mini"),
        Model("sandbox-large"),
        Model("sandbox-text", vision=False),
        Model("sandbox-plain", structured_output=False),
    )
}
# Whatever else it is called: tests give models the names that they need.
ANY_MODEL = Model("")

SANDBOX_HEADERS = {"x-sandbox": "true"}


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A generation request, whichever vendor's. `model` is the plain name, without the faults asked for with
    it. `schema` is the JSON schema the reply has to fit; `tool` names the tool that is to carry the reply."""

    model: str
    prompt: str = field(repr=False)
    system: str = field(default="", repr=False)
    pictures: tuple[Picture, ...] = field(default=(), repr=False)
    picture_tokens: int = 0
    schema: Json | None = field(default=None, repr=False)
    tool: str = ""
    max_tokens: int | None = None
    stream: bool = False
    stream_usage: bool = True

    @property
    def text_tokens(self) -> int:
        return count_tokens(self.prompt) + count_tokens(self.system)


@dataclass(frozen=True, slots=True)
class Answer:
    """What there is to say. `finish` is `stop`, `length`, `blocked_prompt` or `blocked_answer`. `usage`
    is None when none is to be reported; `exact` replaces the vendor's own two fields."""

    text: str = field(repr=False)
    usage: Usage | None
    finish: str = "stop"
    exact: tuple[int, int] | None = None

    def pieces(self) -> list[str]:
        """The text in the portions a stream sends it in."""
        return [self.text[start : start + 24] for start in range(0, len(self.text), 24)]


class Refused(Exception):
    """The request ends in one of the errors of `faults.ERRORS`. `message` replaces the vendor's usual one."""

    def __init__(self, fault: Fault, message: str = "") -> None:
        super().__init__(fault.name)
        self.fault = fault
        self.message = message


@dataclass(frozen=True, slots=True)
class ErrorReply:
    status: int
    body: Json
    headers: Mapping[str, str]

    def with_more(self, text: str) -> "ErrorReply":
        """The same error, its message followed by `text`."""
        error = self.body["error"]
        return replace(self, body=self.body | {"error": error | {"message": f"{error['message']} {text}"}})


def retry_after_headers(fault: Fault) -> dict[str, str]:
    return {"retry-after": fault.argument} if fault.name == "rate_limited" and fault.argument else {}


def bearer_token(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def member(value: Any, name: str, kind: type) -> Any:
    """`value[name]` when it is of that type, else None. Raises Refused when `value` is no JSON object."""
    if not isinstance(value, dict):
        raise Refused(Fault("bad_request"), "Expected a JSON object.")
    found = value.get(name)
    return found if isinstance(found, kind) else None


def server_sent(data: Json | str, *, event: str = "") -> bytes:
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return (f"event: {event}\n" if event else "").encode() + f"data: {text}\n\n".encode()


class Wire(ABC):
    """One vendor's protocol, as its own SDK writes and reads it."""

    vendor: str

    @abstractmethod
    def key(self, headers: Mapping[str, str]) -> str:
        """The key the caller presents; empty when there is none."""

    def authorise(self, headers: Mapping[str, str]) -> None:
        """Raises Refused for no key, and for one that says of itself that it is invalid or revoked."""
        key = self.key(headers)
        if not key:
            raise Refused(Fault("auth", "missing"))
        if "invalid" in key or "revoked" in key:
            raise Refused(Fault("auth"))

    @abstractmethod
    def read(self, body: Json, *, model: str, stream: bool) -> WireRequest:
        """`model` is the plain name. Raises Refused for what the vendor would not accept."""

    @abstractmethod
    def error(self, fault: Fault, *, model: str, message: str = "") -> ErrorReply:
        """The vendor's status, body and headers for one of `faults.ERRORS`."""

    @abstractmethod
    def reply(self, asked: WireRequest, answer: Answer) -> Json:
        """The body of a reply that is not streamed."""

    @abstractmethod
    def events(self, asked: WireRequest, answer: Answer) -> Iterator[bytes]:
        """The same reply as server-sent events."""

    @abstractmethod
    def error_event(self, error: ErrorReply) -> bytes:
        """How the vendor says, in the middle of a stream, that something broke."""

    @abstractmethod
    def models(self, listed: Sequence[Model]) -> Json:
        """The body of the models list."""
