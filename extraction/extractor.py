"""From what a user brought (address, text or picture) to a saved record of the posting."""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import dataclass
from datetime import date

from django.utils import timezone
from django_guid import get_guid

from accounts.concurrency import in_database_thread, in_parsing_thread
from accounts.models import User
from extraction import images, postings
from extraction.answer import FactsAnswer, ImageAnswer, ModelAnswer
from extraction.errors import NoPostingInImage, PageWithoutText
from extraction.fetching import Page, fetch
from extraction.findings import Findings
from extraction.instructions import without_instructions
from extraction.models import JobPosting, SourceKind
from extraction.prompts import EXTRACTION, IMAGE_PROMPT, extraction_prompt, shortened
from extraction.prose import put_heading, put_stated
from extraction.schema import JobData
from extraction.structured import StructuredPosting, find_posting
from extraction.text import PageText, parse_html, read_page, tidy
from extraction.verification import put_unverified, put_verified
from orchestration.calls.orchestrator import AIOrchestrator, begin
from orchestration.calls.results import GenerationResult

TASK = "extraction"


@dataclass(frozen=True, slots=True)
class Extraction:
    """A finished extraction. `result` is None when no model was asked; `latency_ms` is the whole of it,
    fetching included."""

    posting: JobPosting
    data: JobData
    sources: dict[str, str]
    warnings: list[dict[str, object]]
    result: GenerationResult | None
    request_id: str
    latency_ms: int


@dataclass(frozen=True, slots=True)
class Source:
    """What a posting was made of. `content_hash` is the SHA-256 of what was read, in hex."""

    kind: SourceKind
    content_hash: str
    url: str = ""


async def extract(
    *, user: User, url: str | None = None, text: str | None = None, image: bytes | None = None
) -> Extraction:
    """Make and save a JobPosting of exactly one of: a page's address, a posting's text, a picture's bytes.

    A page with a valid schema.org JobPosting costs no model call. Bad input raises a DomainError of
    `extraction.errors` before anything is spent or stored; the orchestrator's errors pass through, and then
    nothing is stored either.
    """
    if sum(given is not None for given in (url, text, image)) != 1:
        raise ValueError("give exactly one of url, text and image")
    started = time.monotonic()
    findings = Findings()
    if url is not None:
        source, result = await _from_page(user, await fetch(url=url), findings)
    elif text is not None:
        source, result = await _from_words(user, text, findings)
    else:
        source, result = await _from_image(user, image or b"", findings)
    data = findings.data
    _warn_if_expired(findings, data.valid_through)
    request_id = result.request_id if result else get_guid() or uuid.uuid4().hex
    posting = await postings.save(
        user=user,
        kind=source.kind,
        source_url=source.url,
        content_hash=source.content_hash,
        data=data,
        sources=findings.sources,
        warnings=findings.warnings,
        request_id=request_id,
        result=result,
    )
    return Extraction(
        posting=posting,
        data=data,
        sources=findings.sources,
        warnings=findings.warnings,
        result=result,
        request_id=request_id,
        latency_ms=round((time.monotonic() - started) * 1000),
    )


async def _from_page(user: User, page: Page, findings: Findings) -> tuple[Source, GenerationResult | None]:
    structured, content = await in_parsing_thread(_parse, page)
    if structured is not None:
        _put_structured(findings, structured)
    result = None
    if structured is None or not structured.is_valid:
        if content.is_empty:
            raise PageWithoutText(details={"reason": "login" if content.asks_login else "empty"})
        result = await _from_text(user, content, findings)
    elif not content.is_empty:
        findings.put("description", content.text, "text")
    findings.put("url", page.url, "request")
    return Source(SourceKind.URL, _digest(page.body.encode()), page.url), result


def _parse(page: Page) -> tuple[StructuredPosting | None, PageText]:
    tree = parse_html(page.body) if page.is_html else None
    if tree is None:
        return None, PageText(text=tidy(page.body))
    structured = find_posting(tree, url=page.url)
    if structured is not None and structured.is_valid and structured.data.description:
        return structured, PageText(text="")
    return structured, read_page(page.body, tree)


def _put_structured(findings: Findings, structured: StructuredPosting) -> None:
    for field in structured.data.model_fields_set:
        findings.put(field, getattr(structured.data, field), structured.origin)
    for field in structured.unreadable:
        findings.warn(field, "unreadable")
    if structured.others:
        findings.warn(None, "several_postings", others=structured.others)


async def _from_words(user: User, text: str, findings: Findings) -> tuple[Source, GenerationResult]:
    readable = await in_parsing_thread(tidy, text)
    result = await _from_text(user, PageText(text=readable), findings)
    return Source(SourceKind.TEXT, _digest(readable.encode())), result


async def _from_text(user: User, content: PageText, findings: Findings) -> GenerationResult:
    """What the words say by rule, then the model for the rest, then the first line for want of a title."""
    clean, removed = without_instructions(content.text)
    if removed:
        findings.warn(None, "instructions_in_posting", removed=removed)
    await in_parsing_thread(put_stated, findings, clean, content.headings)
    prompt_text, was_cut = shortened(clean)
    if was_cut:
        findings.warn(None, "shortened_for_model")
    has_lists = findings.has("responsibilities") and findings.has("qualifications")
    begun = await in_database_thread(begin, user, TASK)
    result = await AIOrchestrator().generate(
        user=user,
        task=TASK,
        prompt=extraction_prompt(prompt_text),
        system_prompt=EXTRACTION[begun.prompt_version].text,
        begun=begun,
        is_repeatable=True,
        response_model=FactsAnswer if has_lists else ModelAnswer,
    )
    if isinstance(result.parsed, FactsAnswer):
        await in_parsing_thread(put_verified, findings, result.parsed, clean)
    put_heading(findings, clean)
    findings.put("description", content.text, "text")
    return result


async def _from_image(user: User, image: bytes, findings: Findings) -> tuple[Source, GenerationResult]:
    picture = await in_parsing_thread(images.prepare, image)
    begun = await in_database_thread(begin, user, TASK)
    result = await AIOrchestrator().generate(
        user=user,
        task=TASK,
        prompt=IMAGE_PROMPT,
        system_prompt=EXTRACTION[begun.prompt_version].image,
        begun=begun,
        is_repeatable=True,
        images=[picture],
        response_model=ImageAnswer,
    )
    if isinstance(result.parsed, ImageAnswer):
        put_unverified(findings, result.parsed)
    if not findings.sources:
        raise NoPostingInImage
    return Source(SourceKind.IMAGE, _digest(image)), result


def _warn_if_expired(findings: Findings, valid_through: date | None) -> None:
    if valid_through is not None and valid_through < timezone.now().date():
        findings.warn("valid_through", "expired")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
