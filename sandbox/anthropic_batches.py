"""Anthropic's message batches (https://docs.anthropic.com/en/api/creating-message-batches)."""

import json

from aiohttp import web

from sandbox.anthropic_wire import AnthropicWire
from sandbox.faults import Fault, FaultDesk
from sandbox.hits import HitCounter
from sandbox.jobs import Entry, Job, JobDesk, moment, said
from sandbox.wire import SANDBOX_HEADERS, Json, Refused


class AnthropicBatchDesk:
    def __init__(self, hits: HitCounter, desk: FaultDesk) -> None:
        self.jobs = JobDesk(AnthropicWire(), hits, desk)

    def add_to(self, app: web.Application) -> None:
        for method, path, answer in (
            ("POST", "", self._create),
            ("GET", "", self._list),
            ("GET", "/{id}", self._show),
            ("GET", "/{id}/results", self._results),
            ("POST", "/{id}/cancel", self._cancel),
            ("DELETE", "/{id}", self._delete),
        ):
            app.router.add_route(method, f"/anthropic/v1/messages/batches{path}", self.jobs.handler(answer))

    async def _create(self, request: web.Request) -> web.StreamResponse:
        requests = (await request.json()).get("requests") or []
        entries = [Entry(one["custom_id"], one["params"]["model"], one["params"]) for one in requests]
        return await self.jobs.created(request, entries, prefix="msgbatch_", name="", shown=_shown)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        return said({"data": [_shown(job) for job in self.jobs.all()], "has_more": False})

    async def _show(self, request: web.Request) -> web.StreamResponse:
        return said(_shown(self.jobs.looked_at(self.jobs.job(request))))

    async def _results(self, request: web.Request) -> web.StreamResponse:
        job = self.jobs.job(request)
        if not job.is_over:
            raise Refused(Fault("bad_request"), "The batch has not ended.")
        lines = [json.dumps({"custom_id": entry.key, "result": _result(entry, job)}) for entry in job.entries]
        return web.Response(
            body="\n".join(lines).encode(), content_type="application/x-jsonl", headers=SANDBOX_HEADERS
        )

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        return said(_shown(self.jobs.cancel(self.jobs.job(request))))

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        job = self.jobs.job(request)
        if not job.is_over:
            raise Refused(Fault("bad_request"), "Only a batch that has ended can be deleted.")
        self.jobs.forget(job)
        return said({"id": job.id, "type": "message_batch_deleted"})


def _kind(entry: Entry, job: Job) -> str:
    if entry.outcome is not None:
        return "succeeded" if entry.outcome[0] == 200 else "errored"
    return {"running": "processing", "cancelled": "canceled", "expired": "expired"}.get(job.state, "errored")


def _result(entry: Entry, job: Job) -> Json:
    kind = _kind(entry, job)
    if entry.outcome is None:
        failure = {"type": "api_error", "message": "[sandbox] failed on request"}
        return {"type": kind} | ({"error": {"type": "error", "error": failure}} if kind == "errored" else {})
    body = entry.outcome[1]
    if kind == "errored":
        return {"type": kind, "error": body}
    if "usage" in body:
        body["usage"]["service_tier"] = "batch"
    return {"type": kind, "message": body}


def _shown(job: Job) -> Json:
    counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    for entry in job.entries:
        counts[_kind(entry, job)] += 1
    return {
        "id": job.id,
        "type": "message_batch",
        "processing_status": "ended" if job.is_over else "in_progress",
        "request_counts": counts,
        "created_at": moment(job.created),
        "expires_at": moment(job.created + 24 * 60 * 60),
        # Not where it is, on purpose: whoever goes there with a key gives it away.
        "results_url": "http://192.0.2.1/results" if job.is_over else None,
    }
