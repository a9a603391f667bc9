"""What a posting says of itself so plainly that no model is needed: values behind labels, in any language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from extraction.vocabulary import by_term, comparable, pattern

MAX_VALUE = 300
MAX_LABEL = 48
# A label may stand on a line of its own above its value, as pages lay out definition lists; only those whose
# values are short, so that a section's heading is not taken for one.
_STACKED = frozenset(
    {
        "hiring_organization", "job_location", "employment_type", "salary", "date_posted", "valid_through",
        "identifier", "industry", "work_mode",
    }
)  # fmt: skip
_LINE = re.compile(
    r"^[\s\-*•·|#>]{0,8}(?P<label>[^\s:：|【】][^:：|【】\n]{0,47}?)[*\s]{0,6}[:：|]\s?[*\s]{0,6}(?P<value>\S.{0,600})?$"
)
_BRACKETED = re.compile(
    r"^[\s■●◆]{0,4}[【\[〔](?P<label>[^】\]〕\n]{1,30})[】\]〕]\s{0,4}[:：]?\s{0,4}(?P<value>\S.{0,600})?$"
)
_WIDE = re.compile(r"^[\s■●◆・]{0,4}(?P<label>[^\s\u3000\t]{1,30})[\u3000\t]{1,4}(?P<value>\S.{0,600})$")
_SEVERAL = re.compile(r"\s+[|·•]\s+|\t+|\s{3,}")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value and the line it stands on."""

    value: str
    line: str


def labelled_values(text: str) -> dict[str, Labelled]:
    """Field → the words after its label. A label that occurs with two different values decides nothing."""
    found: dict[str, list[Labelled]] = {}
    for field, labelled in _all(text):
        found.setdefault(field, []).append(labelled)
    return {field: chosen for field, many in found.items() if (chosen := _agreed(many)) is not None}


def all_labelled(text: str) -> Iterator[tuple[str, str]]:
    """Every field with its value, as often as it occurs."""
    return ((field, labelled.value) for field, labelled in _all(text))


def label_of(line: str) -> str | None:
    """The field that the line has a label for, or is the label of."""
    match = _match(line)
    return _field(match["label"] if match else line)


def _all(text: str) -> Iterator[tuple[str, Labelled]]:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        parts = [part for part in _SEVERAL.split(line) if part] if len(line) <= 600 else [line]
        if len(parts) > 1 and sum(_match(part) is not None for part in parts) > 1:
            for part in parts:
                yield from _one(part, "", line)
        else:
            yield from _one(line, following, line)


def _one(part: str, following: str, line: str) -> Iterator[tuple[str, Labelled]]:
    match = _match(part)
    field = _field(match["label"] if match else part)
    if field is None:
        return
    value = (match["value"] or "") if match else ""
    if not value and field in _STACKED and 0 < len(following) <= 120 and not _is_label(following):
        value, line = following, f"{line} {following}"
    value = value.strip(" *|\t:")
    if 0 < len(value) <= MAX_VALUE:
        yield field, Labelled(value, line)


def _match(line: str) -> re.Match[str] | None:
    if len(line) > 800:
        return None
    return _BRACKETED.match(line) or _LINE.match(line) or _WIDE.match(line)


def _is_label(line: str) -> bool:
    match = _match(line)
    label = match["label"] if match else line
    return _field(label) is not None or (match is not None and not match["value"])


# Several steps ask about each line of a page.
@lru_cache(maxsize=8192)
def _field(label: str) -> str | None:
    if len(label) > MAX_LABEL:
        return None
    words = re.sub(r"^[^\w(]+", "", comparable(label)).strip(" :*#.")
    known = by_term("labels")
    return known.get(words) or known.get(re.sub(r"\s?\([^()]{0,40}\)$", "", words))


def _agreed(many: list[Labelled]) -> Labelled | None:
    """The one value, or the longest of several that say the same at different lengths."""
    longest = max(many, key=lambda labelled: len(labelled.value))
    whole = comparable(longest.value)
    return longest if all(comparable(labelled.value) in whole for labelled in many) else None


def date_role(before: str) -> str | None:
    """Which field a date belongs to, by the words right before it on its line."""
    words = comparable(before[-80:])
    ends: dict[str, int] = {}
    for field in ("valid_through", "date_posted"):
        for match in pattern("dates", field).finditer(words):
            if len(words) - match.end() <= 24 and not re.search(r"\d", words[match.end() :]):
                ends[field] = match.end()
    return max(ends, key=lambda field: ends[field], default=None)


def date_role_after(after: str) -> bool:
    """Whether the words right after a date make it the last day ("2026年3月4日まで")."""
    return re.match(r"\s?(?:まで|締切|截止|까지|tarihine kadar|तक)", after) is not None
