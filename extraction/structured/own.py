"""Which of the postings that a page states as data is the page's own. Its address, h1 and title decide, never
size; a second statement of the same job fills gaps of the first."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import lxml.html

from extraction.addresses import address_key
from extraction.findings import Source
from extraction.schema import JobData
from extraction.structured.convert import convert
from extraction.structured.items import Items, Node, find_items
from extraction.structured.state import find_states
from extraction.structured.texts import Context
from extraction.visible.page import PageText
from extraction.vocabulary import comparable, terms

_GENDER = re.compile(r"\((?:[mwfdxvhk]\s?[/|*.,]\s?)+[mwfdxvhk]\)|\b(?:[mwfd]/){2}[mwfdx]\b|\b[hfm]/[hfmk]\b")
MAX_POSTINGS = 60


@dataclass(slots=True)
class StructuredPosting:
    """A posting found in the markup. `unreadable` names the fields whose value was there but made no sense;
    `words` has what each value was read from; `others` counts further postings on the page."""

    data: JobData
    origin: Source
    unreadable: tuple[str, ...] = ()
    words: dict[str, str] = field(default_factory=dict)
    origins: dict[str, Source] = field(default_factory=dict)
    addresses: frozenset[str] = frozenset()
    others: int = 0

    @property
    def is_valid(self) -> bool:
        """Enough to need no model: a title, and an employer or a description."""
        return bool(self.data.title and (self.data.hiring_organization or self.data.description))


@dataclass(frozen=True, slots=True)
class Choice:
    """The page's own posting, or None; `is_listing` when the page states several jobs of which none is its
    own."""

    posting: StructuredPosting | None
    is_listing: bool = False


def choose(tree: lxml.html.HtmlElement, page: PageText, *, url: str) -> Choice:
    """Find the page's postings in JSON-LD, microdata, RDFa and application state, and its own among them."""
    items = find_items(tree)
    found = postings_of(items, page.locale, url)
    if not any(posting.is_valid and _match(posting, page, url) for posting in found):
        context = Context({}, language=page.locale, base=url)
        found += [_posting(node, "state", context) for node in find_states(tree)]
    return choose_among(found, page, url=url)


def postings_of(items: Items, language: str | None, url: str) -> list[StructuredPosting]:
    context = Context(items.index, language=language, base=url)
    return [_posting(node, origin, context) for node, origin in items.postings[:MAX_POSTINGS]]


def _posting(node: Node, origin: Any, context: Context) -> StructuredPosting:
    data, unreadable, words = convert(node, context)
    fields = data.model_fields_set
    addresses = frozenset(filter(None, (address_key(written) for written in _addresses(node, data))))
    return StructuredPosting(
        data, origin, unreadable, words, dict.fromkeys(fields, origin), addresses
    )  # fmt: skip


def _addresses(node: Node, data: JobData) -> list[str]:
    written = [data.url or ""]
    for key in ("url", "@id", "mainEntityOfPage", "sameAs"):
        value = node.get(key)
        for entry in value if isinstance(value, list) else [value]:
            address = entry.get("@id") or entry.get("url") if isinstance(entry, dict) else entry
            if isinstance(address, str):
                written.append(address)
    return written


def choose_among(found: list[StructuredPosting], page: PageText, *, url: str) -> Choice:
    """The page's own, and whether what is left is a listing."""
    named = [posting for posting in found if posting.data.title or posting.data.description]
    if not named:
        return Choice(None)
    matched = sorted(named, key=lambda posting: -_match(posting, page, url))
    best = matched[0]
    same = [posting for posting in matched if posting is not best and _is_same_job(best, posting)]
    others = {
        comparable(posting.data.title or "")
        for posting in named
        if posting is not best and not any(posting is one for one in same)
    } - {comparable(best.data.title or "")}
    if _match(best, page, url) == 0:
        if others:
            is_listing = _are_shown(page, named) or not _has_own_heading(page, named)
            return Choice(None, is_listing=is_listing)
        if not _may_be_own(best, page):
            return Choice(None)
    for posting in same:
        _fill(best, posting)
    best.others = len(others)
    return Choice(best)


