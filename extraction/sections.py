"""How a posting is laid out, in any language: values behind labels, and lists under headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from extraction.vocabulary import by_term, comparable

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
MAX_ITEMS = 40
MAX_HEADING = 80
MAX_PLAIN_ITEM = 200
_BULLET = re.compile(
    r"^(?:[-*–—o]\s+|[•·▪●○■□◦✔✓✅☑▸►▶➢➤★◆◇・･›»🔹🔸👉📌\uf0b7\uf0a7]\s?|\(?\d{1,2}[.)、]\s?|[a-h]\)\s"
    r"|[①-⑳]\s?)(?P<item>\S.*)$"
)
_MARKED = re.compile(r"^(?:#{1,6}\s|\*\*|【|■|◆|●|\[)|[:：】]$|\*\*$")
LISTS = ("responsibilities", "qualifications", "job_benefits", "skills", "languages")


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


# Several steps ask about each line of a page.
@lru_cache(maxsize=8192)
def section_of(line: str) -> str | None:
    """Which section a line is the heading of ("other" and "similar" among them); None for no heading."""
    heading = re.sub(r"^[#*\s【■◆●\[]+|[\s*:：】\]?!.]+$", "", line)
    if not heading or len(heading) > MAX_HEADING:
        return None
    words = comparable(heading)
    known = by_term("headings")
    if words in known:
        return known[words]
    if line.endswith((":", "：", ":*")) and (label := by_term("labels").get(words)) in LISTS:
        return label
    # With a count: similar jobs (12), 3 comments.
    stripped = re.sub(r"\s?\([^()]{0,40}\)$|^\d{1,4}\s", "", words)
    if stripped in known:
        return known[stripped]
    if not _MARKED.search(line):
        return None
    return _beginning(words, least=0 if line.startswith("##") else 1)


@cache
def _longest_first() -> tuple[tuple[str, str], ...]:
    known = by_term("headings")
    return tuple((words, known[words]) for words in sorted(known, key=len, reverse=True))


def _beginning(words: str, *, least: int) -> str | None:
    """The section of a heading that goes on ("What you'll do at Acme"), by its first words; by its first one
    alone only where `least` blanks are 0."""
    return next(
        (
            field
            for begin, field in _longest_first()
            if begin.count(" ") >= least and words.startswith(begin + " ")
        ),
        None,
    )


def listed_sections(text: str) -> dict[str, list[str]]:
    """Field → the listed lines right under its heading, bulleted or plain. A field with two such sections
    gets both."""
    reader = _Sections()
    for line in (line.strip() for line in text.split("\n")):
        if line:
            reader.take(line)
    return {field: list(dict.fromkeys(items))[:MAX_ITEMS] for field, items in reader.lists.items()}


class _Sections:
    """Takes a text line by line. A plain line counts as an item only in a section without bullets, all of
    whose lines are short."""

    def __init__(self) -> None:
        self._bulleted: dict[str, list[str]] = {}
        self._plain: dict[str, list[str]] = {}
        self._current: str | None = None
        self._has_bullets = self._is_over = False

    @property
    def lists(self) -> dict[str, list[str]]:
        plain = {
            field: listed
            for field, items in self._plain.items()
            if len(listed := _without_prose(items)) > 1
            and all(len(item) <= MAX_PLAIN_ITEM for item in listed)
        }
        return plain | self._bulleted

    def take(self, line: str) -> None:
        bullet = None if line.startswith("#") else _BULLET.match(line)
        section = section_of(bullet["item"] if bullet else line)
        is_item = bullet and self._current and not line.endswith((":", "：")) and line[0] not in "■◆●【★"
        if section and not is_item:
            self._current, self._has_bullets, self._is_over = section, False, False
        elif bullet:
            self._take_item(bullet["item"].strip())
        elif line.startswith("#") or label_of(line):
            self._current = None
        elif self._current in LISTS:
            # Prose after a list no longer belongs to its heading.
            self._is_over = self._is_over or self._has_bullets
            if not self._has_bullets:
                self._plain.setdefault(str(self._current), []).append(line)

    def _take_item(self, item: str) -> None:
        if self._current in LISTS and not self._is_over:
            self._bulleted.setdefault(str(self._current), []).append(item)
            self._has_bullets = True


def _without_prose(items: list[str]) -> list[str]:
    """Plain lines up to the first sentence, where the list does not consist of sentences."""
    if not items or items[0].endswith((".", "。")):
        return items
    ends = next(
        (number for number, item in enumerate(items) if item.endswith((".", "。", "!")) and len(item) > 50),
        len(items),
    )
    return items[:ends]
