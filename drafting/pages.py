"""A CV within the pages it may take: what matters least for the posting goes first."""

from __future__ import annotations

from copy import deepcopy

from accounts.concurrency import in_parsing_thread
from drafting.cv import Composition
from drafting.exports import cv_pages
from drafting.facts import FactSheet, Relevance, readable_language, texts_of
from drafting.options import DraftOptions
from drafting.resume import Resume
from extraction.schema import JobData

# Sections that lose entries, the most dispensable first; then lines of jobs go.
_SPARED_LAST = ("references", "interests", "publications", "awards", "volunteer", "projects")
_LINES_KEPT = 1


async def fit_pages(
    cv: Composition, facts: FactSheet, *, job: JobData, language: str, options: DraftOptions
) -> int:
    """Shorten the CV in place to `options.pages`, noting what went; returns its number of pages. Nothing
    pinned, no job, degree, certificate, skill or language goes."""
    return await in_parsing_thread(_fit, cv, facts, job, language, options)


def _fit(cv: Composition, facts: FactSheet, job: JobData, language: str, options: DraftOptions) -> int:
    pages = _pages(cv.content, language, options)
    if options.pages is None or pages <= options.pages:
        return pages
    steps = _steps(cv.content, facts, Relevance.to(job, readable_language(facts.text)), options)
    fewest, most = 1, len(steps)
    while fewest < most:
        middle = (fewest + most) // 2
        tried = _pages(_without(cv.content, steps[:middle]), language, options)
        if tried <= options.pages:
            most = middle
        else:
            fewest = middle + 1
    for section, index, line in steps[:fewest]:
        entry = cv.content[section][index]
        before = entry["highlights"][line] if line is not None else "\n".join(texts_of(entry))
        at = f"{section}/{index}" + ("" if line is None else f"/highlights/{line}")
        cv.note_change("left_out", at, before=before, after=None)
    cv.content = _without(cv.content, steps[:fewest])
    return _pages(cv.content, language, options)


Step = tuple[str, int, int | None]


def _steps(content: Resume, facts: FactSheet, relevance: Relevance, options: DraftOptions) -> list[Step]:
    """What may go, in the order in which it goes: (section, index of the entry, index of the line or
    None)."""
    pinned = [facts.line_by_id[i].text for i in options.pinned if i in facts.line_by_id]
    pinned_entries = [facts.entry_by_id[i].title for i in options.pinned if i in facts.entry_by_id]
    steps: list[Step] = []
    for section in _SPARED_LAST:
        rows = [
            (relevance.score(entry), -index)
            for index, entry in enumerate(content.get(section) or [])
            if not any(title and title in ", ".join(texts_of(entry)) for title in pinned_entries)
        ]
        steps += [(section, -index, None) for _, index in sorted(rows)]
    lines = [
        # Older jobs before newer ones among lines that matter as little.
        (relevance.score(text), -index, -number)
        for index, entry in enumerate(content.get("work") or [])
        for number, text in enumerate(entry.get("highlights") or [])
        if number >= _LINES_KEPT and text not in pinned
    ]
    return steps + [("work", -index, -number) for _, index, number in sorted(lines)]


def _without(content: Resume, steps: list[Step]) -> Resume:
    shorter = deepcopy(content)
    for section in {step[0] for step in steps}:
        entries = [index for name, index, line in steps if name == section and line is None]
        lines = [(index, line) for name, index, line in steps if name == section and line is not None]
        for index, line in sorted(lines, reverse=True):
            del shorter[section][index]["highlights"][line]
        for index in sorted(entries, reverse=True):
            del shorter[section][index]
    return shorter


def _pages(content: Resume, language: str, options: DraftOptions) -> int:
    return cv_pages(content, language, options.sections)
