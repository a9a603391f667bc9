"""Batches of requests, whichever vendor's: kept, worked off when they are looked at, cancelled, forgotten.

Orders of faults for a batch are posted with `on: "batch"`; those for a request of it come with the model's
name or from the desk, as for any request.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.faults import Fault, FaultDesk, UnknownFault, split_model
from sandbox.hits import HitCounter
from sandbox.outcomes import Faults, answer, check_limits
from sandbox.wire import SANDBOX_HEADERS, ErrorReply, Json, Refused, Wire

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Entry:
    """One request of a batch. `outcome` is its HTTP status and body; None until it was worked on."""

    key: str
    model: str
    body: Json = field(repr=False)
    outcome: tuple[int, Json] | None = field(default=None, repr=False)


@dataclass(slots=True)
class Job:
    """`state` is running, ended, failed, cancelled or expired; `looks` are those that it takes till then."""

    id: str
    name: str
    entries: list[Entry]
    looks: int
    ends_as: str
    created: float = field(default_factory=time.time)
    state: str = "running"
    files: dict[str, str] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        return self.state != "running"


class JobDesk:
    """The batches of one vendor."""

    def __init__(self, wire: Wire, hits: HitCounter, desk: FaultDesk) -> None:
        self.wire = wire
        self._hits, self._desk = hits, desk
        self._jobs: dict[str, Job] = {}

    def handler(self, answer_to: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Handler:
        """An address: the key is looked at, and what is refused is said in the vendor's words."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                self.wire.authorise(request.headers)
                return await answer_to(request)
            except (Refused, UnknownFault) as refusal:
                fault = refusal if isinstance(refusal, Refused) else Refused(Fault("bad_request"))
                error = self.wire.error(fault.fault, model="", message=fault.message)
                return said(error.body, status=error.status)

        return handle

    async def created(
        self,
        request: web.Request,
        entries: Sequence[Entry],
        *,
        prefix: str,
        name: str,
        shown: Callable[[Job], Json],
    ) -> web.StreamResponse:
        """Take a batch, and say so unless the order for it is otherwise. Raises Refused."""
        faults = Faults(self._desk.take(vendor=self.wire.vendor, model="", on="batch"))
        self._hits.batches[self.wire.vendor] += 1
        if error := faults.error():
            raise Refused(error)
        if not entries or len({entry.key for entry in entries}) < len(entries):
            raise Refused(Fault("bad_request"), "Each request of a batch needs a name of its own.")
        ends_as = next((end for end in ("failed", "expired") if f"batch_{end}" in faults), "ended")
        job = Job(f"{prefix}{uuid.uuid4().hex}", name, list(entries), faults.count("batch_slow"), ends_as)
        self._jobs[job.id] = job
        # It is taken; whether that is heard is another matter.
        if wait := faults.number("slow"):
            await asyncio.sleep(wait)
        if "disconnect" in faults and request.transport is not None:
            request.transport.abort()
        return said(shown(job))

    def job(self, request: web.Request) -> Job:
        """Raises Refused for one that is not there."""
        found = self._jobs.get(request.match_info["id"])
        if found is None:
            raise Refused(Fault("not_found"))
        return found

    def looked_at(self, job: Job) -> Job:
        """Every look brings a batch nearer to its end, at which it is worked off."""
        if not job.is_over:
            job.looks -= 1
            if job.looks < 0:
                self._end(job)
        return job

    def all(self) -> list[Job]:
        """Newest first."""
        return sorted(self._jobs.values(), key=lambda job: -job.created)

    def cancel(self, job: Job) -> Job:
        if not job.is_over:
            job.state = "cancelled"
        return job

    def forget(self, job: Job) -> None:
        del self._jobs[job.id]

    def reset(self) -> None:
        self._jobs.clear()

    def _end(self, job: Job) -> None:
        job.state = job.ends_as
        # One that expires has got half way.
        count = {"ended": len(job.entries), "expired": len(job.entries) // 2}.get(job.state, 0)
        for entry in job.entries[:count]:
            entry.outcome = self._outcome(entry)

    def _outcome(self, entry: Entry) -> tuple[int, Json]:
        self._hits.arrive(self.wire.vendor)
        self._hits.by_model[entry.model] += 1
        model, status, body = entry.model, 200, {}
        try:
            model, wanted = split_model(entry.model)
            faults = Faults(self._desk.take(vendor=self.wire.vendor, model=model) + wanted)
            if error := faults.error():
                raise Refused(error)
            asked = self.wire.read(entry.body, model=model, stream=False)
            check_limits(asked)
            body = self.wire.reply(asked, answer(asked, faults))
        except (Refused, UnknownFault) as refusal:
            told = self._told(refusal, model)
            status, body = told.status, told.body
        self._hits.leave(str(status))
        return status, body

    def _told(self, refusal: Exception, model: str) -> ErrorReply:
        if isinstance(refusal, Refused):
            return self.wire.error(refusal.fault, model=model, message=refusal.message)
        return self.wire.error(Fault("bad_request"), model=model, message=str(refusal))


def said(body: Json, *, status: int = 200) -> web.Response:
    return web.json_response(body, status=status, headers=SANDBOX_HEADERS)


def moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
