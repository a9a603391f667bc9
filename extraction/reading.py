"""What was brought (a page, a text), read as far as it can be without a model: the four steps before one, and
what is taken for want of better after it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from extraction.addresses import address_key
from extraction.errors import NotAPosting
from extraction.fetching import Page
from extraction.findings import Findings
from extraction.kind import refusal
from extraction.postings import Identity
from extraction.prompts import without_instructions
from extraction.prose import put_lists, put_requirements, put_schedule, put_stated
from extraction.structured.items import items_of_json, nodes_of
from extraction.structured.jsontext import read_json
from extraction.structured.own import Choice, StructuredPosting, choose, choose_among, postings_of
from extraction.structured.state import posting_of_state, resolved
from extraction.subject import fallback_title, told
from extraction.visible.page import PageText, parse_html, read_page, read_text
from extraction.vocabulary import comparable, language_of

# A page that says less of its own than this may hold the posting in a frame.
FRAME_CHARACTERS = 800
# A description shorter than this, beside a page that says much more, is none.
PLACEHOLDER_CHARACTERS = 80
_FRAME_WORDS = re.compile(
    r"(?i)(?:greenhouse|lever\.co|ashbyhq|workable|personio|recruitee|smartrecruiters|jobvite|icims|bamboohr|teamtailor"
    r"|breezy|applytojob|softgarden|onlyfy|prescreen|successfactors|taleo|myworkday|job|career|karriere|stelle|vacanc"
    r"|position|posting|emploi|empleo|vaga|lavor|offre|ats|recruit)"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A page or text as it was read. `structured` is its own posting in data, if it has one; `frame` the
    address of a frame that may hold the posting instead."""

    page: PageText
    structured: StructuredPosting | None = None
    is_listing: bool = False
    url: str = ""
    frame: str | None = None
    is_pasted: bool = False

    @property
    def needs_model(self) -> bool:
        """Whether data leaves something to ask: not where it names the job and its employer or tells of
        it."""
        return self.structured is None or not (self.structured.is_valid or self.page.is_empty)

    @property
    def identity(self) -> Identity:
        """What is said, without the page's bytes."""
        data = self.structured.data.model_dump(mode="json", exclude={"url"}) if self.structured else {}
        said = comparable(self.page.text)
        digest = hashlib.sha256(
            json.dumps([said, data], sort_keys=True, ensure_ascii=False).encode()
        ).hexdigest()
        address = address_key(self.page.canonical or self.url) if self.url else ""
        return Identity(digest, address, self.page.text)


def read_document(page: Page) -> Reading:
    """Read a fetched page (no PDF). Nothing is refused yet."""
    if page.kind == "json":
        return _read_json(page)
    tree = parse_html(page.body) if page.kind == "html" else None
    if tree is None:
        return replace(read_pasted(page.body), url=page.url, is_pasted=False)
    seen = read_page(tree, url=page.url)
    if not _is_of_this_site(seen.canonical, page.url):
        seen = replace(seen, canonical="")
    choice = choose(tree, seen, url=page.url)
    frame = None
    if choice.posting is None and len(seen.text) < FRAME_CHARACTERS:
        frame = _frame_of(tree, page.url)
    return Reading(seen, choice.posting, choice.is_listing, page.url, frame)


def read_pasted(text: str) -> Reading:
    """Read a text that a person brought; HTML in it is read as the page it is."""
    tree = parse_html(text) if "<" in text else None
    page = read_text(text)
    choice = Choice(None)
    if tree is not None and "JobPosting" in text:
        choice = choose(tree, page, url="")
    return Reading(page, choice.posting, choice.is_listing, is_pasted=True)


def _is_of_this_site(canonical: str, url: str) -> bool:
    """A canonical address at another host, or that is the site's front page, says nothing about this page."""
    if not canonical:
        return False
    one, other = urlsplit(canonical), urlsplit(url)
    return bool(one.hostname == other.hostname and one.path.strip("/")) or not url


def _read_json(page: Page) -> Reading:
    value = read_json(page.body)
    items = items_of_json(value)
    empty = PageText(text="")
    found = postings_of(items, None, page.url)
    if not found:
        states = [
            posting
            for node in nodes_of(value)
            if (posting := posting_of_state(resolved(node, {}))) is not None
        ]
        items.postings.extend((node, "state") for node in states[:20])
        found = postings_of(items, None, page.url)
    choice = choose_among(found, empty, url=page.url)
    return Reading(empty, choice.posting, choice.is_listing, page.url)


def _frame_of(tree: Any, url: str) -> str | None:
    for frame in tree.iter("iframe", "frame"):
        source = str(frame.get("src") or frame.get("data-src") or "").strip()
        named = f"{source} {frame.get('id') or ''} {frame.get('title') or ''} {frame.get('name') or ''}"
        try:
            address = urljoin(url, source)
            is_web = urlsplit(address).scheme in {"http", "https"}
        except ValueError:
            continue
        if source and is_web and len(address) <= 2000 and _FRAME_WORDS.search(named):
            return address
    return None


def put_known(findings: Findings, reading: Reading) -> None:
    """Put what needs no model: the page's data, then what its words state plainly. Raises NotAPosting."""
    structured = reading.structured
    reason = None
    if structured is None or not structured.is_valid:
        reason = "listing" if reading.is_listing else refusal(reading.page, is_pasted=reading.is_pasted)
        if reason is not None and not (
            structured and structured.data.title and reason in {"empty", "unrendered"}
        ):
            raise NotAPosting.because(reason)
    if structured is not None:
        _put_structured(findings, structured, reading.page)
    if reason is None and not reading.page.is_empty:
        clean, removed = without_instructions(reading.page.text)
        if removed:
            findings.warn(None, "instructions_in_posting", removed=removed)
        put_stated(findings, replace(reading.page, text=clean))
    if description := findings.get("description"):
        clean, _ = without_instructions(description)
        spoken = reading.page.language or language_of(clean)
        put_lists(findings, PageText(text=clean, language=spoken, locale=reading.page.locale or spoken))


def put_rest(findings: Findings, reading: Reading) -> None:
    """What is taken for want of better: a title by its position, the whole text, the address."""
    findings.put("title", fallback_title(reading.page), "text")
    text = findings.get("description") or told(reading.page, findings.get("title") or "")
    put_requirements(findings, text)
    put_schedule(findings, text)
    findings.put("description", text, "text")
    if reading.url:
        findings.put("url", reading.url, "request")


def _put_structured(findings: Findings, structured: StructuredPosting, page: PageText) -> None:
    # Some publishers must state a description and state that there is none.
    told = len(structured.data.description or "")
    is_placeholder = told < PLACEHOLDER_CHARACTERS and len(page.text) > 4 * PLACEHOLDER_CHARACTERS
    for field_name in structured.data.model_fields_set - ({"description"} if is_placeholder else set()):
        findings.put(
            field_name,
            getattr(structured.data, field_name),
            structured.origins.get(field_name, structured.origin),
            structured.words.get(field_name, ""),
        )
    for field_name in structured.unreadable:
        findings.warn(field_name, "unreadable")
    if structured.others:
        findings.warn(None, "several_postings", others=structured.others)
