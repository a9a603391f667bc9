"""Anthropic's Message Batches (https://docs.anthropic.com/en/api/creating-message-batches): half the price,
within a day."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx2

from providers.adapters import failures
from providers.adapters.base import GenerationRequest, ProviderReply
from providers.adapters.batching import (
    BatchAPI,
    Ended,
    Json,
    NotKnownYet,
    already_gone,
    id_in,
    lines_of,
    lost,
    not_begun,
)
from providers.adapters.claude import ClaudeProvider, _from_vendor, _to_vendor, _translate_errors
from providers.adapters.reading import decoded, encoded, member, reading, word
from providers.errors import ProviderError

_PATH = "/v1/messages/batches"
_PAGE = 100
_MOST_PAGES = 20
# Which status each type of error would have come with (https://docs.anthropic.com/en/api/errors).
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class ClaudeBatches(BatchAPI, ClaudeProvider):
    # The vendor takes 256 MB.
    most_bytes: ClassVar[int] = 50_000_000

    def _body(self, request: GenerationRequest) -> Json:
        return _to_vendor(request, self.model_name)

    def _reply(self, answer: Json) -> ProviderReply:
        return _from_vendor(answer, GenerationRequest(prompt=""), vendor=self.vendor, request_id="")

    async def _submit(self, name: str, bodies: Mapping[str, Json]) -> str:
        requests = [{"custom_id": key, "params": body} for key, body in bodies.items()]
        with reading(self.vendor), _translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                answer = await self._client.post(
                    _PATH, content=encoded({"requests": requests}), cast_to=httpx2.Response
                )
            return id_in(member(decoded(answer.content), "id"), self.vendor)

    async def _find(self, name: str, since: datetime, requests: int) -> str | None:
        """A batch carries no name here. What its results are called tells whose it is, but only at its
        end."""
        may_be_ours, after = False, ""
        for _ in range(_MOST_PAGES):
            page = await self._get(f"{_PATH}?limit={_PAGE}{after}")
            batches = member(page, "data") or []
            for batch in batches:
                with reading(self.vendor):
                    if datetime.fromisoformat(batch["created_at"]) < since - timedelta(minutes=5):
                        page["has_more"] = False
                        break
                    counts = batch["request_counts"].values()
                    is_as_large, batch_id = sum(counts) == requests, id_in(batch["id"], self.vendor)
                if not is_as_large:
                    continue
                if batch.get("processing_status") != "ended":
                    may_be_ours = True
                elif any(key.startswith(name) for key in await self._results(batch_id)):
                    return batch_id
            if not page.get("has_more"):
                break
            after = f"&after_id={id_in(batches[-1].get('id'), self.vendor)}"
        if may_be_ours:
            raise NotKnownYet
        return None

    async def outcome(self, batch_id: str) -> Ended | None:
        batch = await self._get(f"{_PATH}/{batch_id}")
        if word(member(batch, "processing_status")) != "ended":
            return None
        results = await self._results(batch_id)
        with reading(self.vendor):
            return Ended({key: self._answer(one) for key, one in results.items()}, lost(self.vendor))

    def _answer(self, result: object) -> Json | ProviderError:
        kind = word(member(result, "type"))
        if kind == "succeeded" and isinstance(message := member(result, "message"), dict):
            return message
        if kind in ("canceled", "expired"):
            return not_begun(self.vendor)
        told = member(member(result, "error"), "error")
        status = _STATUSES.get(word(member(told, "type")), 500)
        return failures.refused(self.vendor, status=status, body={"error": told})

    async def cancel(self, batch_id: str) -> None:
        with already_gone(), reading(self.vendor), _translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                await self._client.post(f"{_PATH}/{batch_id}/cancel", content=b"{}", cast_to=httpx2.Response)

    async def forget(self, batch_id: str) -> None:
        with already_gone(), reading(self.vendor), _translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                await self._client.delete(f"{_PATH}/{batch_id}", cast_to=httpx2.Response)

    async def _results(self, batch_id: str) -> dict[str, Any]:
        """By their names. From the address that follows from the id: the one that a reply names might be
        anybody's, and the key would go there."""
        content = await self._content_of(f"{_PATH}/{batch_id}/results")
        return {word(line.get("custom_id")): line.get("result") for line in lines_of(content)}

    async def _get(self, path: str) -> Any:
        with reading(self.vendor):
            return decoded(await self._content_of(path))

    async def _content_of(self, path: str) -> bytes:
        with reading(self.vendor), _translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                answer = await self._client.get(path, cast_to=httpx2.Response)
            return answer.content
