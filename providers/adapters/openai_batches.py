"""OpenAI's Batch API (https://platform.openai.com/docs/api-reference/batch): a file of requests in, a file of
answers out, at half the price within a day."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

import httpx2

from providers.adapters import failures
from providers.adapters.base import GenerationRequest, ProviderReply
from providers.adapters.batching import (
    BatchAPI,
    Ended,
    Json,
    already_gone,
    id_in,
    lines_of,
    lost,
    not_begun,
    was_refused,
)
from providers.adapters.openai import OpenAIProvider, _from_vendor, _to_vendor, answer_to, translate_errors
from providers.adapters.reading import decoded, encoded, member, reading, word
from providers.errors import ProviderError

_RESPONSES = "/v1/responses"
# Our name for a batch, in what the vendor keeps with it.
_NAME = "aditus_batch"
# What was sent is deleted once it is answered, and by the vendor itself where we cannot.
_FILES_KEPT_SECONDS = 3 * 24 * 60 * 60
_PAGE = 100
_MOST_PAGES = 20
_OVER = frozenset({"completed", "failed", "expired", "cancelled"})
# https://platform.openai.com/docs/guides/batch#5-retrieve-the-results
_NOT_BEGUN = frozenset({"batch_expired", "batch_cancelled"})


class OpenAIBatches(BatchAPI, OpenAIProvider):
    # The vendor takes 200 MB.
    most_bytes: ClassVar[int] = 50_000_000

    def _body(self, request: GenerationRequest) -> Json:
        return _to_vendor(request, self.model_name)

    def _reply(self, answer: Json) -> ProviderReply:
        return _from_vendor(answer, GenerationRequest(prompt=""), vendor=self.vendor)

    async def _submit(self, name: str, bodies: Mapping[str, Json]) -> str:
        file_id = await self._uploaded(name, bodies)
        try:
            return await self._ordered(name, file_id)
        except ProviderError as error:
            if was_refused(error):
                with suppress(ProviderError):
                    await self._delete(file_id)
            raise

    async def _uploaded(self, name: str, bodies: Mapping[str, Json]) -> str:
        lines = [
            encoded({"custom_id": key, "method": "POST", "url": _RESPONSES, "body": body})
            for key, body in bodies.items()
        ]
        with reading(self.vendor), translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                file = await self._client.files.create(
                    file=(f"{name}.jsonl", b"\n".join(lines), "application/jsonl"),
                    purpose="batch",
                    expires_after={"anchor": "created_at", "seconds": _FILES_KEPT_SECONDS},
                )
            return id_in(file.id, self.vendor)

    async def _ordered(self, name: str, file_id: str) -> str:
        order = {
            "input_file_id": file_id,
            "endpoint": _RESPONSES,
            "completion_window": "24h",
            "metadata": {_NAME: name},
            "output_expires_after": {"anchor": "created_at", "seconds": _FILES_KEPT_SECONDS},
        }
        with reading(self.vendor), translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                answer = await answer_to(self._client, "/batches", encoded(order))
            return id_in(member(decoded(answer.content), "id"), self.vendor)

    async def _find(self, name: str, since: datetime, requests: int) -> str | None:
        after = ""
        for _ in range(_MOST_PAGES):
            page = await self._get(f"/batches?limit={_PAGE}{after}")
            batches = member(page, "data") or []
            with reading(self.vendor):
                for batch in batches:
                    if member(batch.get("metadata"), _NAME) == name:
                        return id_in(batch.get("id"), self.vendor)
                # Newest first.
                is_old = not batches or batches[-1].get("created_at") < since.timestamp()
                if is_old or not page.get("has_more"):
                    return None
                after = f"&after={id_in(batches[-1].get('id'), self.vendor)}"
        return None

    async def outcome(self, batch_id: str) -> Ended | None:
        batch = await self._get(f"/batches/{batch_id}")
        status = word(member(batch, "status"))
        if status not in _OVER:
            return None
        answers: dict[str, Json | ProviderError] = {}
        for name in ("output_file_id", "error_file_id"):
            if batch.get(name):
                content = await self._content(id_in(batch[name], self.vendor))
                with reading(self.vendor):
                    answers |= {word(line.get("custom_id")): self._answer(line) for line in lines_of(content)}
        # Where all of it failed, none of it was tried: what is wrong is nothing of one request's.
        rest = lost(self.vendor) if status == "completed" else not_begun(self.vendor)
        return Ended(answers, rest)

    def _answer(self, line: Json) -> Json | ProviderError:
        response, error = line.get("response"), line.get("error")
        if word(member(error, "code")) in _NOT_BEGUN:
            return not_begun(self.vendor)
        status, body = member(response, "status_code"), member(response, "body")
        if status == 200 and isinstance(body, dict):
            return body
        known = isinstance(status, int) and status != 200
        return failures.refused(
            self.vendor, status=status if known else 500, body=body if known else {"error": error}
        )

    async def cancel(self, batch_id: str) -> None:
        with already_gone(), reading(self.vendor), translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                await answer_to(self._client, f"/batches/{batch_id}/cancel", b"{}")

    async def forget(self, batch_id: str) -> None:
        """The batch itself cannot be deleted; it holds no text. Every file of it is tried."""
        batch = await self._get(f"/batches/{batch_id}")
        failed: ProviderError | None = None
        for name in ("input_file_id", "output_file_id", "error_file_id"):
            if file_id := member(batch, name):
                try:
                    await self._delete(id_in(file_id, self.vendor))
                except ProviderError as error:
                    failed = error
        if failed is not None:
            raise failed

    async def _delete(self, file_id: str) -> None:
        with already_gone(), reading(self.vendor), translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                await self._client.delete(f"/files/{file_id}", cast_to=httpx2.Response)

    async def _get(self, path: str) -> Any:
        with reading(self.vendor):
            return decoded(await self._content_of(path))

    async def _content(self, file_id: str) -> bytes:
        return await self._content_of(f"/files/{file_id}/content")

    async def _content_of(self, path: str) -> bytes:
        with reading(self.vendor), translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                answer = await self._client.get(path, cast_to=httpx2.Response)
            return answer.content
