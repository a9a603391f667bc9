"""Lists under the headings that postings share, and the sentences that name the job and the employer."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from extraction.labels import label_of
from extraction.vocabulary import by_term, comparable

MAX_ITEMS = 40
MAX_HEADING = 80
MAX_PLAIN_ITEM = 200
_BULLET = re.compile(
    r"^(?:[-*–—o]\s+|[•·▪●○■□◦✔✓✅☑▸►▶➢➤★◆◇・･›»🔹🔸👉📌\uf0b7\uf0a7]\s?|\(?\d{1,2}[.)、]\s?|[a-h]\)\s"
    r"|[①-⑳]\s?)(?P<item>\S.*)$"
)
_MARKED = re.compile(r"^(?:#{1,6}\s|\*\*|【|■|◆|●|\[)|[:：】]$|\*\*$")
_NAME = r"[A-Z][\w&.'\u2019/+#-]{0,40}"
_WANTED = re.compile(
    r"\b(?:looking for|seeking|hiring|recruiting|seeks|searching for) "
    rf"(?:an?|our(?: next| first)?)(?: experienced| new| talented| motivated)? "
    rf"(?P<title>{_NAME}(?: (?:{_NAME}|of|and|&)){{0,6}})"
)
_EMPLOYER = re.compile(
    rf"(?:^|(?<=[.!?] ))(?P<name>{_NAME}(?: (?:{_NAME}|&|of|and)){{0,5}}) "
    r"(?:is (?:looking for|seeking|hiring|recruiting|searching for)|seeks)\b",
    re.MULTILINE,
)
_ABOUT = re.compile(
    rf"^(?:#+ )?About (?!The\b|This\b|Our\b|Us\b|You\b|Your\b)(?P<name>{_NAME}(?: {_NAME}){{0,4}})$",
    re.MULTILINE,
)
_NOT_A_NAME = frozenset(
    {
        "we",
        "who",
        "he",
        "she",
        "it",
        "our client",
        "the company",
        "our team",
        "this",
        "role",
        "job",
        "position",
    }
)
LISTS = ("responsibilities", "qualifications", "job_benefits", "skills", "languages")


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


def named_title(text: str) -> str | None:
    """The job after "we are looking for a …", where the text names exactly one in capitals."""
    titles = {
        match["title"].rstrip(" .,&").removesuffix(" and").removesuffix(" of")
        for match in _WANTED.finditer(text)
    }
    return titles.pop() if len(titles) == 1 else None


def named_employer(text: str) -> str | None:
    """The name in "… is looking for" or "About …", where they agree on one."""
    names = {match["name"].strip(" .") for pattern in (_EMPLOYER, _ABOUT) for match in pattern.finditer(text)}
    names = {name for name in names if name.casefold() not in _NOT_A_NAME}
    return names.pop() if len(names) == 1 else None
