"""The demo itself: four postings, a CV and a letter, through the API, with every call accounted for."""

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
        self._api, self._job_board, self._folder, self._say = api, job_board, folder, say

    async def run(self) -> None:
        """Raises ApiRefusal for a refusal that is not part of the story."""
        page = await self._extract(
            "1. A web page without structured data", {"url": f"http://{self._job_board}/plain.html"}
        )
        await self._extract(
            "2. A web page with schema.org data", {"url": f"http://{self._job_board}/structured.html"}
        )
        await self._extract("3. A posting pasted as text", {"text": (POSTINGS / "posting.txt").read_text()})
        await self._picture("4. A photograph of a notice")
        profile = (await self._api.get("profiles"))["results"][0]
        choice = {"job_id": page["job_id"], "profile_id": profile["profile_id"]}
        await self._draft("5. A CV for the first posting", "cv-drafter/draft", choice)
        await self._draft("6. A cover letter for it", "cover-letter/generate", choice)

    async def _extract(self, title: str, body: dict[str, str]) -> dict[str, Any]:
        with self._step(title):
            reply: dict[str, Any] = await self._api.post("job-extractor/extract", body)
        self._show_record(reply)
        return reply

    async def _picture(self, title: str) -> None:
        with self._step(title):
            try:
                reply = await self._api.upload(
                    "job-extractor/extract", "image", posting_picture(), "notice.png"
                )
            except ApiRefusal as refusal:
                if refusal.code != "no_capable_provider":
                    raise
                self._say(f"   Refused, as it should be: {refusal.message}")
                return
        self._show_record(reply)

    async def _draft(self, title: str, path: str, choice: dict[str, int]) -> None:
        with self._step(title):
            draft = await self._api.post(path, choice)
            files = [await self._export(draft, suffix) for suffix in ("pdf", "md", "json")]
        kinds = [change["kind"] for change in draft["changes"]]
        self._say(f"   Version {draft['version']} by {draft['model_used']}")
        self._say(
            f"   {kinds.count('rewritten')} lines rewritten, {kinds.count('left_out')} facts left out, "
            f"{len(draft['grounding'])} ungrounded texts refused"
        )
        for file in files:
            self._say(f"   {file}")

    async def _export(self, draft: dict[str, Any], suffix: str) -> Path:
        content = await self._api.download(f"drafts/{draft['draft_id']}/export?format={suffix}")
        file = self._folder / f"{draft['kind']}-v{draft['version']}.{suffix}"
        file.write_bytes(content)
        return file

    def _show_record(self, reply: dict[str, Any]) -> None:
        for field, value in reply["extracted_data"].items():
            if value not in (None, [], ""):
                self._say(f"   {field:32} {_short(value):60}  [{reply['sources'].get(field, '')}]")
        for warning in reply["warnings"]:
            self._say(f"   note: {' '.join(str(part) for part in warning.values() if part is not None)}")
        model = (
            f"{reply['provider_used']} {reply['model_used']}" if reply["attempts"] else "no model was asked"
        )
        self._say(f"   {model}; {reply['usage']['total']} tokens; cost {_money(reply['cost_usd'])}")

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self._say(f"\n{title} ...")
        started = time.monotonic()
        yield
        self._say(f"   done in {time.monotonic() - started:.1f} s")


def _short(value: Any) -> str:
    if isinstance(value, list):
        value = "; ".join(str(item) for item in value)
    elif isinstance(value, dict):
        value = ", ".join(f"{key} {item}" for key, item in value.items() if item is not None)
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _money(cost: str | None) -> str:
    return "unknown" if cost is None else f"${float(cost):.6f}"
