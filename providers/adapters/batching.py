"""The contract of a vendor's batch API: many requests in one go, answered within a day, at a lower price.

A batch goes by a name of ours, so that who does not know whether it was taken can look for it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from providers.adapters import by_prompt
from providers.adapters.base import AIProvider, GenerationRequest, ProviderReply
from providers.adapters.failures import malformed
from providers.adapters.reading import decoded, reading
from providers.adapters.replies import CUT_OFF, unparsable
from providers.errors import ErrorKind, ProviderError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# What a usage row calls the tier of a batch: the price list's own word at all three vendors.
BATCH_TIER = "batch"
# The answers of one batch are read like any other, within the bounds of `bounds`.
MOST_REQUESTS = 100

Json = dict[str, Any]


class NotKnownYet(Exception):
    """Whether the vendor has the batch can be told only once others of about the same time have ended."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a batch came to: by the name of each request its answer in the vendor's words, or why there is
    none; `rest` is why for those that are not named."""

    answers: Mapping[str, Json | ProviderError]
    rest: ProviderError


class BatchAPI(AIProvider):
    """A vendor's adapter that can also have requests answered together. Every method is one request to the
    vendor, or a few that cost nothing, and raises ProviderError."""

    # Bytes of all requests of one batch, as the vendor or our reading bounds them.
    most_bytes: ClassVar[int] = 20_000_000

    def body_of(self, request: GenerationRequest) -> Json:
        """The request in the vendor's words."""
        return self._body(by_prompt.asked(request) if request.structured_by_prompt else request)

    def reply_of(self, answer: Json, *, has_form: bool = False) -> ProviderReply:
        """The reply that an answer holds. Raises ProviderError for one that holds none, or, where a form was
        asked for, none that is whole; whether it fits is seen by who has the form (`replies.form_in`)."""
        with reading(self.vendor):
            reply = self._reply(answer)
        if has_form and (reply.finish_reason == CUT_OFF or "{" not in reply.text):
            raise unparsable(self.vendor, "The reply has no whole form in it.", reply.usage)
        return reply

    async def submit(self, name: str, bodies: Mapping[str, Json]) -> str:
        """Have the requests, each by its name, answered as one batch; the vendor's own id for it."""
        self._refuse_flawed_key()
        return await self._submit(name, bodies)

    async def find(self, name: str, *, since: datetime, requests: int) -> str | None:
        """The vendor's id of a batch that may have been taken, of so many requests, after `since`; None when
        it was not. NotKnownYet."""
        self._refuse_flawed_key()
        return await self._find(name, since, requests)

    @abstractmethod
    def _body(self, request: GenerationRequest) -> Json: ...

    @abstractmethod
    def _reply(self, answer: Json) -> ProviderReply: ...

    @abstractmethod
    async def _submit(self, name: str, bodies: Mapping[str, Json]) -> str: ...

    @abstractmethod
    async def _find(self, name: str, since: datetime, requests: int) -> str | None: ...

    @abstractmethod
    async def outcome(self, batch_id: str) -> Ended | None:
        """What it came to; None while the vendor works on it."""

    @abstractmethod
    async def cancel(self, batch_id: str) -> None:
        """Ask the vendor to begin nothing more of it. One that has ended stays as it is."""

    @abstractmethod
    async def forget(self, batch_id: str) -> None:
        """Have the vendor delete what was sent and what it answered."""


def not_begun(vendor: str) -> ProviderError:
    """The batch ended before the vendor came to a request; no vendor bills that."""
    message = "The vendor's batch ended before it came to this request."
    return ProviderError(ErrorKind.TIMEOUT, message, vendor=vendor, may_have_cost=False)


def lost(vendor: str) -> ProviderError:
    """What came of a request cannot be told any more, so it may have been billed."""
    message = "The vendor's batch came back without an answer to this request."
    return ProviderError(ErrorKind.TIMEOUT, message, vendor=vendor, may_have_cost=True)


def lines_of(content: bytes) -> Iterator[Json]:
    """The objects of a JSONL file; a line that is none is left out, and what it was for counts as lost."""
    for line in content.splitlines():
        try:
            value = decoded(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def id_in(value: object, vendor: str) -> str:
    """A vendor's id that can stand in an address. Raises ProviderError (malformed)."""
    if not isinstance(value, str) or not 0 < len(value) <= 200 or not _is_plain(value):
        raise malformed(vendor)
    return value


def _is_plain(value: str) -> bool:
    return value.isascii() and all(letter.isalnum() or letter in "_-" for letter in value)


def was_refused(error: ProviderError) -> bool:
    """Whether the vendor says that it did not take the batch. Without its word it may have."""
    return error.status_code is not None and 400 <= error.status_code < 500 and error.status_code != 408


@contextmanager
def already_gone() -> Iterator[None]:
    """For what is to be ended or deleted: that there is no such thing any more, or that it has ended, is as
    good."""
    try:
        yield
    except ProviderError as error:
        if error.status_code not in (400, 404, 409, 410):
            raise


@asynccontextmanager
async def closing(api: BatchAPI) -> AsyncIterator[BatchAPI]:
    try:
        yield api
    finally:
        await api.aclose()
