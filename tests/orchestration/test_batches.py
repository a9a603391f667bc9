"""Batches: what is sent is checked at once, answered by workers, each item once, and shown as it comes."""

import asyncio
import csv
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import concurrency
from accounts.errors import DomainError
from orchestration.batches import kinds, queue, work
from orchestration.celery_tasks import resume_batches, work_batch
from orchestration.models import Batch, BatchItem
from tests.factories import make_config
from tests.waiting import PATIENCE_SECONDS, until
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)

BATCHES = "/api/v1/batches"
EXTRACT = "/api/v1/job-extractor/extract"
EXTRACT_MANY = "/api/v1/job-extractor/batches"


def posting(number):
    return (
        f"Lighthouse keeper no. {number} wanted\n\nWe hire keeper {number} for the lighthouse on Fair Isle. "
        "Full time, from May. You will light the lamp every evening and write the log. Apply by letter."
    )


@pytest.fixture
def config(sandbox):
    return make_config(model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)


@pytest.fixture(autouse=True)
def no_worker_yet(monkeypatch):
    """The batches a worker was called for; the tests work when it suits them."""
    called = []
    monkeypatch.setattr(
        "orchestration.celery_tasks.work_batch.apply_async", lambda args, **_: called.append(args[0])
    )
    return called


def test_who_waits_for_one_request_does_not_wait_behind_batches(monkeypatch, user):
    queues = []
    monkeypatch.setattr(
        "orchestration.celery_tasks.work_batch.apply_async", lambda queue, **_: queues.append(queue)
    )

    for items, economy in ([{"n": 1}], False), ([{"n": 1}, {"n": 2}], False), ([{"n": 1}], True):
        queue.start(user=user, kind="extract", items=items, economy=economy)

    assert queues == ["interactive", "batch", "batch"]


@pytest.fixture
def echo(monkeypatch):
    """A kind whose answers are told by what was given."""
    asked = []

    async def answer(user, given):
        asked.append(given["n"])
        if "error" in given:
            raise Refused(retry_after=given.get("retry_after"))
        return kinds.Answer(201, {"n": given["n"]})

    monkeypatch.setitem(kinds.KINDS, "echo", kinds.Kind("echo", lambda _: None, answer))
    return asked


def nobody_has_come():
    """Has the calls that are out lapse."""
    Batch.objects.update(held_until=Now())


class Refused(DomainError):
    code, status, message = "refused", 429, "Wait."


def test_postings_are_sent_together_and_fetched_one_by_one(api, user, config, sandbox, no_worker_yet):
    items = [{"text": posting(number)} for number in range(3)]

    sent = api.post(EXTRACT_MANY, {"items": items}, format="json")

    batch = sent.json()["data"]
    assert (sent.status_code, batch["state"], batch["waiting"]) == (202, "waiting", 3)
    assert no_worker_yet == [batch["batch_id"]]
    assert sandbox.hits()["total"] == 0

    work_batch(batch["batch_id"])

    told = api.get(sent.headers["Location"]).json()["data"]
    results = api.get(f"{sent.headers['Location']}/results").json()["data"]
    assert (told["state"], told["done"], told["total"]) == ("done", 3, 3)
    assert [result["number"] for result in results] == [1, 2, 3]
    assert {result["status"] for result in results} == {201}
    assert "Lighthouse keeper no. 1" in results[1]["answer"]["extracted_data"]["title"]
    assert sandbox.hits()["total"] == AIProviderUsageLog.objects.filter(user=user).count() == 3
    assert not BatchItem.objects.exclude(given={}).exists()


def test_a_table_is_as_good_and_comes_back_as_one(api, echo, config):
    sent = api.generic("POST", EXTRACT_MANY, f'url,text\n,"{posting(1)}"\n\n', content_type="text/csv")
    batch = Batch.objects.get(pk=sent.json()["data"]["batch_id"])
    work_batch(str(batch.pk))

    where = f"{BATCHES}/{batch.pk}/results"
    rows = list(csv.DictReader(io.StringIO(_text(api.get(f"{where}?format=csv")))))
    lines = [json.loads(line) for line in _text(api.get(f"{where}?format=ndjson")).splitlines()]

    assert [(row["number"], row["state"], row["status"]) for row in rows] == [("1", "done", "201")]
    assert json.loads(rows[0]["answer"]) == lines[0]["answer"]