def _match(posting: StructuredPosting, page: PageText, url: str) -> int:
    """How surely the page is about this posting: 0 not at all … by its heading and its address."""
    title = job_words(posting.data.title or "")
    keys = {address_key(page.canonical), address_key(url)} - {""}
    here = 4 if posting.addresses & keys else 0
    headings = [job_words(heading) for heading in page.headings]
    if title and title in headings:
        return 16 + here + posting.is_valid
    if title and any(_holds(heading, title) or _holds(title, heading) for heading in headings):
        return 8 + here + posting.is_valid
    if here:
        return here + posting.is_valid
    titles = [job_words(page.page_title), job_words(page.social_title)]
    if title and any(_holds(words, title) for words in titles) and not _elsewhere(posting, keys):
        return 2 + posting.is_valid
    return 0


def _elsewhere(posting: StructuredPosting, keys: set[str]) -> bool:
    """Whether the posting names an address on the page's site that is not the page's."""
    hosts = {key.partition("/")[0] for key in keys}
    return any(address.partition("/")[0] in hosts and "/" in address for address in posting.addresses)


def job_words(title: str) -> str:
    """A title without gender marks and signs, to compare."""
    words = comparable(_GENDER.sub(" ", title.casefold()))
    return " ".join(re.findall(r"[\w+#.]+", words)).strip(" .")


def _holds(text: str, part: str) -> bool:
    if len(part) < 3:
        return False
    return re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text) is not None


def _is_same_job(one: StructuredPosting, other: StructuredPosting) -> bool:
    """Two statements of one job: the same title and firm, and no two different addresses or references."""
    if job_words(one.data.title or "") != job_words(other.data.title or ""):
        return False
    for name in ("hiring_organization", "identifier"):
        first, second = getattr(one.data, name), getattr(other.data, name)
        if first and second and comparable(first) != comparable(second):
            return False
    return not (one.addresses and other.addresses and not one.addresses & other.addresses)


def _may_be_own(posting: StructuredPosting, page: PageText) -> bool:
    """The page's only posting, though neither heading nor address names it: unless the page is about
    another."""
    if page.is_empty:
        return True
    title = job_words(posting.data.title or "")
    if title and _holds(job_words(page.text[:20_000]), title):
        return not _has_own_heading(page, [posting]) or not _is_other_job(page, title)
    return not _has_own_heading(page, [posting])


def _is_other_job(page: PageText, title: str) -> bool:
    """Whether the page's heading shares no word with the posting's title, as another job's would not."""
    heading = set(job_words(page.headings[0]).split())
    return not heading & {word for word in title.split() if len(word) > 3}


def _has_own_heading(page: PageText, found: list[StructuredPosting]) -> bool:
    """Whether the page has a heading that may be a job's title, and is none of these postings'."""
    titles = {job_words(posting.data.title or "") for posting in found}
    headings = [job_words(heading) for heading in page.headings]
    return any(
        heading and heading not in titles and comparable(heading) not in terms("not_titles")
        for heading in headings
    ) and not any(_starts_like_a_listing(heading) for heading in page.headings)


def _are_shown(page: PageText, found: list[StructuredPosting]) -> bool:
    """Whether the page shows three and more of the postings as lines of its own, none in greater detail."""
    lines = {job_words(line) for line in page.text.split("\n") if len(line) <= 120}
    titles = {job_words(posting.data.title or "") for posting in found} - {""}
    return len(titles & lines) >= 3


def _starts_like_a_listing(heading: str) -> bool:
    words = comparable(heading)
    return any(_holds(words, term) for term in terms("pages", "listing"))


def _fill(best: StructuredPosting, other: StructuredPosting) -> None:
    for name in other.data.model_fields_set - best.data.model_fields_set:
        setattr(best.data, name, getattr(other.data, name))
        best.origins[name] = other.origin
        best.words[name] = other.words.get(name, "")
    best.unreadable = tuple(name for name in best.unreadable if name not in best.data.model_fields_set)
