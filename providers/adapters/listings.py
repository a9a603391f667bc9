"""Reading a list of models that may be anything: OpenAI's
(https://platform.openai.com/docs/api-reference/models/list) and what servers make of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from providers.adapters import failures
from providers.adapters.base import ListedModel
from providers.errors import ProviderError

# More than any gateway lists today, and few enough to be written down at once.
MOST_MODELS = 5_000
LONGEST_NAME = 200


def entries(body: bytes, *, vendor: str) -> list[dict[str, Any]]:
    """The objects of a list that came with status 200. Raises ProviderError when the body holds no list.

    The list is under "data"; Together sends it bare, and servers of Ollama's kind under "models".
    """
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        raise _no_list(vendor) from None
    found = read
    if isinstance(read, dict):
        found = read.get("data") if isinstance(read.get("data"), list) else read.get("models")
    if not isinstance(found, list):
        raise _no_list(vendor)
    usable = [entry for entry in found if isinstance(entry, dict)]
    if found and not usable:
        raise _no_list(vendor)
    return usable


def _no_list(vendor: str) -> ProviderError:
    error = failures.malformed(vendor)
    # It did answer, which tells it from a server that is away.
    error.status_code = 200
    return error


def presentable(models: Iterable[ListedModel]) -> tuple[ListedModel, ...]:
    """Each model once, those only whose names can be shown and stored, MOST_MODELS at most."""
    kept: dict[str, ListedModel] = {}
    for model in models:
        if len(kept) == MOST_MODELS:
            break
        if 0 < len(model.name) <= LONGEST_NAME and model.name.isprintable():
            kept.setdefault(model.name, model)
    return tuple(kept.values())


def name_of(entry: Mapping[str, Any]) -> str:
    """The name that a call gives; empty when the entry has none."""
    name = entry.get("id", entry.get("name"))
    return name if isinstance(name, str) else ""


def part(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object inside the entry; empty when there is none of this name."""
    value = entry.get(name)
    return value if isinstance(value, dict) else {}