def test_results_come_some_at_a_time_and_all_of_them(api, user, monkeypatch):
    monkeypatch.setattr("orchestration.api.batches._ITEMS_AT_ONCE", 2)
    batch = queue.start(user=user, kind="extract", items=[{"text": f"{number}"} for number in range(5)])

    where = f"{BATCHES}/{batch.pk}/results"
    rows = csv.DictReader(io.StringIO(_text(api.get(f"{where}?format=csv"))))
    lines = [json.loads(line) for line in _text(api.get(f"{where}?format=ndjson")).splitlines()]

    assert [row["number"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert [line["number"] for line in lines] == [1, 2, 3, 4, 5]


def test_so_are_lines_of_json(api, user, no_worker_yet):
    lines = "\n".join(json.dumps({"text": posting(number)}) for number in range(2))

    sent = api.generic("POST", EXTRACT_MANY, f"{lines}\n\n", content_type="application/x-ndjson")

    assert (sent.status_code, sent.json()["data"]["total"]) == (202, 2)
    assert [item.given for item in BatchItem.objects.order_by("number")] == [
        {"text": posting(number)} for number in range(2)
    ]


@pytest.mark.parametrize(
    ("kind", "body", "where"),
    [
        ("application/x-ndjson", '{"text": "a"}\n\n{"text": \n', "line 3"),
        ("application/x-ndjson", '{"text": "a", "text": "b"}', "line 1"),
        ("text/csv", "url,text\n,A cook, who cooks,\n", "line 2"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(api, kind, body, where):
    refused = api.generic("POST", EXTRACT_MANY, body, content_type=kind)

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "parse_error")
    assert where in refused.json()["error"]["message"]
    assert not Batch.objects.exists()


def test_every_item_at_fault_is_named_by_its_place(api):
    items = [{"url": "https://example.com"}, {"link": "x"}, {"text": "A cook."}, {}]

    refused = api.post(EXTRACT_MANY, {"items": items}, format="json")

    assert refused.status_code == 400
    at_fault = refused.json()["error"]["details"]["fields"]["items"]
    assert list(at_fault) == ["1", "3"]
    assert list(at_fault["1"]) == ["link"]


def test_many_items_are_checked_once_and_hold_nobody_up(api, monkeypatch):
    checked = []

    def check(given):
        checked.append((given["text"], is_on_a_loop()))

    kind = kinds.KINDS["extract"]
    monkeypatch.setitem(kinds.KINDS, "extract", replace(kind, check=check))

    sent = api.post(EXTRACT_MANY, {"items": [{"text": "a"}, {"text": "b"}]}, format="json")

    assert (sent.status_code, checked) == (202, [("a", False), ("b", False)])


def is_on_a_loop():
    try:
        return bool(asyncio.get_running_loop())
    except RuntimeError:
        return False


def test_an_item_alone_is_checked_too(api):
    alone = api.post(EXTRACT, {"text": "a", "link": "x"}, format="json", headers={"prefer": "respond-async"})

    assert (alone.status_code, list(alone.json()["error"]["details"]["fields"])) == (400, ["link"])
    assert not Batch.objects.exists()


def _text(response):
    return b"".join(response.streaming_content).decode()


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"items": [{"url": "https://example.com"}, {"link": "https://example.com"}]},
        {"items": [{"url": "https://example.com"}] * 501},
        {"items": ["https://example.com"]},
        {"urls": []},
    ],
)
def test_what_is_not_valid_is_refused_before_anything_is_stored(api, body):
    assert api.post(EXTRACT_MANY, body, format="json").status_code == 400
    assert not Batch.objects.exists()


def test_a_single_request_need_not_be_waited_for(api, config, sandbox):
    sent = api.post(EXTRACT, {"text": posting(1)}, format="json", headers={"prefer": "respond-async"})

    assert (sent.status_code, sent.headers["Preference-Applied"]) == (202, "respond-async")
    work_batch(sent.json()["data"]["batch_id"])
    [result] = api.get(f"{sent.headers['Location']}/results").json()["data"]
    waited = api.post(EXTRACT, {"text": posting(1)}, format="json")
    assert result["answer"]["extracted_data"] == waited.json()["data"]["extracted_data"]
    assert sandbox.hits()["total"] == 1


def test_a_refusal_is_an_answer_and_a_short_wait_is_waited_for(user, echo):
    items = [{"n": 1, "error": True}, {"n": 2, "error": True, "retry_after": 3}, {"n": 3}]
    batch = queue.start(user=user, kind="echo", items=items)

    concurrency.run(work.work_off(batch.pk))

    found = list(batch.items.values_list("state", "status", "tries"))
    assert found == [("failed", 429, 1), ("waiting", None, 0), ("done", 201, 1)]
    assert batch.items.get(number=1).answer["code"] == "refused"
    assert resume_batches() == 0
    batch.items.update(not_before=Now())
    nobody_has_come()
    assert resume_batches() == 1
    Batch.objects.update(created_at=timezone.now() - timedelta(days=1))
    concurrency.run(work.work_off(batch.pk))
    assert batch.items.get(number=2).state == "failed"


def test_an_item_of_a_worker_that_died_is_given_to_the_next_and_not_for_ever(user, echo):
    batch = queue.start(user=user, kind="echo", items=[{"n": 1}])
    lost = queue.claim_next(batch.pk)
    assert queue.claim_next(batch.pk) is None

    for _ in range(queue.MOST_TRIES - 1):
        BatchItem.objects.update(held_until=Now())
        nobody_has_come()
        assert resume_batches() == 1
        taken = queue.claim_next(batch.pk)
    queue.finish(lost, kinds.Answer(201, "late"))
    assert not queue.hold(lost)
    assert BatchItem.objects.get().state == "running"
    assert taken.claim != lost.claim

    BatchItem.objects.update(held_until=Now())
    assert queue.claim_next(batch.pk) is None
    given_up = BatchItem.objects.get()
    assert (given_up.answer["code"], given_up.given) == ("given_up", {})
    assert echo == []


def test_what_is_cancelled_is_not_begun_and_what_is_under_way_ends(api, user, echo):
    batch = queue.start(user=user, kind="echo", items=[{"n": 1}, {"n": 2}])
    running = queue.claim_next(batch.pk)

    cancelled = api.post(f"{BATCHES}/{batch.pk}/cancel").json()["data"]
    queue.finish(running, kinds.Answer(201, "done"))

    assert (cancelled["state"], cancelled["cancelled"], cancelled["running"]) == ("running", 1, 1)
    assert api.get(f"{BATCHES}/{batch.pk}").json()["data"]["state"] == "cancelled"
    assert queue.left_to_do() == []


def test_what_is_cancelled_is_not_begun_again_by_who_puts_it_back(user, echo):
    batch = queue.start(user=user, kind="echo", items=[{"n": 1, "error": True, "retry_after": 0}])
    item = queue.claim_next(batch.pk)
    assert queue.cancel(batch)

    queue.put_back(item, seconds=0)

    assert queue.left_to_do() == []
    assert queue.progress_of(batch)[0].state == "cancelled"
    assert BatchItem.objects.get().given == {}


def test_nor_after_its_worker_died(user, echo):
    batch = queue.start(user=user, kind="echo", items=[{"n": 1}, {"n": 2}])
    queue.claim_next(batch.pk)
    queue.claim_next(batch.pk)
    assert queue.cancel(batch)
    BatchItem.objects.update(held_until=Now())

    concurrency.run(work.work_off(batch.pk))

    assert echo == []
    assert queue.left_to_do() == []
    assert queue.progress_of(batch)[0].cancelled == 2


def cancelling_meanwhile(monkeypatch, batch):
    """Has the batch cancelled after a worker has read its next item, which is put back in that moment, and
    before it is the worker's."""
    still = queue._still

    def late(item):
        Batch.objects.update(cancelled_at=timezone.now())
        return still(item)

    monkeypatch.setattr(queue, "_still", late)


def test_nor_by_who_had_found_it_before(user, echo, monkeypatch):
    batch = queue.start(user=user, kind="echo", items=[{"n": 1}])
    cancelling_meanwhile(monkeypatch, batch)

    assert queue.claim_next(batch.pk) is None
    assert BatchItem.objects.get().state == "cancelled"


def test_without_the_condition_it_would_be(user, echo, monkeypatch):
    """Shows that the test above can fail."""
    batch = queue.start(user=user, kind="echo", items=[{"n": 1}])
    cancelling_meanwhile(monkeypatch, batch)
    monkeypatch.setattr(queue, "_is_unwanted", lambda: Q(pk=None))

    assert queue.claim_next(batch.pk) is not None


async def test_a_worker_that_is_stopped_gives_its_items_back(user, monkeypatch):
    begun = asyncio.Event()

    async def never(user, given):
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setitem(kinds.KINDS, "never", kinds.Kind("never", lambda _: None, never))
    batch = await concurrency.in_database_thread(queue.start, user=user, kind="never", items=[{}])
    working = asyncio.ensure_future(work.work_off(batch.pk))
    await begun.wait()

    working.cancel()
    await asyncio.wait([working])
    await until(lambda: not concurrency.unfinished())

    item = await BatchItem.objects.aget()
    assert (item.state, item.tries) == ("waiting", 0)


async def test_a_worker_that_is_stopped_while_it_claims_an_item_gives_it_back(user, monkeypatch):
    reads, may_claim, claim = threading.Event(), threading.Event(), queue.claim_next

    def claim_late(batch):
        reads.set()
        may_claim.wait(PATIENCE_SECONDS)
        return claim(batch)

    monkeypatch.setattr(queue, "claim_next", claim_late)
    batch = await concurrency.in_database_thread(queue.start, user=user, kind="never", items=[{}])
    working = asyncio.ensure_future(work.work_off(batch.pk))
    await until(reads.is_set)

    working.cancel()
    await asyncio.wait([working])
    may_claim.set()
    await until(lambda: not concurrency.unfinished())

    item = await BatchItem.objects.aget()
    assert (item.state, item.tries) == ("waiting", 0)


def test_a_batch_is_its_users_alone(api, user, outsider, echo):
    theirs = queue.start(user=outsider, kind="echo", items=[{"n": 1}])
    mine = queue.start(user=user, kind="echo", items=[{"n": 1}])

    assert [row["batch_id"] for row in api.get(BATCHES).json()["data"]["results"]] == [str(mine.pk)]
    for path in ("", "/results"):
        assert api.get(f"{BATCHES}/{theirs.pk}{path}").status_code == 404
    assert api.post(f"{BATCHES}/{theirs.pk}/cancel").status_code == 404
    assert api.delete(f"{BATCHES}/{theirs.pk}").status_code == 404
    assert api.delete(f"{BATCHES}/{mine.pk}").status_code == 204
    assert list(Batch.objects.all()) == [theirs]


def test_a_list_of_many_batches_costs_as_many_queries_as_one_of_few(api, user, echo):
    ended = queue.start(user=user, kind="echo", items=[{"n": 1}, {"n": 2, "error": True}])
    concurrency.run(work.work_off(ended.pk))
    few = queries_of(lambda: api.get(BATCHES))
    for _ in range(5):
        queue.start(user=user, kind="echo", items=[{"n": 1}])

    many = queries_of(lambda: api.get(BATCHES))

    rows = api.get(BATCHES).json()["data"]["results"]
    assert many == few
    assert [(row["state"], row["total"], row["done"], row["failed"]) for row in rows] == [
        *[("waiting", 1, 0, 0)] * 5,
        ("done", 2, 1, 1),
    ]
    assert [row["ended_at"] is None for row in rows] == [True] * 5 + [False]
    assert rows[-1] == api.get(f"{BATCHES}/{ended.pk}").json()["data"]


def queries_of(asked):
    with CaptureQueriesContext(connection) as found:
        assert asked().status_code == 200
    return len(found)


def claims(batch, workers=8):
    """The items that so many workers got who all asked at once."""
    barrier = Barrier(workers)

    def one(_):
        barrier.wait()
        try:
            item = queue.claim_next(batch.pk)
            return item and item.number
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        return [number for number in pool.map(one, range(workers)) if number]


@pytest.mark.postgres
def test_no_two_workers_get_the_same_item(user, echo):
    batch = queue.start(user=user, kind="echo", items=[{"n": n} for n in range(4)])

    assert sorted(claims(batch)) == [1, 2, 3, 4]


@pytest.mark.postgres
def test_without_the_condition_they_do(user, echo, monkeypatch):
    """Shows that the test above can fail."""
    looked = Barrier(8)

    def by_number(item):
        looked.wait()
        return BatchItem.objects.filter(pk=item.pk)

    monkeypatch.setattr(queue, "_still", by_number)
    batch = queue.start(user=user, kind="echo", items=[{"n": n} for n in range(4)])

    assert claims(batch) == [1] * 8
