"""A call with somebody who listens while the answer comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.calls.question import GenerationResult

# Is told the part of a form that has come so far; a text in it may end in the middle of a word.
Hear = Callable[[Any], None]


async def generate_heard(hear: Hear | None, *, is_repeatable: bool = True, **asked: Any) -> GenerationResult:
    """`AIOrchestrator.generate` of a form; where somebody listens, as a stream, which no cache answers.

    Raises what `generate` and its stream raise. Cancelling it closes the vendor's stream and settles what was
    used.
    """
    orchestrator = AIOrchestrator()
    if hear is None:
        return await orchestrator.generate(is_repeatable=is_repeatable, **asked)
    written = ""
    async with orchestrator.stream(**asked) as stream:
        async for text in stream:
            written += text
            if (partial := _partial(written)) is not None:
                hear(partial)
    return stream.result


def _partial(written: str) -> Any:
    try:
        return from_json(written[written.index("{") :], allow_partial="trailing-strings")
    except ValueError:
        # Words around the object, or an object that is none: the whole is read more patiently at the end.
        return None
