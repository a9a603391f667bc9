"""Gemini's batch jobs with their requests inside (https://ai.google.dev/gemini-api/docs/batch-api): half the
price, within a day in most cases and two at most."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from providers.adapters import failures
from providers.adapters.base import GenerationRequest, ProviderReply
from providers.adapters.batching import (
    BatchAPI,
    Ended,
    Json,
    already_gone,
    id_in,
    lost,
    not_begun,
)
from providers.adapters.gemini import GeminiProvider, _Accumulator, _path_of, _to_vendor, _translate_errors
from providers.adapters.reading import decoded, member, reading, word
from providers.errors import ProviderError

# A page of the list holds whole jobs, their answers too.
_PAGE = 10
_MOST_PAGES = 100
_OVER = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED"})
# https://cloud.google.com/apis/design/errors#handling_errors, by the number that a request's status gives.
_STATUSES = {3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 13: 500, 14: 503, 16: 401}


class GeminiBatches(BatchAPI, GeminiProvider):
    # https://ai.google.dev/gemini-api/docs/batch-api#inline-requests: below 20 MB.
    most_bytes: ClassVar[int] = 15_000_000

    def _body(self, request: GenerationRequest) -> Json:
        return _to_vendor(request, self.model_name)

    def _reply(self, answer: Json) -> ProviderReply:
        whole = _Accumulator()
        whole.add(answer, None)
        return whole.reply(GenerationRequest(prompt=""), vendor=self.vendor)

    async def _submit(self, name: str, bodies: Mapping[str, Json]) -> str:
        requests = [{"request": body, "metadata": {"key": key}} for key, body in bodies.items()]
        job = {"displayName": name, "inputConfig": {"requests": {"requests": requests}}}
        path = f"{_path_of(self.model_name)}:batchGenerateContent"
        return self._id_of(await self._ask("post", path, {"batch": job}))

    async def _find(self, name: str, since: datetime, requests: int) -> str | None:
        after = ""
        for _ in range(_MOST_PAGES):
            page = await self._ask("get", f"batches?pageSize={_PAGE}{after}")
            jobs = member(page, "operations") or []
            with reading(self.vendor):
                for job in jobs:
                    if member(job.get("metadata"), "displayName") == name:
                        return self._id_of(job)
            if not (following := word(member(page, "nextPageToken"), most=1000)):
                return None
            after = f"&pageToken={following}"
        return None

    async def outcome(self, batch_id: str) -> Ended | None:
        job = await self._ask("get", f"batches/{batch_id}")
        state = _state_of(job)
        if state not in _OVER:
            return None
        with reading(self.vendor):
            # What came of it is said in the job, and again where any long operation says it.
            output = member(member(job, "metadata"), "output") or job.get("response")
            inside = member(member(output, "inlinedResponses"), "inlinedResponses") or []
            answers = {word(member(one.get("metadata"), "key")): self._answer(one) for one in inside}
        # Where all of it failed, none of it was tried: what is wrong is nothing of one request's.
        is_whole = state in ("SUCCEEDED", "PARTIALLY_SUCCEEDED")
        return Ended(answers, lost(self.vendor) if is_whole else not_begun(self.vendor))

    def _answer(self, one: Json) -> Json | ProviderError:
        if isinstance(answer := one.get("response"), dict):
            return answer
        told = one.get("error")
        status = _STATUSES.get(member(told, "code") or 0, 500)
        return failures.refused(self.vendor, status=status, body={"error": told})

    async def cancel(self, batch_id: str) -> None:
        with already_gone():
            await self._ask("post", f"batches/{batch_id}:cancel")

    async def forget(self, batch_id: str) -> None:
        with already_gone():
            await self._ask("delete", f"batches/{batch_id}")

    def _id_of(self, job: object) -> str:
        return id_in(word(member(job, "name")).removeprefix("batches/"), self.vendor)

    async def _ask(self, method: str, path: str, payload: Json | None = None) -> Any:
        with reading(self.vendor), _translate_errors(self.vendor):
            async with asyncio.timeout(self.timeout):
                answer = await self._client.async_request(method, path, payload or {})
            return decoded(answer.body or "{}")


def _state_of(job: object) -> str:
    """One that has ended says so even where it names no state that we know."""
    state = word(member(member(job, "metadata"), "state")).upper()
    state = state.removeprefix("BATCH_STATE_").removeprefix("JOB_STATE_")
    if state not in _OVER and member(job, "done") is True:
        return "FAILED" if member(job, "error") else "SUCCEEDED"
    return state
