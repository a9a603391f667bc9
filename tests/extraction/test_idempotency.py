"""A request that is sent again, through the real ASGI handler."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection
from django.db.models.functions import Now
from django.test import AsyncClient
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from accounts import idempotency
from accounts.celery_tasks import forget_idempotency_keys
from accounts.concurrency import in_database_thread, unfinished
from accounts.errors import DomainError
from accounts.models import IdempotencyKey
from extraction.api import views
from tests.extraction.test_extract_api import picture
from tests.factories import make_config
from tests.sandbox import Holding, running_sandbox
from tests.waiting import PATIENCE_SECONDS, until
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)

EXTRACT = "/api/v1/job-extractor/extract"
POSTING = {
    "text": "Lighthouse keeper wanted\n\nWe are hiring a keeper for the lighthouse on Fair Isle. Full time, "
    "from May. You will light the lamp every evening and write the log. Apply by letter to the harbour."
}


@pytest.fixture
def config(sandbox):
    return make_config(
        provider_type="openai", model_name="sandbox-mini", base_url=sandbox.openai, is_default=True
    )


@pytest.fixture
def holding():
    return Holding()


@pytest.fixture
def vendor(holding):
    with running_sandbox(holding) as server:
        make_config(base_url=server.openai, model_name="sandbox-mini")
        yield server


@pytest.fixture
def send(user):
    token = str(AccessToken.for_user(user))

    async def post(body, key="first", **files):
        headers = {"authorization": f"Bearer {token}", "idempotency-key": key}
        if files:
            return await AsyncClient().post(EXTRACT, files, headers=headers)
        return await AsyncClient().post(
            EXTRACT, json.dumps(body), content_type="application/json", headers=headers
        )

    return post


async def test_the_same_request_again_is_answered_again_and_costs_nothing(send, config, sandbox):
    first = await send(POSTING)
    calls = sandbox.hits()["total"]

    again = await send(dict(reversed(POSTING.items())))

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert calls > 0
    assert sandbox.hits()["total"] == calls == await AIProviderUsageLog.objects.acount()


async def test_another_request_with_the_same_key_is_refused(send, config, sandbox):
    await send(POSTING)
    calls = sandbox.hits()["total"]

    other = await send({"text": POSTING["text"] + " Bring a coat."})

    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert sandbox.hits()["total"] == calls


async def test_pictures_are_told_apart_by_their_bytes(send, config, sandbox):
    first = await send(None, image=picture())
    calls = sandbox.hits()["total"]

    again = await send(None, image=picture())
    other = await send(None, image=SimpleUploadedFile("posting.png", b"\x89PNG", "image/png"))

    assert again.content == first.content
    assert other.json()["error"]["code"] == "idempotency_key_reused"
    assert sandbox.hits()["total"] == calls


@pytest.mark.parametrize("key", ["", " ", "a b", "ü", "x" * 256])
async def test_a_key_has_a_form(send, config, sandbox, key):
    response = await send(POSTING, key)

    assert response.json()["error"]["code"] == "invalid_idempotency_key"
    assert sandbox.hits()["total"] == 0


async def test_what_was_refused_before_anything_was_done_may_be_tried_again(send, sandbox):
    nothing_configured = await send(POSTING)
    await in_database_thread(make_config, base_url=sandbox.openai, model_name="sandbox-mini")

    assert nothing_configured.status_code == 503
    assert (await send(POSTING)).status_code == 201


async def test_a_failure_of_the_vendor_is_an_answer_too(send, config, sandbox):
    sandbox.fault("server", times=100)
    first = await send(POSTING)
    calls = sandbox.hits()["total"]

    again = await send(POSTING)

    assert (first.status_code, again.status_code) == (502, 502)
    assert again.json() == first.json()
    assert sandbox.hits()["total"] == calls


async def test_a_bug_is_told_again_and_nothing_is_done_twice(send, config, monkeypatch):
    async def broken(**_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(views, "extract", broken)
    with pytest.raises(RuntimeError):
        await send(POSTING)
    monkeypatch.undo()

    assert (await send(POSTING)).json()["error"]["code"] == DomainError.code


async def test_the_work_goes_on_when_the_client_is_gone(send, holding, vendor):
    gone = asyncio.ensure_future(send(POSTING))
    await until(lambda: vendor.hits()["in_flight"] == 1)
    gone.cancel()
    meanwhile = await send(POSTING)
    holding.let_go()
    await asyncio.wait(unfinished())

    again = await send(POSTING)

    assert (meanwhile.status_code, meanwhile.json()["error"]["code"]) == (409, "request_in_progress")
    assert meanwhile.headers["Retry-After"] == "1"
    assert (again.status_code, vendor.hits()["total"]) == (201, 1)


async def test_who_leaves_before_the_work_began_leaves_the_key_free(send, config, sandbox, monkeypatch):
    claiming, go_on, claim = Event(), Event(), idempotency.claim

    def slow(*asked):
        claiming.set()
        assert go_on.wait(PATIENCE_SECONDS)
        return claim(*asked)

    monkeypatch.setattr(idempotency, "claim", slow)
    gone = asyncio.ensure_future(send(POSTING))
    await asyncio.to_thread(claiming.wait, PATIENCE_SECONDS)
    gone.cancel()
    await asyncio.wait([gone])
    go_on.set()
    while working := unfinished():
        await asyncio.wait(working)

    assert not await IdempotencyKey.objects.aexists()
    assert ((await send(POSTING)).status_code, sandbox.hits()["total"]) == (201, 1)


def test_the_key_of_a_process_that_died_is_given_to_the_next(user, monkeypatch):
    row = idempotency.claim(user.pk, "key", "fingerprint")
    with pytest.raises(idempotency.RequestInProgress):
        idempotency.claim(user.pk, "key", "fingerprint")
    IdempotencyKey.objects.update(held_until=Now())

    assert idempotency.claim(user.pk, "key", "fingerprint").claim != row.claim
    idempotency.finish(row, idempotency.Answer(201, {}, "1"))
    assert IdempotencyKey.objects.get().status is None


def test_a_key_is_good_for_a_day_and_for_its_user(user, outsider):
    idempotency.finish(idempotency.claim(user.pk, "key", "a"), idempotency.Answer(201, {}, "1"))
    assert isinstance(idempotency.claim(outsider.pk, "key", "b"), IdempotencyKey)

    IdempotencyKey.objects.filter(user=user).update(created_at=timezone.now() - timedelta(hours=24))

    assert isinstance(idempotency.claim(user.pk, "key", "b"), IdempotencyKey)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24))
    assert forget_idempotency_keys() == 2


def outcomes(user, count=8):
    barrier = Barrier(count)

    def one(_):
        barrier.wait()
        try:
            return type(idempotency.claim(user.pk, "key", "fingerprint")).__name__
        except (idempotency.RequestInProgress, IntegrityError) as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(one, range(count)))


@pytest.mark.postgres
def test_of_many_at_once_one_does_the_work(user):
    assert outcomes(user) == ["IdempotencyKey", *["RequestInProgress"] * 7]


@pytest.mark.postgres
def test_whoever_only_looks_cannot_tell(user, monkeypatch):
    """Shows that the test above can fail: all have looked before one has written."""
    looked = Barrier(8)

    def look_then_write(rows, **_):
        assert not IdempotencyKey.objects.exists()
        looked.wait()
        rows[0].save()

    monkeypatch.setattr(IdempotencyKey.objects, "bulk_create", look_then_write)

    assert outcomes(user) == ["IdempotencyKey", *["IntegrityError"] * 7]
