"""The two ways in which OpenAI's clients ask and are answered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from orchestration.calls.question import GenerationResult
from orchestration.calls.streaming import GenerationStream
from orchestration.door import replies, requests, response_replies, response_requests
from orchestration.door.parameters import Asked


@dataclass(frozen=True, slots=True)
class Protocol:
    """`read` makes a request of a body and raises InvalidRequest; `whole` and `events` say the answer to it,
    at once or, given the stream and the id of the call, as it comes."""

    read: Callable[[bytes], Asked]
    whole: Callable[[GenerationResult, Asked], dict[str, Any]]
    events: Callable[[GenerationStream, str, Asked], AsyncGenerator[bytes]]


CHAT_COMPLETIONS = Protocol(requests.read, replies.completion, replies.events)
RESPONSES = Protocol(response_requests.read, response_replies.response, response_replies.events)
