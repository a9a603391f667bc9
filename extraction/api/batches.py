"""Extraction while nobody waits."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from accounts.concurrency import in_parsing_thread
from accounts.models import User
from extraction.api.serializers import ExtractSerializer, extraction_body
from extraction.extractor import TASK, Extraction, Pages, extract
from extraction.fetching import Page
from extraction.pdf.reader import PdfContent
from orchestration.batches.economy import EconomyAsking
from orchestration.batches.kinds import Answer, Economy, Kind

EXTRACT = "extract"


def _check(given: Any) -> None:
    ExtractSerializer(data=given).is_valid(raise_exception=True)


async def _answer(user: User, given: Any) -> Answer:
    return _as_answer(await extract(user=user, **given))


async def _economical(user: User, given: Any, asking: EconomyAsking) -> Answer:
    return _as_answer(await extract(user=user, **given, ask=asking.ask, pages=KeptPages(asking.kept)))


class KeptPages(Pages):
    """Pages that are read before the vendor's batch is made, and are the same once it has answered. Of a PDF
    the text is kept, and the file only where its pages are pictures."""

    def __init__(self, kept: dict[str, Any]) -> None:
        self._kept = kept

    async def read(self, *, url: str) -> Page:
        if kept := self._kept.get(url):
            content = await in_parsing_thread(b64decode, kept["content"])
            return Page(**(kept | {"content": content}))
        page = await super().read(url=url)
        self._kept[url] = {"url": page.url, "body": page.body, "kind": page.kind, "content": ""}
        return page

    async def read_pdf(self, page: Page) -> PdfContent:
        if page.body:
            return PdfContent(text=page.body)
        pdf = await super().read_pdf(page)
        content = "" if pdf.text else (await in_parsing_thread(b64encode, page.content)).decode()
        for kept in self._kept.values():
            if kept["url"] == page.url:
                kept |= {"body": pdf.text, "content": content}
        return pdf


def _as_answer(extraction: Extraction) -> Answer:
    return Answer(200 if extraction.is_known else 201, extraction_body(extraction))


KIND = Kind(EXTRACT, _check, _answer, Economy(TASK, _economical))
