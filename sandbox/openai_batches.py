"""OpenAI's files and batches (https://platform.openai.com/docs/api-reference/batch)."""

import json
import uuid

from aiohttp import web

from sandbox.faults import Fault, FaultDesk
from sandbox.hits import HitCounter
from sandbox.jobs import Entry, Job, JobDesk, said
from sandbox.responses_wire import ResponsesWire
from sandbox.wire import SANDBOX_HEADERS, Json, Refused

_STATES = {"running": "in_progress", "ended": "completed"}


class OpenAIBatchDesk:
    def __init__(self, hits: HitCounter, desk: FaultDesk) -> None:
        self.jobs = JobDesk(ResponsesWire(), hits, desk)
        self._files: dict[str, bytes] = {}

    def add_to(self, app: web.Application) -> None:
        for method, path, answer in (
            ("POST", "/files", self._upload),
            ("GET", "/files", self._list_files),
            ("GET", "/files/{id}/content", self._content),
            ("DELETE", "/files/{id}", self._delete),
            ("POST", "/batches", self._create),
            ("GET", "/batches", self._list),
            ("GET", "/batches/{id}", self._show),
            ("POST", "/batches/{id}/cancel", self._cancel),
        ):
            app.router.add_route(method, f"/openai/v1{path}", self.jobs.handler(answer))

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        file = form.get("file")
        if form.get("purpose") != "batch" or not isinstance(file, web.FileField):
            raise Refused(Fault("bad_request"), "A file with the purpose `batch` is expected.")
        file_id = self._kept(file.file.read())
        return said({"id": file_id, "object": "file", "filename": file.filename, "purpose": "batch",
                     "bytes": len(self._files[file_id]), "created_at": 0, "status": "processed"})  # fmt: skip

    async def _list_files(self, request: web.Request) -> web.StreamResponse:
        files = [{"id": name, "object": "file", "bytes": len(held)} for name, held in self._files.items()]
        return said({"object": "list", "data": files, "has_more": False})

    async def _content(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["id"] not in self._files:
            raise Refused(Fault("not_found"))
        content = self._files[request.match_info["id"]]
        return web.Response(body=content, content_type="application/octet-stream", headers=SANDBOX_HEADERS)

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        if self._files.pop(request.match_info["id"], None) is None:
            raise Refused(Fault("not_found"))
        return said({"id": request.match_info["id"], "object": "file", "deleted": True})

    async def _create(self, request: web.Request) -> web.StreamResponse:
        order = await request.json()
        lines = self._files.get(order.get("input_file_id", ""))
        if lines is None or order.get("endpoint") != "/v1/responses" or order["completion_window"] != "24h":
            raise Refused(Fault("bad_request"), "A file of requests for /v1/responses is expected.")
        requests = [json.loads(line) for line in lines.splitlines()]
        entries = [Entry(one["custom_id"], one["body"]["model"], one["body"]) for one in requests]
        metadata = order.get("metadata") or {}

        def shown(job: Job) -> Json:
            job.files["input_file_id"] = order["input_file_id"]
            return _shown(job)

        return await self.jobs.created(
            request, entries, prefix="batch_", name=json.dumps(metadata), shown=shown
        )

    async def _list(self, request: web.Request) -> web.StreamResponse:
        return said({"object": "list", "data": [_shown(job) for job in self.jobs.all()], "has_more": False})

    async def _show(self, request: web.Request) -> web.StreamResponse:
        job = self.jobs.looked_at(self.jobs.job(request))
        if job.is_over and "output_file_id" not in job.files and "error_file_id" not in job.files:
            self._write(job)
        return said(_shown(job))

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        job = self.jobs.job(request)
        if job.is_over:
            raise Refused(Fault("conflict"))
        return said(_shown(self.jobs.cancel(job)))

    def _kept(self, content: bytes) -> str:
        file_id = f"file-{uuid.uuid4().hex}"
        self._files[file_id] = content
        return file_id

    def _write(self, job: Job) -> None:
        good: list[Json] = []
        bad: list[Json] = []
        for entry in job.entries:
            line: Json = {"id": f"batch_req_{uuid.uuid4().hex}", "custom_id": entry.key}
            if entry.outcome is None:
                if job.state == "expired":
                    error = {
                        "code": "batch_expired",
                        "message": "This request could not be executed in time.",
                    }
                    bad.append(line | {"response": None, "error": error})
                continue
            status, body = entry.outcome
            line |= {"response": {"status_code": status, "request_id": "req", "body": body}, "error": None}
            (good if status == 200 else bad).append(line)
        for name, lines in (("output_file_id", good), ("error_file_id", bad)):
            if lines:
                job.files[name] = self._kept("\n".join(map(json.dumps, lines)).encode())


def _shown(job: Job) -> Json:
    errors = None
    if job.state == "failed":
        problem = {"code": "invalid_request", "message": "[sandbox] failed on request", "param": None}
        errors = {"object": "list", "data": [problem]}
    return {
        "id": job.id,
        "object": "batch",
        "endpoint": "/v1/responses",
        "completion_window": "24h",
        "status": _STATES.get(job.state, job.state),
        "created_at": int(job.created),
        "errors": errors,
        "metadata": json.loads(job.name),
        "output_file_id": None,
        "error_file_id": None,
        **job.files,
    }
