"""JSON that is posted to one address of a vendor very often.

What an SDK makes of a call beside its body (address, key, headers, timeouts) is the same each time, and to
make it is most of what a call costs. So the SDK is asked for it once, over a client that leads nowhere, and
each body is sent with that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx2

from providers.adapters import failures
from providers.adapters.transport import Answer, HttpClient, Prepared


class Posting:
    """To the address to which `ask` has the SDK post anything over a client that it is given. Answers come
    over `http`."""

    def __init__(
        self, http: HttpClient, ask: Callable[[HttpClient], Awaitable[object]], *, vendor: str
    ) -> None:
        self._engine, self._ask, self._vendor = http.engine, ask, vendor
        self._prepared: Prepared | None = None

    async def answer(self, body: bytes) -> Answer:
        """Over exactly one HTTP request. Raises ProviderError for a status that is no success and for an
        error in place of a reply, httpx2's exceptions for the network's failures."""
        if self._prepared is None:
            self._prepared = await self._prepare()
        answer = await self._engine.answer(self._prepared, body)
        if refusal := _refusal_in(answer):
            raise failures.refused(
                self._vendor, status=answer.status_code, body=refusal[0], headers=answer.headers
            )
        return answer

    async def _prepare(self) -> Prepared:
        nowhere = _Nowhere()
        async with HttpClient(nowhere) as client:
            await self._ask(client)
        return nowhere.prepared


def _refusal_in(answer: Answer) -> tuple[object] | None:
    """What it says, where it is no reply."""
    if not 200 <= answer.status_code < 300:
        return (failures.decoded_or_text(answer.content),)
    if failures.may_hold_error(answer) and (told := failures.error_in(answer.content)):
        return (told,)
    return None


class _Nowhere(httpx2.AsyncBaseTransport):
    """Sends nothing, and keeps what was to be sent."""

    prepared: Prepared

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.prepared = Prepared.of(request)
        return httpx2.Response(200, json={}, request=request)
