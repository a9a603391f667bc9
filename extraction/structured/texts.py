"""Words out of the values of a JobPosting object, whatever shape a publisher gave them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from extraction.structured.items import Node
from extraction.visible.hidden import drop_unseen
from extraction.visible.lines import lines_of
from extraction.visible.page import parse_html, tidy

MAX_TEXT = 50_000
MAX_ITEMS = 60
_NAME_KEYS = (
    "name",
    "nome",
    "nombre",
    "nom",
    "legalName",
    "title",
    "label",
    "value",
    "text",
    "description",
    "credentialCategory",
    "@value",
)


class Unreadable(Exception):
    """A value is there, but not in a form that has one meaning."""


class Context:
    """What a value's meaning may depend on: other objects of the page, its language and address."""

    def __init__(self, index: dict[str, Node], *, language: str | None = None, base: str = "") -> None:
        self.index = index
        self.language = language
        self.base = base


def values(value: Any, index: dict[str, Node]) -> Iterator[Any]:
    """The value as a flat list, references followed, nulls and blanks left out."""
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, dict) and isinstance(entry.get("@id"), str) and set(entry) <= {"@id", "@type"}:
            yield index.get(entry["@id"], entry)
        elif isinstance(entry, dict) and "@value" in entry:
            yield entry["@value"]
        elif isinstance(entry, dict) and isinstance(entry.get("@list"), list):
            yield from values(entry["@list"], index)
        elif isinstance(entry, list):
            yield from values(entry, index)
        elif (
            isinstance(entry, dict)
            and len(entry) == 1
            and isinstance(inner := next(iter(entry.values())), list)
        ):
            yield from values(inner, index)
        elif entry not in (None, "", {}) and not (isinstance(entry, str) and not entry.strip()):
            yield entry


def unescaped(text: str) -> str:
    """Without entities, however often they were escaped ("R&amp;#038;D" is R&D)."""
    for _ in range(3):
        if "&" not in text or (plain := html.unescape(text)) == text:
            break
        text = plain
    return text


def text_of_value(value: Any) -> str:
    """Prose out of a string (HTML or not), a number, or a named thing."""
    if isinstance(value, dict):
        for key in _NAME_KEYS:
            for entry in values(value.get(key), {}):
                return text_of_value(entry)
        raise Unreadable
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unreadable
    text = str(value)[: 4 * MAX_TEXT]
    if "<" not in text and "&lt;" in text:
        text = html.unescape(text)
    if re.search(r"<[a-zA-Z!/]", text):
        return markdown_of(text)[:MAX_TEXT]
    return tidy(unescaped(text))[:MAX_TEXT]


def markdown_of(fragment: str) -> str:
    """A fragment of HTML as Markdown lines."""
    tree: Any = parse_html(fragment)
    if tree is None:
        return tidy(unescaped(fragment))
    drop_unseen(tree)
    return tidy(unescaped("\n".join(lines_of(tree))))


def one_line(found: list[Any]) -> str:
    return " ".join(re.sub(r"(?m)^(?:#+|-) ", "", text_of_value(found[0])).split())


def all_lines(found: list[Any]) -> list[str]:
    """Each value on one line, each once."""
    return list(dict.fromkeys(text for value in found if (text := one_line([value]))))


def joined(found: list[Any]) -> str:
    return "; ".join(all_lines(found))


def listed(found: list[Any]) -> list[str]:
    """Items of a list, whether it came as a list, as lines, or as HTML list items."""
    lines = [line.strip(" -•*·\t#–") for value in found for line in text_of_value(value).split("\n")]
    return list(dict.fromkeys(line for line in lines if line))[:MAX_ITEMS]


def split_list(found: list[Any]) -> list[str]:
    """The same, where one value may hold several parted by commas."""
    lines = listed(found)
    if len(lines) == 1:
        return parts_of(lines[0])
    return lines


def parts_of(value: str) -> list[str]:
    """ "Python, SQL (basic, advanced); Go" in its parts: what is in brackets stays together."""
    parts = re.split(r"[,;•|·、，؛،\n](?![^()]{0,60}\))|\s+/\s+", value)
    return list(dict.fromkeys(part.strip(" .\t-") for part in parts if part.strip(" .\t-")))[:MAX_ITEMS]
