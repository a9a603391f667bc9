"""The words of postings in the languages we know: `languages/<ISO 639-1>.json`, merged.

Pages mix languages (an Arabic page with English labels), so a word is looked for in all of them at once. In
the files alternatives are parted by "|". Texts and words are compared as `comparable` has them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "languages"
# Scripts that put no blanks between words: a word begins and ends anywhere.
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def comparable(text: str) -> str:
    """Text as two spellings of the same words agree on it: case, width, spaces, dashes, quotes, bullets and
    emphasis marks do not count."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("i\u0307", "i")
    text = re.sub(r"[\u2018\u2019\u201a\u201b`\u00b4]", "'", text)
    text = re.sub(r"[\u201c\u201d\u201e\u00ab\u00bb]", '"', text)
    text = re.sub(r"(?m)^[^\S\n]*(?:[-\u2022*\u00b7\u25aa\u25cf\u2013\u2014]|\d{1,2}[.)])\s+", "", text)
    text = re.sub(r"[\-_\u2010-\u2015\u2212*]+", " ", text)
    return re.sub(r"\s+", " ", text).strip()


@cache
def languages() -> dict[str, dict[str, Any]]:
    """ISO 639-1 code → its file."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def words(entry: str) -> list[str]:
    """The alternatives of one entry, comparable, longest first."""
    found = {comparable(word) for word in entry.split("|")} - {""}
    return sorted(found, key=len, reverse=True)


@cache
def terms(*path: str) -> tuple[str, ...]:
    """Every language's alternatives under a path of keys (("pages", "closed")), longest first."""
    found = {word for file in languages().values() for word in words(_at(file, path))}
    return tuple(sorted(found, key=len, reverse=True))


@cache
def by_term(*path: str) -> dict[str, str]:
    """Term → key, over all languages, for a mapping of keys to alternatives (("labels",)). English decides
    where a word stands under two keys."""
    found: dict[str, str] = {}
    files = [languages()["en"], *(file for code, file in languages().items() if code != "en")]
    for file in files:
        for key, entry in file.items() if not path else _mapping(file, path).items():
            for word in words(entry):
                found.setdefault(word, key)
    return found


@cache
def pattern(*path: str) -> re.Pattern[str]:
    """Matches any of the terms under a path as whole words, in comparable text."""
    return re.compile(alternatives(terms(*path)))


@cache
def pattern_of(code: str, *path: str) -> re.Pattern[str]:
    """The same for one language."""
    return re.compile(alternatives(words(_at(languages()[code], path))))


def alternatives(many: Iterable[str], *, touching_digits: bool = False) -> str:
    """A regular expression for any of the (comparable) words as whole words, the longest that fits; for none,
    one that never matches. A tree of letters, so a place in a text is decided by its first few letters
    however many words there are. `touching_digits`: figures are no part of a word ("KES250")."""
    by_edges: dict[tuple[str, str], dict[str, Any]] = {}
    for word in many:
        tree = by_edges.setdefault(_edges(word, touching_digits=touching_digits), {})
        for char in word:
            tree = tree.setdefault(char, {})
        tree[""] = {}
    parts = [f"{before}{_tree_pattern(tree)}{after}" for (before, after), tree in sorted(by_edges.items())]
    return f"(?:{'|'.join(parts)})" if parts else r"(?!)"


def _tree_pattern(tree: dict[str, Any]) -> str:
    branches = [re.escape(char) + _tree_pattern(rest) for char, rest in sorted(tree.items()) if char]
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)})" + ("?" if "" in tree else "")


def _edges(word: str, *, touching_digits: bool) -> tuple[str, str]:
    """The word's boundaries, where its script has them."""
    inside = r"[^\W\d_]" if touching_digits else r"\w"
    before = "" if _UNSPACED.match(word[0]) or not re.match(inside, word[0]) else f"(?<!{inside})"
    after = "" if _UNSPACED.match(word[-1]) or not re.match(inside, word[-1]) else f"(?!{inside})"
    return before, after


def language_of(text: str) -> str | None:
    """The known language whose common words the text has most of; None when it has few of any."""
    sample = comparable(text[:6000])
    tokens = re.findall(r"\w+", sample)
    best, most = None, 0.0
    for code, file in languages().items():
        common = set(words(file["common"]))
        if any(_UNSPACED.match(word) for word in common):
            share = _unspaced_share(sample, common, code)
        else:
            share = sum(token in common for token in tokens) / max(len(tokens), 1)
        if share > most:
            best, most = code, share
    return best if most >= 0.06 else None


def _unspaced_share(sample: str, common: set[str], code: str) -> float:
    scripts = {"ja": r"[\u3040-\u30ff]", "ko": r"[\uac00-\ud7af]", "zh": r"[\u3400-\u9fff]"}
    own = len(re.findall(scripts[code], sample))
    kana = len(re.findall(scripts["ja"], sample)) if code == "zh" else 0
    return (own - 5 * kana) / max(len(re.sub(r"\s", "", sample)), 1)


def _at(file: dict[str, Any], path: tuple[str, ...]) -> str:
    value: Any = file
    for key in path:
        value = value.get(key, {})
    if isinstance(value, dict):
        return "|".join(_leaves(value))
    return str(value)


def _leaves(value: dict[str, Any]) -> Iterator[str]:
    for entry in value.values():
        yield from _leaves(entry) if isinstance(entry, dict) else [str(entry)]


def _mapping(file: dict[str, Any], path: tuple[str, ...]) -> dict[str, str]:
    value: Any = file
    for key in path:
        value = value.get(key, {})
    return dict(value)
