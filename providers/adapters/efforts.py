"""How hard each model is told to think. Thoughts are paid for, count towards the limit of the reply, and help
little with forms and letters: as little as the model takes.

https://platform.openai.com/docs/guides/reasoning, https://platform.claude.com/docs/en/build-with-claude/effort
and https://ai.google.dev/gemini-api/docs/thinking
"""

from __future__ import annotations

import re
from functools import lru_cache

from providers.model_names import plain_name

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


@lru_cache(maxsize=1024)
def effort_of(vendor: str, model_name: str) -> str | None:
    """The least effort that the model takes, in the vendor's word; None for one that does not think, or of
    which that is not known."""
    name = plain_name(model_name)
    rules = _EFFORTS.get(vendor, [])
    return next((effort for pattern, effort in rules if re.fullmatch(pattern, name)), None)
