"""The job's title, and what else a heading says ("Line Cook at Hotel Sacher")."""

from __future__ import annotations

import re

from extraction.structured.own import job_words
from extraction.visible.page import PageText
from extraction.vocabulary import by_term, comparable, terms

_AT = re.compile(r"^(?P<title>.{3,90}?) (?:at|@) (?P<company>[A-Z0-9].{1,60})$")
_PARTS = re.compile(r"\s+[-–—|·•»:]\s+|\s*\|\s*")
_SEPARATOR = r"\s*(?:[-–—|,·•(:/]|at|@|bei|chez|in|à|a|en|em|w|u|hos|ved|i|te|bij|presso|для|в)\s*"


def is_title(heading: str) -> bool:
    """Whether a heading may be a job's title: not the site's own ("Careers at Acme", "We're hiring!")."""
    words = comparable(heading).strip(" !.?:")
    if not re.search(r"[^\W\d_]", words) or words in by_term("headings"):
        return False
    if words in terms("not_titles") or words in terms("pages", "listing"):
        return False
    return not any(" " in term and words.startswith(term + " ") for term in terms("not_titles"))


def heading_values(page: PageText) -> dict[str, str]:
    """Title, and employer where the heading reads "<title> at <Company>": of the page's only h1, or the one
    that its title repeats."""
    titles = [heading for heading in page.headings if is_title(heading)]
    if len(titles) > 1:
        titles = [title for title in titles if comparable(title) in comparable(page.page_title)][:1]
    return split_heading(titles[0], page) if titles else {}


def split_heading(heading: str, page: PageText) -> dict[str, str]:
    """A heading without what follows the title in it, as far as that is known to be something else."""
    if match := _AT.match(heading):
        return {
            "title": match["title"].strip(" -\u2013,"),
            "hiring_organization": match["company"].strip(),
        }
    parts = _PARTS.split(heading)
    if len(parts) > 1 and page.site_name and comparable(parts[-1]) == comparable(page.site_name):
        return {"title": heading[: heading.rindex(parts[-1])].rstrip(" -–—|·•»:")}
    return {"title": heading}


def fallback_title(page: PageText) -> str | None:
    """The first line of a text, or a page's <title> without the site's name, if it reads like a title: a
    guess by position, so it comes after the model."""
    for written in (page.social_title, page.page_title):
        first = _PARTS.split(written)[0].strip() if written else ""
        if first and len(first) <= 120 and is_title(first):
            return first
    first, _, rest = page.text.partition("\n")
    first = re.sub(r"^[#*\s]+|[*\s]+$", "", first)
    if (
        rest.strip()
        and 3 <= len(first) <= 90
        and not re.search(r"[.!?:。：]$|[:|：]", first)
        and is_title(first)
    ):
        return first
    return None


def is_cut_of(title: str, heading: str) -> bool:
    """Whether the title is the heading, or the beginning of it with something else behind a separator."""
    if job_words(title) == job_words(heading):
        return True
    rest = re.match(re.escape(title.strip()) + _SEPARATOR, heading.strip(), re.IGNORECASE)
    return rest is not None
