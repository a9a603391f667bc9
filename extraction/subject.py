"""What a posting is about: the job's title and employer by its headings and sentences, and the part of its
text that tells of the job, without what stands above the title and below the end."""

from __future__ import annotations

import re

from extraction.sections import label_of, section_of
from extraction.structured.own import job_words
from extraction.values.dates import find_dates
from extraction.visible.page import PageText
from extraction.vocabulary import by_term, comparable, pattern, terms

_AT = re.compile(r"^(?P<title>.{3,90}?) (?:at|@) (?P<company>[A-Z0-9].{1,60})$")
_PARTS = re.compile(r"\s+[-–—|·•»:]\s+|\s*\|\s*")
_SEPARATOR = r"\s*(?:[-–—|,·•(:/]|at|@|bei|chez|in|à|a|en|em|w|u|hos|ved|i|te|bij|presso|для|в)\s*"
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
_SENTENCE, _LONG_LINE = 50, 90
_HEAD_SHARE, _TAIL_SHARE = 0.4, 0.35
_SHORT_LINE = 80


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


def told(page: PageText, title: str) -> str:
    """The description: from the job's title, or the first sentence where that comes first, to the last line
    that is about the job; without lists of other jobs."""
    lines = page.text.split("\n")
    lines = _without_other_jobs(lines[_first_line(lines, comparable(title)) :])
    return "\n".join(lines[: _end_of_telling(lines)]).strip()


def _first_line(lines: list[str], title: str) -> int:
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


def _end_of_telling(lines: list[str]) -> int:
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
