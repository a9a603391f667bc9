"""The lease by which one process does a job for all."""

import asyncio
import threading
from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.concurrency import in_database_thread, unfinished
from orchestration.calls import leader
from orchestration.calls.leader import LeadershipLost, acquire, leading, release, renew
from orchestration.models import Lease
from tests.waiting import PATIENCE_SECONDS, let_pass, until

pytestmark = pytest.mark.django_db(transaction=True)

JOB = "sweeping"


def hold(holder, seconds=600.0):
    return acquire(JOB, holder, seconds=seconds)


def holders():
    return list(Lease.objects.values_list("name", "holder"))


def expires_at():
    return Lease.objects.get(name=JOB).expires_at


def let_it_lapse():
    Lease.objects.update(expires_at=timezone.now() - timedelta(days=1))


def test_one_holds_it_until_it_gives_it_back():
    assert hold("a")
    assert not hold("b")
    assert holders() == [(JOB, "a")]

    release(JOB, "a")

    assert hold("b")
    assert holders() == [(JOB, "b")]


def test_jobs_have_a_lease_each():
    assert hold("a")
    assert acquire("counting", "b", seconds=600)


def test_the_holder_renews_it():
    hold("a", seconds=60)
    before = expires_at()

    assert hold("a", seconds=600)

    assert expires_at() - before > timedelta(seconds=500)


def test_a_renewal_that_comes_late_brings_no_lease_back():
    hold("a")
    release(JOB, "a")

    assert not renew(JOB, "a", seconds=600)
    assert holders() == []


def test_nobody_renews_what_another_holds():
    hold("a")

    assert not renew(JOB, "b", seconds=600)
    assert holders() == [(JOB, "a")]


async def test_who_leaves_while_the_lease_is_being_taken_holds_none(monkeypatch):
    taken, may_say_so = threading.Event(), threading.Event()

    def slowly(*arguments, **options):
        is_mine = acquire(*arguments, **options)
        taken.set()
        assert may_say_so.wait(PATIENCE_SECONDS)
        return is_mine

    async def work():
        async with leading(JOB):
            raise AssertionError("it left before")

    monkeypatch.setattr(leader, "acquire", slowly)
    leaving = asyncio.ensure_future(work())
    await until(taken.is_set)
    leaving.cancel()
    may_say_so.set()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await until(lambda: not unfinished())

    assert await in_database_thread(holders) == []


def test_a_dead_holder_is_replaced_and_cannot_take_away_what_it_lost():
    hold("dead")
    let_it_lapse()

    assert hold("heir")
    assert not hold("dead")
    release(JOB, "dead")

    assert holders() == [(JOB, "heir")]


async def test_only_one_of_two_leads_and_the_lease_is_given_back():
    async with leading(JOB) as first, leading(JOB) as second:
        assert (first, second) == (True, False)
    assert await in_database_thread(holders) == []
    async with leading(JOB) as again:
        assert again


async def test_the_lease_is_given_back_when_the_work_fails():
    with pytest.raises(LookupError):
        async with leading(JOB):
            raise LookupError

    assert await in_database_thread(holders) == []


async def test_a_timeout_of_the_work_itself_is_not_taken_for_a_lost_lease():
    with pytest.raises(TimeoutError):
        async with leading(JOB):
            raise TimeoutError


def sleeps_until_the_next_renewal(loop):
    return any(900 < timer.when() - loop.time() <= 1_000 for timer in list(loop._scheduled))


async def test_a_leader_at_work_renews_its_lease():
    loop = asyncio.get_running_loop()
    async with leading(JOB, seconds=3_000) as leads:
        assert leads
        for _ in range(5):
            before = await in_database_thread(expires_at)
            await until(partial(sleeps_until_the_next_renewal, loop))
            let_pass(1_001, on=loop)
            await until(partial(expires_after, before))


async def test_a_leader_that_was_replaced_is_stopped():
    async def work():
        async with leading(JOB, seconds=3_000):
            await in_database_thread(lambda: Lease.objects.update(holder="usurper"))
            let_pass(1_001, on=asyncio.get_running_loop())
            await asyncio.Event().wait()

    with pytest.raises(LeadershipLost):
        await work()

    assert await in_database_thread(holders) == [(JOB, "usurper")]


async def test_a_leader_that_cannot_reach_the_database_stops_before_another_may_begin(monkeypatch):
    def away(*_, **__):
        # A database that is away is the outermost seam there is.
        raise OperationalError("the database is away")

    async def work():
        async with leading(JOB, seconds=3_000):
            monkeypatch.setattr(leader, "renew", away)
            for _ in range(4):
                let_pass(1_001, on=asyncio.get_running_loop())
                await asyncio.sleep(0)
            await asyncio.Event().wait()

    with pytest.raises(LeadershipLost):
        await work()


def expires_after(moment):
    """For `until`, which looks from a thread of its own: the connection must not outlive the look."""
    return asyncio.run(in_database_thread(expires_at)) > moment
