"""Is a page a posting at all? Told by what it says, before anything is spent on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from extraction.sections import all_labelled, labelled_values, listed_sections, section_of
from extraction.subject import is_title
from extraction.values.money import find_salaries
from extraction.visible.page import LEAST_CHARACTERS, PageText
from extraction.vocabulary import comparable, pattern, terms

Reason = Literal[
    "login_wall", "cookie_wall", "challenge", "not_found", "closed", "listing", "unrendered", "empty", "other"
]

# Longer than any notice; a posting of that size says at least some of what postings say.
_NOTICE = 1500
# Points at which a page is a posting: a section or a label counts two, any other sign of one counts one.
_ENOUGH, _ENOUGH_OF_A_SHORT_PAGE, _SHORT = 4, 3, 700
_PLACEHOLDERS = re.compile(
    r"\{\{[^{}]{1,80}\}\}|\$\{[^{}]{1,80}\}|<%=?[^%]{1,80}%>|\[\[[^\[\]]{1,60}\]\]|\{%[^%]{1,80}%\}|%[A-Z_]{4,40}%"
)
_COUNT_OF_JOBS = re.compile(r"(?<!\w)\d[\d.,]{0,8}\+?\s*(?:[^\W\d_]{1,20}\s){0,2}")
_TITLE_PARTS = re.compile(r"\s[-–—|:·»]\s|[|:]\s")
_JOB_PATH = re.compile(
    r"(?i)(?:job|career|vacanc|position|opening|stelle|offre|emploi|oferta|empleo|vaga|lavor|annunci|prac|oferty"
    r"|ilan|kazi|nafasi|ledig|jobb|requisition|recruit|opportunit|kyujin|zhaopin|zhiwei|vakans|rabota|role|posting)"
)


@dataclass(frozen=True, slots=True)
class _Signs:
    """How much of a posting a text has. `sections` are its lists of tasks, requirements and benefits."""

    words: str
    length: int
    evidence: int
    labels: int
    sections: int
    others: int

    @classmethod
    def of(cls, page: PageText) -> _Signs:
        words = comparable(page.text)
        labels = set(labelled_values(page.text)) - {"title", "skills", "languages", "date_posted"}
        headings = {section_of(line) for line in page.text.split("\n")} & {
            "responsibilities",
            "qualifications",
        }
        return cls(
            words=words,
            length=len(page.text),
            evidence=len(set(pattern("evidence").findall(words))),
            labels=len(labels),
            sections=len(set(listed_sections(page.text)) | headings),
            others=len(set(pattern("other_page").findall(words))),
        )

    @property
    def points(self) -> int:
        return self.evidence + 2 * (self.labels + self.sections)


def refusal(page: PageText, *, is_pasted: bool = False) -> Reason | None:
    """Why the page is no posting, or None. `is_pasted`: a person chose the text, so only what speaks against
    it counts."""
    signs = _Signs.of(page)
    head = comparable(" \n ".join((*page.headings, page.page_title)))
    if _lists_values(page):
        return "listing"
    if (reason := _notice(page, signs, head, is_pasted=is_pasted)) is not None:
        return reason
    if page.is_empty:
        return None if is_pasted and page.text else "empty"
    if is_listing(page, signs):
        return "listing"
    return "other" if _is_other(page, signs, is_pasted=is_pasted) else None


def _is_other(page: PageText, signs: _Signs, *, is_pasted: bool) -> bool:
    """Too few signs of a posting, or too many of something else."""
    structure = signs.labels + signs.sections
    seeks = pattern("seeker").search(signs.words) is not None
    if (
        _is_cv(page, signs)
        or (seeks and signs.sections == 0)
        or (signs.others >= 3 and signs.points < 2 * signs.others)
    ):
        return True
    if is_pasted or page.language is None:
        # A person chose the text; and in a language we do not know, nothing can be missed.
        return signs.others >= 2 and signs.points < 2
    is_bare = not structure or (signs.others >= 2 and signs.sections <= 1 and not signs.labels)
    if signs.others and is_bare and signs.evidence <= 6:
        return True
    if signs.length >= _SHORT:
        return signs.points < _ENOUGH
    return signs.evidence < (2 if structure else _ENOUGH_OF_A_SHORT_PAGE) and signs.labels < 2


def _lists_values(page: PageText) -> bool:
    """Whether one label has a value for each of several jobs."""
    values: dict[str, set[str]] = {}
    for field, value in all_labelled(page.text):
        if field in {"title", "hiring_organization", "salary", "job_location"}:
            values.setdefault(field, set()).add(comparable(value))
    return sum(len(found) >= 3 for found in values.values()) >= 2


def _notice(page: PageText, signs: _Signs, head: str, *, is_pasted: bool) -> Reason | None:
    """A page that says why it shows no posting."""
    everything = comparable(page.all_text[:20_000])
    if _placeholders(page, signs):
        return "unrendered"
    if _is_headed("challenge", head, signs) or _is_all_it_says("challenge", everything, signs):
        return "challenge"
    if _is_not_found(page, signs, head, everything, is_pasted=is_pasted):
        return "not_found"
    if _says("closed", f"{head} \n {signs.words}") and signs.sections == 0 and signs.length < 1200:
        return "closed"
    if is_pasted and signs.length >= LEAST_CHARACTERS and signs.points:
        return None
    return _wall(page, signs, head, everything)


def _is_not_found(page: PageText, signs: _Signs, head: str, everything: str, *, is_pasted: bool) -> bool:
    """By a sentence that names the page. One that names nothing ("we can't find") is a notice on a page, and
    in what a person pasted any sentence."""
    kinds = ("no_such_page",) if is_pasted else ("no_such_page", "not_found")
    return (_shows_404(page) and _has_room_for_little_else(signs)) or any(
        _is_headed(kind, head, signs) or _is_all_it_says(kind, everything, signs) for kind in kinds
    )


def _is_headed(kind: str, head: str, signs: _Signs) -> bool:
    return _says(kind, head) and signs.points < 8 and signs.length < _NOTICE


def _is_all_it_says(kind: str, everything: str, signs: _Signs) -> bool:
    return _has_room_for_little_else(signs) and _says(kind, everything)


def _has_room_for_little_else(signs: _Signs) -> bool:
    return signs.length < 800 and signs.points < 4


def _shows_404(page: PageText) -> bool:
    """As a line or a part of the title by itself. Elsewhere the figure is part of a number or an address."""
    titles = (part for title in (*page.headings, page.page_title) for part in _TITLE_PARTS.split(title))
    return any(re.fullmatch(r"\W*404\W*", line) for line in (*titles, *page.all_text[:20_000].split("\n")))


def _wall(page: PageText, signs: _Signs, head: str, everything: str) -> Reason | None:
    """What stands before the posting: a login, a consent, a script that did not run."""
    is_short = signs.length < _NOTICE and signs.points < 6 and signs.sections == 0
    asks = page.asks_password or (
        _says("login_wall", everything) and (signs.length < 400 or _says("login_wall", head))
    )
    if is_short and asks:
        return "login_wall"
    if is_short and signs.points < 5 and len(set(pattern("pages", "cookie_wall").findall(everything))) >= 2:
        return "cookie_wall"
    is_shell = page.is_empty and page.runs_scripts
    says_so = signs.length < 400 and signs.points < 4 and _says("unrendered", everything)
    return "unrendered" if is_shell or says_so else None


def _is_cv(page: PageText, signs: _Signs) -> bool:
    """A person's account of themselves: its headings, and none of a job's."""
    lines = {comparable(line).strip(" #*:-") for line in page.text.split("\n") if 0 < len(line) <= 50}
    own = {heading for heading in lines if heading in terms("cv_headings")}
    return len(own) >= 3 and signs.sections <= 1 and pattern("apply").search(signs.words) is None


def _says(kind: str, words: str) -> bool:
    return pattern("pages", kind).search(words) is not None


def _placeholders(page: PageText, signs: _Signs) -> bool:
    """Whether a template's holes are still open, in the title or all over."""
    found = _PLACEHOLDERS.findall(page.text[:20_000])
    return any(map(_PLACEHOLDERS.search, page.headings)) or (len(found) >= 3 and signs.points < 8)


