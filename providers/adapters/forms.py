"""The JSON object of a form in a model's reply, read leniently.

Lenient about what stands around the JSON (prose, code fences, a byte order mark, thoughts) and about
characters that nobody can store, not about the JSON: it is held to the pydantic model in any case.
"""

from __future__ import annotations

import json
import re

from pydantic import BaseModel

from providers.adapters.cleaning import cleaned
from providers.adapters.schemas import AS_TEXT, vendor_schema

_DECODER = json.JSONDecoder()
_OPENING = re.compile(r"[\[{]")
_FIRST_KEY = re.compile(r'\{\s*"')
_END_OF_THOUGHT = "</think>"
# Brackets of prose in one reply. Each is tried, and each try looks at all the text before it.
_MOST_BRACKETS = 1_000


def best_object(text: str, form: type[BaseModel]) -> str | None:
    """Of the JSON objects in the text the one with most of the form's fields, the last of equals: models
    repeat the schema, or think aloud, before they answer. None without a complete one."""
    fields = vendor_schema(form, AS_TEXT)["properties"].keys()
    best, most = None, -1
    for found, keys in _objects(text.rpartition(_END_OF_THOUGHT)[2]):
        shared = len(keys & fields)
        if shared >= most:
            best, most = found, shared
    return best


def cleaned_json(text: str) -> str:
    """JSON without the characters that an escape (\\u0000, half a character) may bring into its strings."""
    if "\\u" not in text:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        # Whoever validates it says what is wrong.
        return text
    clean_value = cleaned(value)
    return text if clean_value == value else json.dumps(clean_value, ensure_ascii=False)


def _objects(text: str) -> list[tuple[str, set[str]]]:
    """The outermost JSON objects of the text, each with its keys. Empty when one of them is broken or nested
    too deeply to be read, or when they are the items of a list: no part of a reply may pass for the whole."""
    found: list[tuple[str, set[str]]] = []
    opening, brackets = _OPENING.search(text), 0
    while opening:
        start = opening.start()
        try:
            value, end = _DECODER.raw_decode(text, start)
        except RecursionError:
            return []
        except ValueError:
            brackets += 1
            if _FIRST_KEY.match(text, start) or brackets > _MOST_BRACKETS:
                return []
            # A bracket of the prose around it.
            end = start + 1
        else:
            if isinstance(value, dict):
                found.append((text[start:end], set(value)))
            elif any(isinstance(item, dict) for item in value):
                return []
        opening = _OPENING.search(text, end)
    return found
