"""How deeply what somebody sends may be nested: whatever reads it on, or writes it again, calls itself once a
level, and how often it may depends on who has called it."""

from __future__ import annotations

from typing import Any

# More than any form, schema or document of people's has; a tenth of what Python takes.
MOST_LEVELS = 100


class NestedTooDeeply(ValueError):
    """More than MOST_LEVELS lists and objects within one another."""

    message = "The JSON is nested too deeply. Flatten it and try again."


def refuse_deep(value: Any) -> None:
    """Raises NestedTooDeeply for JSON as it was read, a list or an object being a level."""
    level, depth = [value] if isinstance(value, dict | list) else [], 0
    while level:
        depth += 1
        if depth > MOST_LEVELS:
            raise NestedTooDeeply(NestedTooDeeply.message)
        level = [
            within
            for one in level
            for within in (one.values() if isinstance(one, dict) else one)
            if isinstance(within, dict | list)
        ]
