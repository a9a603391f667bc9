"""Which part of a text a part of a schema is filled from: the whole, or the lines one list item is about."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox import names
from sandbox.reading import Reading, normalised
from sandbox.schemas import Json, enum_values, kind_of

MOST_SOURCES = 3


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where to look (`reading`), for what (`name`, and the `path` of names that leads to it).

    `ids` and `rest` are set inside an item of a list: the source ids the item is about, and its line without
    them.
    """

    reading: Reading
    name: str = ""
    path: str = ""
    depth: int = 0
    ids: list[str] = field(default_factory=list)
    rest: str | None = None

    def inside(self, name: str) -> "Lookup":
        return replace(self, name=name, path=f"{self.path} {name}", depth=self.depth + 1)


def values_said(values: list[Any], text: str) -> list[Any]:
    """Those of the values that occur in the text, in the order of their first occurrence."""
    plain = f" {normalised(text)} "
    places = [(place, value) for value in values if (place := _place(str(value), text, plain)) >= 0]
    return [value for _, value in sorted(places, key=lambda found: found[0])]


def _place(value: str, text: str, plain: str) -> int:
    if re.search(r"\d", value):
        # An id: `work-1` must be found neither in `work-10` nor in `homework-1`.
        match = re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-]|\.\w)", text)
        return match.start() if match else -1
    words = normalised(value)
    ways = (words, *names.ENUM_WORDS.get(words, ()))
    return min((place for way in ways if (place := plain.find(f" {way} ")) >= 0), default=-1)


def item_lookups(
    properties: dict[str, list[Json]], lookup: Lookup, prompt: Reading, *, most: int | None = None
) -> list[Lookup]:
    """One lookup for each item that a list of such objects should have: per source id that the prompt lists,
    if an item names one (per group of ids, if it names several), else per bullet of the section the list is
    called after. `most` is how many items there may be."""
    lines = _listed(lookup, prompt)
    allowed, group = _allowed_ids(properties)
    if allowed is None and any(names.is_id(name) for name in properties):
        allowed = set(lines)
    if allowed is not None:
        ranked = _ranked(allowed & lines.keys(), lines, prompt)
        # So many that what is listed is spread over the items there may be.
        size = min(group, -(-len(ranked) // most)) if most else 1
        groups = [ranked[start : start + size] for start in range(0, len(ranked), max(size, 1))]
        return [_item(ids, lines, lookup) for ids in groups]
    section = lookup.reading.section(names.labels_of(lookup.name)) or []
    return [replace(lookup, reading=Reading(text, has_heading=False), rest=text) for text in section]


def ids_listed(values: list[Any], lookup: Lookup, prompt: Reading) -> list[Any]:
    """Those of the values that are source ids of the item in hand, or else of the lines that the prompt
    lists."""
    if lookup.ids:
        return [source_id for source_id in lookup.ids if source_id in values]
    lines = _listed(lookup, prompt)
    return _ranked({str(value) for value in values} & lines.keys(), lines, prompt)


def _listed(lookup: Lookup, prompt: Reading) -> dict[str, str]:
    return _source_lines(lookup.reading.lines) or (_source_lines(prompt.lines) if not lookup.ids else {})


def _source_lines(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        if match := names.SOURCE_LINE.match(line):
            found.setdefault(match["id"], match["rest"])
    return found


def _allowed_ids(properties: dict[str, list[Json]]) -> tuple[set[str] | None, int]:
    """The ids an item may name, when the schema lists them, and how many of them at once."""
    for branches in properties.values():
        for branch in branches:
            is_list = kind_of(branch) == "array"
            inner = branch.get("items", {}) if is_list else branch
            values = {str(value) for value in enum_values(inner)} if kind_of(inner) == "enum" else set()
            if any(re.search(r"\d", value) for value in values):
                return values, (branch.get("maxItems", MOST_SOURCES) if is_list else 1)
    return None, 1


def _ranked(ids: set[str], lines: dict[str, str], prompt: Reading) -> list[str]:
    """Those with most words in common with the rest of the prompt first, as a tailored selection would be."""
    rest = {
        word
        for line in prompt.lines
        if not names.SOURCE_LINE.match(line)
        for word in normalised(line).split()
    }
    ordered = [source_id for source_id in lines if source_id in ids]

    def shared(source_id: str) -> int:
        return len({word for word in normalised(lines[source_id]).split() if len(word) > 3} & rest)

    return sorted(ordered, key=shared, reverse=True)


def _item(ids: list[str], lines: dict[str, str], lookup: Lookup) -> Lookup:
    own = [f"{other}: {rest}" for other, rest in lines.items() if any(_is_part(other, name) for name in ids)]
    rest = " ".join(_sentence(lines[name]) for name in ids) if len(ids) > 1 else lines[ids[0]]
    return replace(lookup, reading=Reading("\n".join(own), has_heading=False), ids=ids, rest=rest)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _is_part(other: str, source_id: str) -> bool:
    return other == source_id or other.startswith((f"{source_id}.", f"{source_id}-"))
