"""The part of a page's text that tells of the job: without what stands above its title and below its end."""

from __future__ import annotations

import re

from extraction.labels import label_of
from extraction.sections import section_of
from extraction.values.dates import find_dates
from extraction.visible.page import PageText
from extraction.vocabulary import comparable, pattern

_SENTENCE, _LONG_LINE = 50, 90
_HEAD_SHARE, _TAIL_SHARE = 0.4, 0.35
_SHORT_LINE = 80


def told(page: PageText, title: str) -> str:
    """The description: from the job's title, or the first sentence where that comes first,
    to the last line that
    is about the job; without lists of other jobs."""
    lines = page.text.split("\n")
    lines = _without_other_jobs(lines[_beginning(lines, comparable(title)) :])
    return "\n".join(lines[: _end(lines)]).strip()


def _beginning(lines: list[str], title: str) -> int:
    total, passed = sum(map(len, lines)), 0
    for number, line in enumerate(lines):
        if passed > _HEAD_SHARE * total:
            break
        passed += len(line)
        if title and title in comparable(line) and len(line) < len(title) + 80:
            return number
        if _is_sentence(line) and not pattern("pages", "cookie_wall").search(comparable(line)):
            return number
    return 0


def _is_sentence(line: str) -> bool:
    # A sign of the East says as much as two letters.
    size = len(line) + len(re.findall(r"[぀-鿿가-힣]", line))
    return size > _LONG_LINE or (
        size > _SENTENCE and line.rstrip().endswith((".", ":", "!", "。", "：", "！", "،"))
    )


def _without_other_jobs(lines: list[str]) -> list[str]:
    """Without what stands under "Similar jobs", up to the next heading of the job's own."""
    kept: list[str] = []
    skipping = False
    for line in lines:
        section = section_of(line) if line else None
        if section == "similar":
            skipping = True
        elif section is not None:
            skipping = False
        if not skipping:
            kept.append(line)
    return kept


def _end(lines: list[str]) -> int:
    """Behind the last line about the job, where only short ones follow: other news, the site's own."""
    last = (
        max((number for number, line in enumerate(lines) if _is_about_the_job(line)), default=len(lines)) + 1
    )
    tail = [line for line in lines[last:] if line]
    is_short = all(len(line) <= _SHORT_LINE for line in tail)
    is_small = sum(map(len, tail)) <= _TAIL_SHARE * sum(map(len, lines))
    return last if tail and is_short and is_small else len(lines)


def _is_about_the_job(line: str) -> bool:
    if not line:
        return False
    words = comparable(line)
    return bool(
        len(line) > _SHORT_LINE
        or "@" in line
        or line.startswith("- ")
        or pattern("evidence").search(words)
        or label_of(line)
        or section_of(line) not in {None, "similar", "other"}
        or (find_dates(line) and pattern("dates").search(words))
    )
