"""Takes out of a page what is not about its own subject: menus, footers, consent boxes, other jobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from extraction.sections import section_of
from extraction.visible.hidden import drop, drop_all, text_of, tokens_of
from extraction.visible.lines import is_label
from extraction.vocabulary import comparable, pattern

_TAGS = frozenset({"nav", "footer", "menu"})
_ROLES = frozenset({"navigation", "contentinfo", "search", "dialog", "alertdialog", "menu", "menubar"})
_CONSENT = frozenset(
    {
        "cookie", "cookies", "consent", "gdpr", "onetrust", "cookiebot", "didomi", "usercentrics",
        "cookiebanner",
        "cookienotice", "cmp", "truste", "klaro", "borlabs", "cookieconsent", "privacybanner",
        "cybotcookiebotdialog",
    }
)  # fmt: skip
_AROUND = frozenset(
    {
        "breadcrumb", "breadcrumbs", "navbar", "navigation", "sitemap", "newsletter", "subscribe", "socials",
        "share", "sharing", "social", "topbar", "skip-link", "skiplink", "footer", "site-footer", "site-nav",
        "main-nav", "main-menu", "pagination", "popup", "modal", "toast", "jobalert", "job-alert",
        "advert", "ads",
    }
)  # fmt: skip
_OTHER_JOBS = frozenset(
    {
        "similar", "related", "recommended", "recommendations", "suggested", "similarjobs", "relatedjobs",
        "other-jobs", "more-jobs", "similar-jobs", "related-jobs", "also-viewed", "other-vacancies",
        "latest-jobs",
        "featured-jobs", "recent-jobs", "otherjobs", "morejobs", "jobs-list", "more-openings",
        "similarvacancies",
    }
)  # fmt: skip
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# Of an element's characters, those in links; above it is a menu or a list of other pages.
_MENU_SHARE = 0.75
_LEAST_LINKS = 3
MAX_JOBS_HEADINGS = 50


def drop_boilerplate(tree: Any, keeps: Any) -> None:
    """Cut, in place; an element that `keeps` (the page's h1, or None) stands in stays."""
    kept = set(keeps.iterancestors()) | {keeps} if keeps is not None else set()
    drop_all(tree, lambda element: element not in kept and _is_around(element))
    _drop_other_jobs(tree, kept)
    _drop_menus(tree, kept)


def _is_around(element: Any) -> bool:
    if element.tag in _TAGS or str(element.get("role") or "").lower() in _ROLES:
        return True
    if element.tag in {"html", "body", "main", "article"} or element.tag in _HEADINGS:
        return False
    tokens = tokens_of(element)
    if tokens & _CONSENT or tokens & _OTHER_JOBS:
        return True
    if not tokens & _AROUND:
        return element.tag == "header" and not _holds_facts(element)
    return len(text_of(element)) < 3000


def _holds_facts(element: Any) -> bool:
    return any(element.find(f".//{tag}") is not None for tag in ("h1", "h2", "dl", "table"))


def _drop_other_jobs(tree: Any, kept: set[Any]) -> None:
    """What stands under a heading like "Similar jobs", as far as it belongs to it."""
    for heading in _jobs_headings(tree):
        if heading.getroottree().getroot() is not tree.getroottree().getroot() or heading in kept:
            continue
        holder = heading
        while (parent := holder.getparent()) is not None and parent not in kept:
            if parent.tag in {"body", "main", "article", "html", "td"} or not _begins_with(parent, holder):
                break
            holder = parent
        following = (
            _until_next_heading(holder, heading) if holder.tag in _HEADINGS or holder is heading else []
        )
        for element in [*following, holder]:
            if element not in kept:
                drop(element)


def _jobs_headings(tree: Any) -> list[Any]:
    found = []
    for element in tree.iter(*_HEADINGS, "strong", "b", "p", "div", "span"):
        if len(element) <= 2 and element.tag in {*_HEADINGS, "strong", "b", "p", "div", "span"}:
            text = text_of(element) if len(element) else (element.text or "").strip()
            if 0 < len(text) <= 60 and section_of(text) == "similar":
                found.append(element)
    return found[:MAX_JOBS_HEADINGS]


def _begins_with(parent: Any, child: Any) -> bool:
    return not (parent.text or "").strip() and next(iter(parent), None) is child


def _until_next_heading(holder: Any, heading: Any) -> list[Any]:
    level = heading.tag if heading.tag in _HEADINGS else "h6"
    following = []
    for sibling in holder.itersiblings():
        if sibling.tag in _HEADINGS and sibling.tag <= level:
            break
        following.append(sibling)
    return following


def _drop_menus(tree: Any, kept: set[Any]) -> None:
    """Lists of links. Counted in one pass from below."""
    counts: dict[Any, tuple[int, int, int]] = {}
    for element in reversed(list(tree.iter())):
        if not isinstance(element.tag, str):
            continue
        total = len((element.text or "").strip()) + sum(len((child.tail or "").strip()) for child in element)
        linked = links = 0
        for child in element:
            one, two, three = counts.get(child, (0, 0, 0))
            total, linked, links = total + one, linked + two, links + three
        if element.tag == "a":
            linked, links = total, 1
        counts[element] = (total, linked, links)
    holders: Callable[[Any], bool] = lambda element: (  # noqa: E731 - closes over the counts
        element.tag in {"ul", "ol", "div", "aside", "section", "p", "table", "td", "form"}
        and element not in kept
        and _is_menu(element, counts.get(element, (0, 0, 0)))
    )
    drop_all(tree, holders)


def _is_menu(element: Any, counted: tuple[int, int, int]) -> bool:
    total, linked, links = counted
    if links < _LEAST_LINKS or linked < _MENU_SHARE * total:
        return False
    # A way to apply is worth its words; facts that are links ("Kenya", "Full time") stay beside their labels.
    return not pattern("apply").search(comparable(text_of(element)[:400])) and not _has_labels(element)


def _has_labels(element: Any) -> bool:
    return any(
        is_label((inner.text or "").strip())
        for inner in element.iter("dt", "th", "strong", "b", "span", "div", "label")
    )


_SMALL_PRINT = re.compile(
    r"©|\(c\) ?(?:19|20)\d\d|all rights reserved|alle rechte vorbehalten|tous droits "
    r"réservés|impressum|imprint|optimi[sz]ed for"
    r"|optimizado para|optimizado|optimierte?|^(?:privacy|datenschutz|terms|cookies?|agb)(?:\W|$)",
    re.IGNORECASE
)  # fmt: skip
MAX_MENU_WORDS = 40
MAX_BUTTON = 30
_LEAST_RUN = 3


def without_edges(text: str, links: Sequence[tuple[str, str]], headings: Sequence[str]) -> str:
    """The text without menus that are lines of their own (runs of links), the consent box above it, and the
    small print below."""
    lines = text.split("\n")
    linked = {comparable(words) for _, words in links if 0 < len(words) <= MAX_MENU_WORDS}
    kept_words = {comparable(heading) for heading in headings}
    marks = [_is_menu_line(line, linked, kept_words) for line in lines]
    kept = [line for line, mark in zip(lines, _in_runs(lines, marks), strict=True) if not mark]
    return "\n".join(_without_small_print(_without_consent(kept)))


def _is_menu_line(line: str, linked: set[str], kept: set[str]) -> bool:
    words = comparable(line)
    return bool(words) and words in linked and words not in kept and not pattern("apply").search(words)


def _in_runs(lines: list[str], marks: list[bool]) -> list[bool]:
    """Only the marks of three and more lines together, blank ones aside."""
    found = [False] * len(lines)
    run: list[int] = []
    for number, (line, mark) in enumerate(zip(lines, marks, strict=True)):
        if mark:
            run.append(number)
        if (line and not mark) or number == len(lines) - 1:
            if len(run) >= _LEAST_RUN:
                for one in run:
                    found[one] = True
            run = []
    return found


def _without_consent(lines: list[str]) -> list[str]:
    """Without a first paragraph about cookies and the buttons below it."""
    first = next((number for number, line in enumerate(lines) if line), None)
    if first is None or not pattern("pages", "cookie_wall").search(comparable(lines[first])):
        return lines
    rest = first + 1
    while rest < len(lines) and rest < first + 6 and _is_button(lines[rest]):
        rest += 1
    return lines[rest:]


def _is_button(line: str) -> bool:
    words = comparable(line)
    return (
        not line
        or (len(line) <= MAX_BUTTON and pattern("pages", "cookie_wall").search(words) is not None)
        or (len(line) <= 14 and " " not in line and not line.startswith("#"))
    )


def _without_small_print(lines: list[str]) -> list[str]:
    """Without the last lines that are a site's own."""
    end = len(lines)
    while end > 1 and (
        not lines[end - 1] or (len(lines[end - 1]) <= 160 and _SMALL_PRINT.search(lines[end - 1]))
    ):
        end -= 1
    return lines[:end]
