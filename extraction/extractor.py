"""From what a user brought (address, text, picture or PDF) to a saved record of the posting."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from django.utils import timezone
from django_guid import get_guid

from accounts.concurrency import in_database_thread, in_parsing_thread
from accounts.models import User
from extraction import images, postings
from extraction.fetching import Page, fetch
from extraction.findings import Findings
from extraction.models import JobPosting, SourceKind
from extraction.pdf.reader import PdfContent, read_pdf
from extraction.pictures import put_from_picture
from extraction.postings import Identity
from extraction.prompts import (
    FactsAnswer,
    ImageAnswer,
    prompt_about,
    prompt_characters,
)
from extraction.reading import Reading, put_known, put_rest, read_document, read_pasted
from extraction.schema import JobData
from extraction.verification import put_answer
from orchestration.calls.heard import Hear, generate_heard
from orchestration.calls.question import Beginning, GenerationResult, begin
from providers.adapters.base import Image

TASK = "extraction"

# As `generate_heard` is called.
Ask = Callable[..., Awaitable[GenerationResult]]


class Pages:
    """How pages, and the PDFs among them, are read."""

    async def read(self, *, url: str) -> Page:
        """What `fetch` gives and raises."""
        return await fetch(url=url)

    async def read_pdf(self, page: Page) -> PdfContent:
        """What `extraction.pdf.reader.read_pdf` gives and raises."""
        return await read_pdf(page.content)


@dataclass(frozen=True, slots=True)
class Extraction:
    """A finished extraction. `result` is None when no model was asked; `is_known` when it is a posting the
    user has had before; `latency_ms` is the whole of it, fetching included."""

    posting: JobPosting
    data: JobData
    sources: dict[str, str]
    evidence: dict[str, str]
    warnings: list[dict[str, object]]
    result: GenerationResult | None
    request_id: str
    latency_ms: int
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """What a posting is made of."""

    kind: SourceKind
    identity: Identity
    url: str = ""


async def extract(
    *,
    user: User,
    url: str | None = None,
    text: str | None = None,
    image: bytes | None = None,
    pdf: bytes | None = None,
    hear: Hear | None = None,
    ask: Ask | None = None,
    pages: Pages | None = None,
) -> Extraction:
    """Make and save a JobPosting of exactly one of: a page's address, a posting's text, a picture's bytes, a
    PDF's bytes.

    A page that states its posting as data costs no model call, nor does a posting that the user has had
    before. Bad input raises a DomainError of `extraction.errors` before anything is spent or stored; the
    orchestrator's errors pass through, and then nothing is stored either. `hear` is told what a model answers
    while it does, unchecked; `ask` answers in place of the orchestrator, and `pages` reads pages in its own
    way.
    """
    if sum(given is not None for given in (url, text, image, pdf)) != 1:
        raise ValueError("give exactly one of url, text, image and pdf")
    work = _Work(user, ask or partial(generate_heard, hear), pages or Pages())
    if url is not None:
        return await work.of_url(url)
    if text is not None:
        return await work.of_reading(SourceKind.TEXT, await in_parsing_thread(read_pasted, text))
    if pdf is not None:
        return await work.of_pdf(pdf, await read_pdf(pdf))
    return await work.of_image(image or b"")


class _Work:
    """One extraction under way."""

    def __init__(self, user: User, ask: Ask, pages: Pages) -> None:
        self._user, self._ask_model, self._pages = user, ask, pages
        self._started = time.monotonic()
        self._findings = Findings()

    async def of_url(self, url: str) -> Extraction:
        page = await self._pages.read(url=url)
        if page.kind == "pdf":
            return await self.of_pdf(page.content, await self._pages.read_pdf(page), url=page.url)
        reading = await in_parsing_thread(read_document, page)
        if reading.frame is not None:
            reading = await self._framed(reading, reading.frame)
        return await self.of_reading(SourceKind.URL, reading)

    async def _framed(self, outer: Reading, frame: str) -> Reading:
        """The posting in the page's frame, under the outer page's address; the outer page where there is
        none."""
        inner = await self._pages.read(url=frame)
        if inner.kind == "pdf":
            return outer
        reading = await in_parsing_thread(read_document, inner)
        if reading.structured is None and len(reading.page.text) <= len(outer.page.text):
            return outer
        return replace(reading, url=outer.url)

    async def of_pdf(self, content: bytes, pdf: PdfContent, *, url: str = "") -> Extraction:
        if pdf.text:
            reading = await in_parsing_thread(read_pasted, pdf.text)
            return await self.of_reading(SourceKind.PDF, replace(reading, url=url))
        pictures = [await in_parsing_thread(images.prepare, picture.data) for picture in pdf.pictures]
        return await self._of_pictures(SourceKind.PDF, content, pictures, url)

    async def of_image(self, content: bytes) -> Extraction:
        picture = await in_parsing_thread(images.prepare, content)
        return await self._of_pictures(SourceKind.IMAGE, content, [picture], "")

    async def of_reading(self, kind: SourceKind, reading: Reading) -> Extraction:
        await in_parsing_thread(put_known, self._findings, reading)
        source = Source(kind, reading.identity, reading.url)
        look_up = self._known_or_begun if reading.needs_model else self._known
        found = await in_database_thread(look_up, source.identity)
        if isinstance(found, JobPosting):
            return self._again(found)
        result = await self._ask(reading, found) if found else None
        put_rest(self._findings, reading)
        return await self._keep(source, result)

    def _known(self, identity: Identity) -> JobPosting | None:
        return postings.find_known(self._user, identity)

    def _known_or_begun(self, identity: Identity) -> JobPosting | Beginning:
        return self._known(identity) or begin(self._user, TASK)

    async def _ask(self, reading: Reading, begun: Beginning) -> GenerationResult:
        """Ask a model for what is still missing, and put what the words support."""
        most = prompt_characters(begun.snapshot, TASK)
        prompt = prompt_about(reading.page, self._findings, most)
        result = await self._ask_model(
            user=self._user,
            task=TASK,
            prompt=prompt.text,
            system_prompt=begun.prompt.text("text"),
            begun=begun,
            response_model=prompt.form,
        )
        if isinstance(result.parsed, FactsAnswer):
            await in_parsing_thread(put_answer, self._findings, result.parsed, reading.page, prompt)
        return result

    async def _of_pictures(
        self, kind: SourceKind, content: bytes, pictures: list[Image], url: str
    ) -> Extraction:
        source = Source(kind, Identity(hashlib.sha256(content).hexdigest()), url)
        begun = await in_database_thread(self._known_or_begun, source.identity)
        if isinstance(begun, JobPosting):
            return self._again(begun)
        result = await self._ask_model(
            user=self._user,
            task=TASK,
            prompt=begun.prompt.text("image_question"),
            system_prompt=begun.prompt.text("image"),
            begun=begun,
            images=pictures,
            response_model=ImageAnswer,
        )
        answer = result.parsed if isinstance(result.parsed, ImageAnswer) else ImageAnswer()
        await in_parsing_thread(put_from_picture, self._findings, answer)
        return await self._keep(source, result)

    def _again(self, posting: JobPosting) -> Extraction:
        return Extraction(
            posting=posting,
            data=JobData.model_validate(posting.data),
            sources=posting.sources,
            evidence=posting.evidence,
            warnings=posting.warnings,
            result=None,
            request_id=get_guid() or uuid.uuid4().hex,
            latency_ms=self._latency(),
            is_known=True,
        )

    async def _keep(self, source: Source, result: GenerationResult | None) -> Extraction:
        findings = self._findings
        data = findings.data
        _warn_if_expired(findings, data.valid_through)
        request_id = result.request_id if result else get_guid() or uuid.uuid4().hex
        posting, is_new = await in_database_thread(
            postings.save,
            user=self._user,
            kind=source.kind,
            source_url=source.url,
            identity=source.identity,
            data=data,
            sources=findings.sources,
            evidence=findings.evidence,
            warnings=findings.warnings,
            request_id=request_id,
            result=result,
        )
        if not is_new:
            return replace(self._again(posting), result=result, request_id=request_id)
        return Extraction(
            posting=posting,
            data=data,
            sources=findings.sources,
            evidence=findings.evidence,
            warnings=findings.warnings,
            result=result,
            request_id=request_id,
            latency_ms=self._latency(),
        )

    def _latency(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


def _warn_if_expired(findings: Findings, valid_through: date | None) -> None:
    if valid_through is not None and valid_through < timezone.now().date():
        findings.warn("valid_through", "expired")
