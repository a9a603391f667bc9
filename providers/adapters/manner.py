"""How a question is put to a vendor, beside its words: how hard each model is told to think, and what of a
request the vendor is asked to keep, so that it reads the next one that begins alike at a lower price.

Thoughts are paid for, count towards the limit of the reply, and help little with forms and letters: as little
as the model takes, unless the task's policy says otherwise. Gemini keeps what it likes unasked.

https://platform.openai.com/docs/guides/reasoning, https://ai.google.dev/gemini-api/docs/thinking,
https://platform.claude.com/docs/en/build-with-claude/effort,
https://platform.claude.com/docs/en/build-with-claude/prompt-caching and
https://developers.openai.com/api/docs/guides/prompt-caching
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from providers.model_names import plain_name

if TYPE_CHECKING:
    from providers.adapters.base import GenerationRequest


@dataclass(frozen=True, slots=True)
class Manner:
    """Each is in the words of our policies, and left out where it is empty or the vendor has no word for it:
    `effort` (low, medium, high) how hard the model thinks, else as little as it takes; `service_tier` (flex,
    priority) which queue it stands in, at which price; `cache_for` (5m, 1h) how long the vendor is to keep
    the part of the prompt that will come again."""

    effort: str = ""
    service_tier: str = ""
    cache_for: str = ""


PLAIN = Manner()


# The first rule that matches a whole name wins. None: a model that does not think, and takes a temperature;
# empty: one that thinks and takes no word about it.
_EFFORTS: dict[str, list[tuple[str, str | None]]] = {
    "openai": [
        (r"gpt-.*chat.*", None),
        (r"o1-(mini|preview).*", ""),
        (r"o\d.*deep-research.*", "medium"),
        (r"gpt-5-pro.*", "high"),
        (r"gpt-5\.\d+-pro.*", "medium"),
        (r"(o\d|gpt-([5-9]|\d\d)).*", "low"),
    ],
    # From version 5 on they think unasked, at high effort unless told otherwise.
    "claude": [(r"claude-[a-z]+-([5-9]|\d\d)(-\d{1,2})?(-\d{8})?", "low")],
    "gemini": [(r"gemini-[3-9].*", "low")],
}

# From little to much.
LEVELS = ("low", "medium", "high")


def effort_wished(vendor: str, model_name: str, wish: str) -> str | None:
    """`effort_of`, or the `wish` where the model takes that: one of LEVELS, or empty."""
    least = effort_of(vendor, model_name)
    return max(least, wish, key=LEVELS.index) if least and wish else least


@lru_cache(maxsize=1024)
def effort_of(vendor: str, model_name: str) -> str | None:
    """The least effort that the model takes, in the vendor's word; None for one that does not think, or of
    which that is not known."""
    name = plain_name(model_name)
    rules = _EFFORTS.get(vendor, [])
    return next((effort for pattern, effort in rules if re.fullmatch(pattern, name)), None)


# Vendors keep nothing that is shorter, in tokens; the first rule that matches wins.
_LEAST = [
    (re.compile(r"claude-(opus-4-[567]|haiku-4-5).*"), 4096),
    (re.compile(r"claude-3.*haiku.*"), 2048),
]
_USUAL_LEAST = 1024
# At the most, in any script: what may be long enough is tried, for what is too short costs nothing more.
_BYTES_A_TOKEN = 4
# From here on what is written to the cache has a price, and its end can be marked.
_TAKES_MARKS = re.compile(r"gpt-(5\.([6-9]|\d\d)|[6-9]|\d\d).*")


def repeated_part(request: GenerationRequest) -> str:
    """Of the prompt, the beginning that will come again; nothing where something else stands before it."""
    return "" if request.images or request.history else request.prompt[: request.stable]


def is_worth_keeping(request: GenerationRequest, model_name: str) -> bool:
    """Whether the vendor is to keep the system prompt and the repeated part, and would."""
    if not request.manner.cache_for:
        return False
    name = plain_name(model_name)
    least = next((tokens for rule, tokens in _LEAST if rule.fullmatch(name)), _USUAL_LEAST)
    kept = request.system_prompt + repeated_part(request)
    return len(kept.encode(errors="surrogatepass")) >= least * _BYTES_A_TOKEN


def mark_for_claude(payload: dict[str, Any], request: GenerationRequest) -> None:
    """Mark the end of what Claude is to keep, and for how long."""
    mark = {"cache_control": {"type": "ephemeral", "ttl": request.manner.cache_for}}
    if part := repeated_part(request):
        _split(payload["messages"][-1]["content"], part, request.prompt, "text", mark)
    elif request.system_prompt:
        payload["system"] = [{"type": "text", "text": request.system_prompt, **mark}]


def mark_for_openai(payload: dict[str, Any], request: GenerationRequest, model_name: str) -> None:
    """Name what is kept, so that requests that begin alike meet the same cache; where a mark is taken, keep
    nothing beyond it. OpenAI keeps it for as long as it likes."""
    part = repeated_part(request)
    kept = f"{request.system_prompt}\0{part}".encode(errors="surrogatepass")
    payload["prompt_cache_key"] = hashlib.sha256(kept).hexdigest()[:32]
    if part and _TAKES_MARKS.fullmatch(plain_name(model_name)):
        mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
        _split(payload["input"][-1]["content"], part, request.prompt, "input_text", mark)
        payload["prompt_cache_options"] = {"mode": "explicit"}


def _split(content: list[dict[str, Any]], part: str, prompt: str, kind: str, mark: dict[str, Any]) -> None:
    """Put the prompt, which is all of the content, as two texts, the first of which is marked."""
    rest = prompt[len(part) :]
    content[:] = [{"type": kind, "text": part, **mark}, *([{"type": kind, "text": rest}] if rest else [])]
