"""One worker at a time is called to a batch or at work on it, however often beat and others call."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.db.models.functions import Now

from accounts import concurrency
from orchestration.batches import calling, kinds, queue, work
from orchestration.celery_tasks import resume_batches, work_batch
from orchestration.models import Batch, BatchItem
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)
BEATS = 5


@pytest.fixture(autouse=True)
def messages(monkeypatch):
    """What the broker has."""
    sent = []
    monkeypatch.setattr(
        "orchestration.celery_tasks.work_batch.apply_async",
        lambda args, kwargs, **_: sent.append((*args, kwargs["claim"])),
    )
    return sent


@pytest.fixture
def asked(monkeypatch):
    """The items that were begun, of a kind that answers at once."""
    numbers = []

    async def answer(user, given):
        numbers.append(given["n"])
        return kinds.Answer(201, given)

    monkeypatch.setitem(kinds.KINDS, "echo", kinds.Kind("echo", lambda _: None, answer))
    return numbers


def started(user, count=3):
    return queue.start(user=user, kind="echo", items=[{"n": n} for n in range(count)])


def test_beats_and_turns_leave_a_batch_the_one_worker_it_has(user, messages, asked, monkeypatch):
    started(user)

    called = [resume_batches() for _ in range(BEATS)]

    assert (called, len(messages)) == ([0] * BEATS, 1)
    monkeypatch.setattr(work, "SLICE_SECONDS", 0)
    for _ in range(BEATS):
        work_batch(*messages.pop(0))
        resume_batches()
        assert len(messages) == 1


def test_nobody_is_called_while_one_is_at_work(user, messages, monkeypatch):
    called = []

    async def answer(user, given):
        called.append(await concurrency.in_database_thread(resume_batches))
        return kinds.Answer(201, given)

    monkeypatch.setitem(kinds.KINDS, "echo", kinds.Kind("echo", lambda _: None, answer))
    started(user, count=6)

    work_batch(*messages.pop())

    assert (set(called), messages) == ({0}, [])


def test_a_call_that_got_lost_is_made_again_and_answered_once_if_it_was_not(user, messages, asked):
    batch = started(user)
    Batch.objects.update(held_until=Now())

    assert resume_batches() == 1
    first, second = messages
    messages.clear()
    work_batch(*first)
    BatchItem.objects.update(state="waiting", given={"n": 9})
    work_batch(*second)

    assert asked == [0, 1, 2]
    assert queue.progress_of(batch)[0].waiting == 3


def test_a_batch_whose_worker_died_is_anothers_once_it_is_not_heard_of(user, messages, asked):
    batch = started(user)
    dead = calling.take(batch.pk, messages.pop()[1])
    assert resume_batches() == 0

    Batch.objects.update(held_until=Now())
    assert resume_batches() == 1
    work_batch(*messages.pop())

    assert sorted(asked) == [0, 1, 2]
    assert not calling.hold(batch.pk, dead)


def test_who_could_not_be_called_is_called_by_the_next_beat(user, messages, asked, monkeypatch):
    def no_broker(**_):
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(work_batch, "apply_async", no_broker)
        started(user)
        assert resume_batches() == 0

    assert resume_batches() == 1
    assert len(messages) == 1


def test_what_somebody_left_who_was_not_called_is_called_for(user, messages, asked, monkeypatch):
    batch = started(user, count=1)

    async def another_comes_late(batch_id):
        await work_off(batch_id)
        await concurrency.in_database_thread(BatchItem.objects.update, state="waiting", not_before=None)
        assert not await concurrency.in_database_thread(calling.call_a_worker, batch_id)

    work_off = work.work_off
    monkeypatch.setattr(work, "work_off", another_comes_late)

    work_batch(*messages.pop())

    assert [batch_id for batch_id, _ in messages] == [str(batch.pk)]


def test_a_message_of_an_earlier_version_is_answered_too(user, messages, asked):
    batch = started(user)

    work_batch(str(batch.pk))
    work_batch(*messages.pop())

    assert sorted(asked) == [0, 1, 2]


def called_at_once(batch, callers=8):
    together = Barrier(callers)

    def call(_):
        together.wait(PATIENCE_SECONDS)
        try:
            return calling.call_a_worker(batch.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(callers) as pool:
        return sum(pool.map(call, range(callers)))


@pytest.mark.postgres
def test_of_many_who_call_at_once_one_does(user, messages, asked):
    batch = started(user)
    Batch.objects.update(held_until=Now())
    messages.clear()

    assert (called_at_once(batch), len(messages)) == (1, 1)


@pytest.mark.postgres
def test_without_the_condition_all_do(user, messages, asked, monkeypatch):
    """Shows that the test above can fail."""
    batch = started(user)
    messages.clear()
    monkeypatch.setattr(calling, "_free", Batch.objects.all)

    assert called_at_once(batch) == len(messages) == 8
