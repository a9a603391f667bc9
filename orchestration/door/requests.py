"""A chat completion as a program asks for it (https://platform.openai.com/docs/api-reference/chat/create),
read into a request of ours."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.door.errors import InvalidRequest
from orchestration.door.forms import form_of
from orchestration.door.messages import conversation_in
from orchestration.door.parameters import Asked, asked_of, parameters_in, toolbox_in

MOST_STOPS = 4

_READ = frozenset(
    {"messages", "stream_options", "max_tokens", "max_completion_tokens", "stop", "response_format"}
)
_AS_IT_IS: Mapping[str, tuple[object, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "functions": ([],),
}


def read(body: bytes) -> Asked:
    """Raises InvalidRequest and its kin, which name the parameter at fault."""
    given = parameters_in(body, read=_READ, as_it_is=_AS_IT_IS)
    return asked_of(
        given,
        conversation_in(given.get("messages")),
        form=form_of(given.get("response_format"), within="json_schema", param="response_format"),
        toolbox=toolbox_in(given, within="function"),
        limits=("max_completion_tokens", "max_tokens"),
        stop=_stops(given.get("stop")),
    )


def _stops(value: object) -> tuple[str, ...]:
    stops = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or len(stops) > MOST_STOPS:
        raise InvalidRequest(f"This is a text, or a list of at most {MOST_STOPS}.", param="stop")
    if not all(isinstance(stop, str) and stop for stop in stops):
        raise InvalidRequest("Each of these is a text that is not empty.", param="stop")
    return tuple(stops)
