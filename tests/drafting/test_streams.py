"""Drafts and extractions shown while they are written, through the real SDKs and the real ASGI handler."""

import asyncio
import json
from contextlib import aclosing
from uuid import UUID

import pytest
from django.db import OperationalError
from django.test import AsyncClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.concurrency import in_database_thread, unfinished
from accounts.errors import DomainError
from drafting.models import Draft, MasterProfile
from extraction.api import views
from extraction.models import JobPosting
from extraction.schema import JobData
from orchestration.batches.work import work_off
from orchestration.models import BatchItem
from tests.drafting.conftest import JOB
from tests.factories import make_config
from tests.sandbox import Halfway, Holding, running_sandbox
from tests.waiting import until
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = pytest.mark.django_db(transaction=True)

CV, LETTER = "/api/v1/cv-drafter/draft", "/api/v1/cover-letter/generate"
EXTRACT, IMPORT = "/api/v1/job-extractor/extract", "/api/v1/profiles/import"
CV_TEXT = (
    "Jane Otieno\njane.otieno@example.com\n\nWork experience\nDeveloper, Lakeside Bank\n2019 - 2023\n"
    "- Built interfaces in Python for the payments team.\n\nEducation\nBSc, University of Nairobi, 2018"
)
TEXT = "Night baker wanted\nZiwa Bakery, Kisumu\nWe hire a baker for the night. Full time. Apply by letter."


@pytest.fixture
def config(sandbox):
    return make_config(model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)


@pytest.fixture
def body(user, resume):
    profile = MasterProfile.objects.create(user=user, name="Main", resume=resume)
    data = JobData.model_validate(JOB).model_dump(mode="json")
    job = JobPosting.objects.create(user=user, source_kind="text", content_hash="0" * 64, data=data)
    return {"job_id": job.pk, "profile_id": profile.pk}


@pytest.fixture
def send(user):
    token = str(AccessToken.for_user(user))

    async def post(path, body, **headers):
        given = {"authorization": f"Bearer {token}", "accept": "text/event-stream"} | headers
        return await AsyncClient().post(
            path, json.dumps(body), content_type="application/json", headers=given
        )

    return post


async def events_of(response):
    text = b"".join([chunk async for chunk in response.streaming_content]).decode()
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


@pytest.mark.parametrize("path", [CV, LETTER])
async def test_a_draft_is_shown_while_it_is_written_and_is_there_once_it_is_checked(
    send, config, body, resume, path
):
    response = await send(path, body)

    events = await events_of(response)
    deltas = [data for event, data in events if event == "delta"]
    last, done = events[-1]
    assert response["Content-Type"] == "text/event-stream"
    assert (events[0][0], last, done["status"]) == ("meta", "done", 201)
    assert done["data"]["draft_id"] == (await Draft.objects.aget()).pk
    assert deltas
    assert {delta["is_checked"] for delta in deltas} == {False}
    assert "claims" not in str(deltas)
    assert await AIProviderUsageLog.objects.filter(status="success").acount() == len(done["data"]["calls"])


async def test_a_section_is_shown_while_it_is_written_anew(send, config, body):
    made = (await events_of(await send(CV, body)))[-1][1]["data"]

    events = await events_of(await send(f"/api/v1/drafts/{made['draft_id']}/regenerate", {"section": "work"}))

    deltas = [data for event, data in events if event == "delta"]
    assert {delta["is_checked"] for delta in deltas} == {False}
    assert (events[-1][0], events[-1][1]["status"]) == ("done", 201)
    assert events[-1][1]["data"]["made_by"] == "regenerate"
    assert await Draft.objects.acount() == 2


async def test_an_import_is_shown_in_the_person_s_own_words(send, config):
    events = await events_of(await send(IMPORT, {"text": CV_TEXT}))

    shown = "".join(data["text"] for event, data in events if event == "delta")
    assert "Lakeside Bank" in shown
    assert events[-1][1]["status"] == 200
    assert events[-1][1]["data"]["resume"]["work"][0]["name"] == "Lakeside Bank"


@pytest.mark.parametrize("what", ["section", "import"])
async def test_neither_need_be_waited_for(send, config, body, what, no_worker_yet):
    if what == "section":
        made = (await events_of(await send(CV, body)))[-1][1]["data"]
        path, given = f"/api/v1/drafts/{made['draft_id']}/regenerate", {"section": "work"}
    else:
        path, given = IMPORT, {"text": CV_TEXT}

    sent = await send(path, given, accept="application/json", prefer="respond-async")

    assert (sent.status_code, sent["Preference-Applied"]) == (202, "respond-async")
    assert await BatchItem.objects.aget(state="waiting")
    await work_off(UUID(no_worker_yet[0]))
    item = await BatchItem.objects.aget()
    assert (item.state, item.given) == ("done", {})
    answered = item.answer["content"] if what == "section" else item.answer["resume"]
    assert answered["work"]


async def test_a_section_of_a_draft_that_is_gone_is_not_found(send, config, body, no_worker_yet):
    made = (await events_of(await send(CV, body)))[-1][1]["data"]
    path = f"/api/v1/drafts/{made['draft_id']}/regenerate"
    await send(path, {"section": "work"}, accept="application/json", prefer="respond-async")
    await Draft.objects.all().adelete()

    await work_off(UUID(no_worker_yet[0]))

    item = await BatchItem.objects.aget()
    assert (item.state, item.status, item.answer["code"]) == ("failed", 404, "not_found")


