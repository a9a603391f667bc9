"""What becomes of a question: the answer with its usage, after the faults have had their say."""

import json
from dataclasses import replace
from typing import Any

from sandbox.answers import answer_text
from sandbox.faults import ERRORS, Fault
from sandbox.tokens import Usage, count_tokens, first_tokens
from sandbox.wire import ANY_MODEL, MODELS, Answer, Model, Refused, WireRequest

# From so many words on a string of a JSON reply counts as prose; ids, names and dates have fewer.
_PROSE_WORDS = 4


class Faults:
    """The faults one call meets, by name."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._by_name = {fault.name: fault for fault in faults}

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def number(self, name: str) -> float:
        """The fault's argument, 0 when the fault is not asked for."""
        fault = self._by_name.get(name)
        return fault.number if fault else 0.0

    def count(self, name: str) -> int:
        return int(self.number(name))

    def argument(self, name: str) -> str:
        fault = self._by_name.get(name)
        return fault.argument if fault else ""

    def arguments(self, name: str) -> list[str]:
        """Those of a fault that takes several, separated by commas."""
        return list(filter(None, self.argument(name).split(",")))

    def error(self) -> Fault | None:
        """The first one that replaces the reply by an error."""
        return next((fault for name, fault in self._by_name.items() if name in ERRORS), None)


def check_limits(asked: WireRequest) -> None:
    """Raises Refused for what this model of the sandbox cannot do."""
    model = MODELS.get(asked.model, ANY_MODEL)
    if asked.text_tokens + asked.picture_tokens > model.context_tokens:
        raise Refused(Fault("too_long"))
    if asked.pictures and not model.vision:
        raise Refused(Fault("bad_request"), f"{model.name} does not support image input.")
    if asked.schema is not None and not model.structured_output:
        raise Refused(Fault("bad_request"), f"{model.name} does not support structured outputs.")


def listed_models(faults: Faults) -> list[Model]:
    """What the models list is to name."""
    listed = [model for model in MODELS.values() if model.name not in faults.arguments("unlisted")]
    window = faults.count("windows")
    return [replace(model, context_tokens=window) for model in listed] if window else listed


def answer(asked: WireRequest, faults: Faults) -> Answer:
    """The answer to a question that is not refused, as the content and accounting faults leave it."""
    text, finish = _text(asked, faults)
    return Answer(text=text, finish=finish, usage=_usage(asked, text, faults), exact=_exact(faults))


def _text(asked: WireRequest, faults: Faults) -> tuple[str, str]:
    if "blocked" in faults:
        return "", "blocked_answer" if faults.argument("blocked") == "answer" else "blocked_prompt"
    if "empty" in faults:
        return "", "stop"
    if "broken_json" in faults:
        return '{"[sandbox]": ["this does not fit the schema"', "stop"
    text = answer_text(asked, lies="lies" in faults)
    if lie := faults.argument("lie"):
        text = _with_lie(text, lie)
    limit = asked.max_tokens
    if "truncated" in faults:
        limit = max(1, count_tokens(text) // 2)
    if limit is not None and count_tokens(text) > limit:
        return first_tokens(text, limit), "length"
    return text, "stop"


def _with_lie(text: str, lie: str) -> str:
    try:
        reply = json.loads(text)
    except ValueError:
        return f"{text} {lie}"
    return json.dumps(_lying(reply, lie), ensure_ascii=False)


def _lying(value: Any, lie: str) -> Any:
    if isinstance(value, dict):
        return {name: _lying(member, lie) for name, member in value.items()}
    if isinstance(value, list):
        return [_lying(item, lie) for item in value]
    if isinstance(value, str) and len(value.split()) >= _PROSE_WORDS:
        return f"{value} {lie}"
    return value


def _usage(asked: WireRequest, text: str, faults: Faults) -> Usage | None:
    if "no_usage" in faults:
        return None
    cache_read, cache_write = faults.count("cached"), faults.count("cache_write")
    prompt = asked.text_tokens + asked.picture_tokens
    return Usage(
        # A cache larger than the prompt stands for one that was longer than what we were sent.
        fresh_input=max(prompt - cache_read - cache_write, 0),
        text_output=count_tokens(text),
        cache_read=cache_read,
        cache_write=cache_write,
        reasoning=faults.count("reasoning"),
        tool_prompt=faults.count("tool_prompt"),
        image_input=asked.picture_tokens,
    )


def _exact(faults: Faults) -> tuple[int, int] | None:
    if "usage" not in faults:
        return None
    given, made = faults.argument("usage").split(",", 1)
    return int(given), int(made)