def is_listing(page: PageText, signs: _Signs) -> bool:
    """Several jobs, none of them described: many links to jobs, or many short lines that each name one."""
    if signs.sections >= 2:
        return False
    lines = [line.strip() for line in page.text.split("\n") if line.strip()]
    headings = [*page.headings, page.page_title]
    says_so = any(_says("listing", comparable(heading)) for heading in headings) or not any(
        is_title(heading) for heading in page.headings
    )
    entries = max(_linked_jobs(page, lines), _repeated(lines))
    if entries >= 12 or (entries >= 3 and says_so and signs.sections == 0):
        return True
    return entries >= 5 and signs.sections == 0 and signs.labels < 3


def _linked_jobs(page: PageText, lines: list[str]) -> int:
    """The most links with one form of address whose words stand in the text."""
    text = "\n".join(lines)
    forms: dict[str, set[str]] = {}
    for href, words in page.links:
        if 3 <= len(words) <= 120 and words in text and _JOB_PATH.search(href):
            form = re.sub(r"[^/]*$", "", re.sub(r"[?#].*$", "", href).rstrip("/"))
            forms.setdefault(form, set()).add(href)
    return max((len(found) for found in forms.values()), default=0)


def _repeated(lines: list[str]) -> int:
    """Short lines that each say what a job is (its kind of employment) or how to apply."""
    short = [comparable(line) for line in lines if len(line) <= 120]
    kinds = sum(pattern("employment").search(line) is not None for line in short)
    ways = sum(pattern("apply").fullmatch(line.strip(" .!>→»-#")) is not None for line in short)
    figures = [line for line in lines if len(line) <= 200 and any(map(str.isdigit, line))]
    pays = sum(bool(find_salaries(line, trusted=True)) for line in figures[:60])
    return max(kinds if kinds >= 4 else 0, ways if ways >= 3 else 0, pays if pays >= 4 else 0)