async def test_what_lies_is_shown_as_unchecked_and_is_not_in_the_draft(send, sandbox, body):
    await in_database_thread(
        make_config, model_name="sandbox-mini@lies", base_url=sandbox.openai, is_default=True
    )

    events = await events_of(await send(LETTER, body))

    written = "".join(data["text"] for event, data in events if event == "delta")
    printed = json.dumps(events[-1][1]["data"]["content"])
    lies = [sentence for sentence in written.split(". ") if len(sentence) > 30 and sentence not in printed]
    assert events[-1][0] == "done"
    assert lies


async def test_an_extraction_is_shown_too_and_a_known_posting_at_once(send, config, sandbox):
    first = await events_of(await send(EXTRACT, {"text": TEXT}))
    again = await events_of(await send(EXTRACT, {"text": TEXT}))

    assert [event for event, _ in first][:2] == ["meta", "delta"]
    assert first[-1][1]["status"] == 201
    assert [event for event, _ in again] == ["meta", "done"]
    assert (again[-1][1]["status"], again[-1][1]["data"]["is_known"]) == (200, True)
    assert sandbox.hits()["total"] == 1


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("Text/Event-Stream", "text/event-stream"),
        ("text/event-stream, application/json", "text/event-stream"),
        ("text/event-stream, */*;q=0.5", "text/event-stream"),
        ("text/event-stream;q=0.1, application/json;q=0.9", "application/json"),
        ("text/event-stream;q=0, */*", "application/json"),
        ("text/event-stream;q=0.5, */*", "application/json"),
    ],
)
async def test_events_are_sent_to_who_likes_them_best(send, config, accept, content_type):
    response = await send(EXTRACT, {"text": TEXT}, accept=accept)

    assert response["Content-Type"] == content_type


async def test_what_goes_wrong_before_anything_is_shown_has_its_status(send, body):
    nothing_configured = await send(CV, body)
    not_valid = await send(CV, {"job": 1})
    repeatable = await send(CV, body, **{"idempotency-key": "one"})

    assert nothing_configured.status_code == 503
    assert nothing_configured.json()["error"]["code"] == "no_active_provider"
    assert nothing_configured["Content-Type"] == "application/json"
    assert not_valid.status_code == 400
    assert repeatable.json()["error"]["code"] == "not_with_a_stream"


async def test_a_vendor_that_breaks_off_in_the_middle_is_told_as_an_error(send, config, sandbox, body):
    sandbox.fault("cut_stream", times=100)

    response = await send(LETTER, body)

    event, data = (await events_of(response))[-1]
    assert (event, data["code"]) == ("error", "stream_interrupted")
    assert not await Draft.objects.aexists()


@pytest.mark.parametrize(
    ("raised", "code"),
    [(OperationalError("gone away"), "database_unavailable"), (ValueError("a bug"), DomainError.code)],
)
async def test_what_nobody_foresaw_is_told_too_and_then_seen(send, config, monkeypatch, raised, code):
    async def breaks_off(*, hear, **_):
        hear({"job_title": "Night baker"})
        raise raised

    monkeypatch.setattr(views, "extract", breaks_off)
    events = []

    async def listen():
        async for chunk in (await send(EXTRACT, {"text": TEXT})).streaming_content:
            events.append(chunk.decode())

    with pytest.raises(type(raised)):
        await listen()

    assert [event.split("\n")[0] for event in events] == ["event: meta", "event: delta", "event: error"]
    assert f'"code":"{code}"' in events[-1]


@pytest.fixture
def no_worker_yet(monkeypatch):
    """The batches a worker was called for."""
    called = []
    monkeypatch.setattr(
        "orchestration.celery_tasks.work_batch.apply_async", lambda args, **_: called.append(args[0])
    )
    return called


@pytest.fixture
def holding():
    return Holding()


@pytest.fixture
def slow_vendor(holding):
    with running_sandbox(holding) as server:
        make_config(model_name="sandbox-mini", base_url=server.openai)
        yield server


async def test_who_leaves_ends_the_call_and_pays_for_what_was_used(send, slow_vendor, holding, body):
    gone = asyncio.ensure_future(send(LETTER, body))
    await until(lambda: slow_vendor.hits()["in_flight"] == 1)

    gone.cancel()
    await asyncio.wait([gone])
    if unfinished():
        await asyncio.wait(unfinished())

    row = await AIProviderUsageLog.objects.aget()
    assert row.status == "aborted"
    assert not await QuotaCounter.objects.exclude(reserved=0).aexists()
    assert not await Draft.objects.aexists()


@pytest.fixture
def vendor_in_the_middle():
    """However slow this machine is, the answer is not all there when its reader leaves."""
    with running_sandbox(Halfway()) as server:
        make_config(model_name="sandbox-mini", base_url=server.openai)
        yield server


async def test_who_leaves_while_it_is_shown_leaves_no_draft(send, vendor_in_the_middle, body):
    response = await send(LETTER, body)

    # As Django's handler does when the client is gone. Closing what `streaming_content` gives would close
    # Django's wrapper alone, and let the work go on.
    async with aclosing(aiter(response)) as content:
        async for chunk in content:
            if chunk.startswith(b"event: delta"):
                break
    if unfinished():
        await asyncio.wait(unfinished())

    assert [row.status async for row in AIProviderUsageLog.objects.all()] == ["aborted"]
    assert not await QuotaCounter.objects.exclude(reserved=0).aexists()
    assert not await Draft.objects.aexists()
