"""Gemini's batch jobs with inline requests (https://ai.google.dev/gemini-api/docs/batch-api)."""

from aiohttp import web

from sandbox.faults import Fault, FaultDesk
from sandbox.gemini_wire import GeminiWire
from sandbox.hits import HitCounter
from sandbox.jobs import Entry, Job, JobDesk, moment, said
from sandbox.wire import Json, Refused

_STATES = {"ended": "SUCCEEDED"}


class GeminiBatchDesk:
    def __init__(self, hits: HitCounter, desk: FaultDesk) -> None:
        self.jobs = JobDesk(GeminiWire(), hits, desk)

    def add_to(self, app: web.Application) -> None:
        for method, path, answer in (
            ("POST", "models/{model}:batchGenerateContent", self._create),
            ("GET", "batches", self._list),
            ("GET", "batches/{id}", self._show),
            ("POST", "batches/{id}:cancel", self._cancel),
            ("DELETE", "batches/{id}", self._delete),
        ):
            address = f"/gemini/{{version:v1|v1beta}}/{path}"
            app.router.add_route(method, address, self.jobs.handler(answer))

    async def _create(self, request: web.Request) -> web.StreamResponse:
        batch = (await request.json()).get("batch") or {}
        model = request.match_info["model"]
        requests = ((batch.get("inputConfig") or {}).get("requests") or {}).get("requests") or []
        if not all("request" in one for one in requests):
            raise Refused(Fault("bad_request"), "Requests are expected inline.")
        entries = [Entry(one["metadata"]["key"], model, one["request"]) for one in requests]
        return await self.jobs.created(
            request, entries, prefix="", name=batch.get("displayName", ""), shown=_shown
        )

    async def _list(self, request: web.Request) -> web.StreamResponse:
        return said({"operations": [_shown(job) for job in self.jobs.all()]})

    async def _show(self, request: web.Request) -> web.StreamResponse:
        return said(_shown(self.jobs.looked_at(self.jobs.job(request))))

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        self.jobs.cancel(self.jobs.job(request))
        return said({})

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        self.jobs.forget(self.jobs.job(request))
        return said({})


def _shown(job: Job) -> Json:
    shown: Json = {
        "name": f"batches/{job.id}",
        "metadata": {
            "displayName": job.name,
            "createTime": moment(job.created),
            "state": f"BATCH_STATE_{_STATES.get(job.state, job.state.upper())}",
        },
    }
    if not job.is_over:
        return shown
    shown["done"] = True
    if job.state == "failed":
        return shown | {"error": {"code": 13, "message": "[sandbox] failed on request"}}
    answers = [_answer(entry) for entry in job.entries if entry.outcome is not None]
    return shown | {"response": {"inlinedResponses": {"inlinedResponses": answers}}}


# A request that is refused is given Google's number for it, not HTTP's.
_NUMBERS = {400: 3, 403: 7, 404: 5, 409: 10, 429: 8, 500: 13, 503: 14, 504: 4}


def _answer(entry: Entry) -> Json:
    status, body = entry.outcome or (500, {})
    metadata = {"metadata": {"key": entry.key}}
    if status == 200:
        return metadata | {"response": body}
    return metadata | {"error": body.get("error", {}) | {"code": _NUMBERS.get(status, 2)}}
