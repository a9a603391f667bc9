"""Postings become records, a CV and a letter, through the API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aditus.demo.client import ApiClient, ApiRefusal
from aditus.demo.pictures import posting_picture
from aditus.demo.site import POSTINGS

Say = Callable[[str], None]


class Story:
    """Tells what it does through `say`; writes files into `folder`."""

    def __init__(self, api: ApiClient, *, job_board: str, folder: Path, say: Say) -> None:
        self._api, self._job_board, self._folder, self.say = api, job_board, folder, say
        self._steps = 0

    async def records(self) -> dict[str, int]:
        """Two postings, the first of which no code can read alone; returns what a draft for it is made from.

        Raises ApiRefusal, like all of them, for a refusal that is not part of the story.
        """
        page = await self.extract("A web page without structured data", {"url": self._page("plain.html")})
        await self.extract("A web page with schema.org data", {"url": self._page("structured.html")})
        profile = (await self._api.get("profiles"))["results"][0]
        return {"job_id": page["job_id"], "profile_id": profile["profile_id"]}

    async def more_records(self) -> None:
        await self.extract("A posting pasted as text", {"text": posting_text()})
        await self._picture("A photograph of a notice")

    async def drafts(self, choice: dict[str, int]) -> None:
        await self.draft("A CV for the first posting", "cv-drafter/draft", choice)
        await self.draft("A cover letter for it", "cover-letter/generate", choice)

    async def extract(self, title: str, body: dict[str, str]) -> dict[str, Any]:
        with self.step(title):
            reply: dict[str, Any] = await self._api.post("job-extractor/extract", body)
        self._show_record(reply)
        return reply

    async def draft(self, title: str, path: str, choice: dict[str, int]) -> tuple[dict[str, Any], list[Path]]:
        """The draft, and the files it was exported to."""
        with self.step(title):
            draft = await self._api.post(path, choice)
            files = [await self._export(draft, suffix) for suffix in ("pdf", "md", "json")]
        kinds = [change["kind"] for change in draft["changes"]]
        self.say(f"   Version {draft['version']} by {draft['provider_used']} {draft['model_used']}")
        self.say(
            f"   {kinds.count('rewritten')} lines rewritten, {kinds.count('left_out')} facts left out, "
            f"{len(draft['grounding'])} ungrounded texts refused"
        )
        for file in files:
            self.say(f"   {file}")
        return draft, files

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Number and announce what happens in the block, and say how long it took."""
        self._steps += 1
        self.say(f"\n{self._steps}. {title} ...")
        started = time.monotonic()
        yield
        self.say(f"   done in {time.monotonic() - started:.1f} s")

    async def _picture(self, title: str) -> None:
        with self.step(title):
            try:
                reply = await self._api.upload(
                    "job-extractor/extract", "image", posting_picture(), "notice.png"
                )
            except ApiRefusal as refusal:
                if refusal.code != "no_capable_provider":
                    raise
                self.say(f"   Refused, as it should be: {refusal.message}")
                return
        self._show_record(reply)

    async def _export(self, draft: dict[str, Any], suffix: str) -> Path:
        content = await self._api.download(f"drafts/{draft['draft_id']}/export?format={suffix}")
        file = self._folder / f"{draft['kind']}-v{draft['version']}.{suffix}"
        file.write_bytes(content)
        return file

    def _show_record(self, reply: dict[str, Any]) -> None:
        for field, value in reply["extracted_data"].items():
            if value not in (None, [], ""):
                self.say(f"   {field:32} {_short(value):60}  [{reply['sources'].get(field, '')}]")
        for warning in reply["warnings"]:
            self.say(f"   note: {' '.join(str(part) for part in warning.values() if part is not None)}")
        model = (
            f"{reply['provider_used']} {reply['model_used']}" if reply["attempts"] else "no model was asked"
        )
        self.say(f"   {model}; {reply['usage']['total']} tokens; cost {money(reply['cost_usd'])}")

    def _page(self, name: str) -> str:
        return f"http://{self._job_board}/{name}"


def posting_text() -> str:
    return (POSTINGS / "posting.txt").read_text()


def _short(value: Any) -> str:
    if isinstance(value, list):
        value = "; ".join(str(item) for item in value)
    elif isinstance(value, dict):
        value = ", ".join(f"{key} {item}" for key, item in value.items() if item is not None)
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def money(cost: str | None) -> str:
    return "unknown" if cost is None else f"${float(cost):.6f}"
