"""JSON as browsers and search engines put up with it: comments, trailing commas, single quotes, wrappers,
entities, byte order marks, a brace too many or too few. Bounded, and linear in the text."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import chompjs

MAX_CHARACTERS = 2_000_000
_WRAPPERS = re.compile(
    r"^\s*(?://)?\s*(?:<!--|<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/)|(?://)?\s*(?:-->|\]\]>|/\*\s*\]\]>\s*\*/)\s*;?\s*$"
)
# What stands behind the quote that ends a string.
_ENDS = re.compile(r"\s{0,40}(?:[:}\]]|,\s{0,40}(?:[\"{\[\d-]|true|false|null)|$)")
# What JSON's escapes can name, but no database and no reply of ours takes.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NAMES_UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|[\x00\ud800-\udfff]")
_FAILURES = (ValueError, RecursionError, OverflowError)


def read_json(text: str) -> Any:
    """The text's value, a list of them for several one after another, without halves of characters and NULs;
    None for what is no JSON at all."""
    if len(text) > MAX_CHARACTERS:
        return None
    text = text.strip().lstrip("\ufeff\u200b").strip()
    text = _WRAPPERS.sub("", _WRAPPERS.sub("", text)).strip().rstrip(";").strip()
    if '"' not in text and "&quot;" in text:
        text = html.unescape(text)
    if not text[:1] or text[:1] not in "[{":
        start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
        if start < 0 or start > 2000:
            return None
        text = text[start:]
    # The strict before the forgiving, which would make something else of what can be read as it stands.
    for read in (_strict, _several, _lenient, _requoted, _closed):
        try:
            found = _storable(read(text)) if _NAMES_UNSTORABLE.search(text) else read(text)
        except _FAILURES:
            continue
        if isinstance(found, dict | list):
            return found
    return None


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, dict):
        return {_storable(name): _storable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_storable(member) for member in value]
    return value


def _strict(text: str) -> Any:
    return json.loads(text, strict=False)


def _several(text: str) -> Any:
    """Values one after another; what follows the last that can be read is left."""
    decoder = json.JSONDecoder(strict=False)
    found: list[Any] = []
    at = 0
    while at < len(text) and len(found) < 50:
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError:
            break
        found.append(value)
        while at < len(text) and text[at] in " \t\r\n,;":
            at += 1
    if not found:
        raise ValueError("no value at the beginning")
    return found if len(found) > 1 else found[0]


def _lenient(text: str) -> Any:
    """As JavaScript would: comments, trailing commas, single quotes, bare names."""
    return chompjs.parse_js_object(text, loader_kwargs={"strict": False})


def _requoted(text: str) -> Any:
    """A text with quotes inside its strings that nobody escaped: one ends a string only where JSON goes
    on."""
    out: list[str] = []
    in_string = is_escaped = False
    for at, char in enumerate(text):
        if char == '"' and in_string and not is_escaped and not _ENDS.match(text, at + 1):
            out.append('\\"')
            continue
        out.append(char)
        if in_string:
            in_string = is_escaped or char != '"'
            is_escaped = char == "\\" and not is_escaped
        elif char == '"':
            in_string, is_escaped = True, False
    return json.loads("".join(out), strict=False)


def _closed(text: str) -> Any:
    """A text that was cut off, with what is open closed."""
    closers: list[str] = []
    in_string = is_escaped = False
    for char in text:
        if in_string:
            in_string = is_escaped or char != '"'
            is_escaped = char == "\\" and not is_escaped
        elif char == '"':
            in_string, is_escaped = True, False
        elif char in "{[":
            closers.append("}" if char == "{" else "]")
        elif char in "}]" and closers:
            closers.pop()
    if not closers or len(closers) > 200:
        raise ValueError("nothing to close")
    whole = text + ('"' if in_string else "")
    return _lenient(whole.rstrip().rstrip(",:") + "".join(reversed(closers)))
