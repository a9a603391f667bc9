"""Calls that share a statement: each is decided for itself, in the order in which they came."""

import asyncio
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from django.db import DataError, OperationalError, connection

from accounts.standing import stamp_of
from tests.books import sums_of_rows
from tests.factories import make_config
from tests.usage.attempts import counters, make_attempt, run, success
from usage.ledger import postgres
from usage.ledger.base import QuotaExceeded, StaleRouting, StaleStanding
from usage.ledger.batches import MOST_TOGETHER, MOST_UNDER_WAY, Batches
from usage.ledger.postgres import PostgresLedger
from usage.models import AIProviderUsageLog


class Sender:
    """Sends when it is told to; a member that is an exception fails whatever batch it is in."""

    def __init__(self):
        self.batches, self.gate = [], asyncio.Event()

    async def __call__(self, members):
        self.batches.append(list(members))
        await self.gate.wait()
        for member in members:
            if isinstance(member, Exception):
                raise member
        return [f"{member}!" for member in members]


async def asking(batches, members):
    asked = [asyncio.ensure_future(batches.ask(member)) for member in members]
    await asyncio.sleep(0)
    return asked


async def test_what_is_asked_at_once_leaves_together_and_in_order():
    sender = Sender()
    sender.gate.set()
    batches = Batches(sender)

    assert await asyncio.gather(*(batches.ask(number) for number in range(5))) == [f"{n}!" for n in range(5)]
    assert sender.batches == [[0, 1, 2, 3, 4]]
    assert await batches.ask("alone") == "alone!"


async def test_what_comes_while_others_are_under_way_waits_for_one_of_them_and_leaves_together():
    sender = Sender()
    batches = Batches(sender)
    first = []
    for number in range(MOST_UNDER_WAY):
        first += await asking(batches, [number])
        await asyncio.sleep(0)

    later = await asking(batches, range(10, 12 + MOST_TOGETHER))
    await asyncio.sleep(0.01)
    assert sender.batches == [[number] for number in range(MOST_UNDER_WAY)]
    sender.gate.set()

    answers = await asyncio.gather(*first, *later)
    assert answers == [f"{number}!" for number in [*range(MOST_UNDER_WAY), *range(10, 12 + MOST_TOGETHER)]]
    assert [len(batch) for batch in sender.batches[MOST_UNDER_WAY:]] == [MOST_TOGETHER, 2]


@pytest.mark.parametrize("error", [DataError("bad"), OperationalError("deadlock detected")])
async def test_one_that_the_database_refuses_fails_alone(error):
    sender = Sender()
    sender.gate.set()
    batches = Batches(sender)

    answers = await asyncio.gather(*map(batches.ask, ["a", error, "b"]), return_exceptions=True)

    assert answers == ["a!", error, "b!"]
    assert sender.batches == [["a", error, "b"], ["a"], [error], ["b"]]


async def test_a_bug_reaches_all_that_met_it_and_nobody_after():
    sender = Sender()
    sender.gate.set()
    batches = Batches(sender)

    answers = await asyncio.gather(*map(batches.ask, ["a", TypeError("bug")]), return_exceptions=True)

    assert [type(answer) for answer in answers] == [TypeError, TypeError]
    assert await batches.ask("b") == "b!"


async def test_who_is_cancelled_before_it_is_sent_is_not_sent_and_holds_up_nobody():
    sender = Sender()
    batches = Batches(sender)
    under_way = []
    for number in range(MOST_UNDER_WAY):
        under_way += await asking(batches, [number])
        await asyncio.sleep(0)
    waiting = await asking(batches, ["a", "b", "c"])

    waiting[1].cancel()
    under_way[0].cancel()
    sender.gate.set()

    assert await asyncio.gather(waiting[0], waiting[2], under_way[1]) == ["a!", "c!", "1!"]
    assert waiting[1].cancelled()
    assert sender.batches[MOST_UNDER_WAY:] == [["a", "c"]]


def test_a_loop_that_ends_leaves_nobody_waiting_and_the_next_one_begins_anew():
    batches = Batches(Sender())

    async def torn_down():
        return await asking(batches, range(5))

    assert all(asked.cancelled() for asked in asyncio.run(torn_down()))

    async def once_more():
        sender = Sender()
        sender.gate.set()
        batches._send = sender
        return await batches.ask("a")

    assert asyncio.run(once_more()) == "a!"


# --- On PostgreSQL ----------------------------------------------------------------------------------------

on_postgres = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def postgres_only(function):
    for mark in on_postgres:
        function = mark(function)
    return function


def together(ledger, attempts):
    """What each got, of calls that share one statement."""

    async def all_at_once():
        # With the prices there, as the orchestrator gives them, nobody goes to read them first.
        priced = [replace(attempt, prices={}) for attempt in attempts]
        return await asyncio.gather(*map(ledger.reserve, priced), return_exceptions=True)

    return run(all_at_once())


@contextmanager
def locked_counters(scope):
    """Somebody else's transaction has them until the function that this yields is called."""
    with psycopg.connect(**own_parameters()) as other:
        other.execute("SELECT 1 FROM quota_counters WHERE scope = %s FOR UPDATE", [scope])
        yield other.commit


def own_parameters():
    parameters = connection.get_connection_params()
    return {name: parameters[name] for name in parameters.keys() - {"cursor_factory", "context"}}


@pytest.fixture
def statements(monkeypatch):
    """How many calls each statement was for."""
    sizes = []
    as_it_is = postgres._openings._send

    async def counted(calls):
        sizes.append(len(calls))
        return await as_it_is(calls)

    monkeypatch.setattr(postgres._openings, "_send", counted)
    return sizes


@postgres_only
def test_each_call_of_a_batch_is_held_or_refused_for_itself(user, outsider, statements):
    config = make_config()
    stamp = stamp_of(user.pk)
    attempts = [
        make_attempt(user=user, config=config, daily=250, number=1, stamp=stamp),
        make_attempt(user=user, config=config, daily=250, number=2, reserved_tokens=200),
        make_attempt(user=user, config=config, daily=250, number=3, routing_revision=999),
        make_attempt(user=user, config=config, daily=250, number=4, stamp="another"),
        make_attempt(user=user, config=config, daily=250, number=5),
        make_attempt(user=user, config=config, daily=250, number=6),
        make_attempt(user=outsider, config=config, daily=250, number=7),
        make_attempt(number=8, limits=()),
    ]

    answers = together(PostgresLedger(), attempts)

    assert statements == [len(attempts)]
    kinds = [type(answer) for answer in answers]
    expected = [None, QuotaExceeded, StaleRouting, StaleStanding, None, QuotaExceeded, None, None]
    assert [kind if issubclass(kind, Exception) else None for kind in kinds] == expected
    for attempt, answer in zip(attempts, answers, strict=True):
        if not isinstance(answer, Exception):
            row = AIProviderUsageLog.objects.get(pk=answer.log_id)
            assert (row.attempt, row.user_id) == (attempt.number, attempt.user_id)
    assert counters() == sums_of_rows()


@postgres_only
def test_what_fits_alone_is_held_beside_what_does_not(user, statements):
    """However the batch is ordered, and with the last of the quota going to a call that is cut to it."""
    large = make_attempt(user=user, daily=300, number=1, reserved_tokens=1_000)
    fits = make_attempt(user=user, daily=300, number=2)
    cut = make_attempt(user=user, daily=300, number=3, reserved_tokens=900, least_tokens=150)

    answers = together(PostgresLedger(), [large, fits, large, cut])

    assert statements == [4]
    assert [isinstance(answer, QuotaExceeded) for answer in answers] == [True, False, True, False]
    assert [answers[1].attempt.reserved_tokens, answers[3].attempt.reserved_tokens] == [100, 200]
    assert counters() == sums_of_rows()


@postgres_only
def test_one_that_cannot_be_written_is_refused_alone(user, statements):
    good = [make_attempt(user=user, daily=10_000, number=number) for number in (1, 2)]
    bad = make_attempt(user=user, daily=10_000, number=3, model_name="x" * 300)

    answers = together(PostgresLedger(), [good[0], bad, good[1]])

    assert statements == [3, 1, 1, 1]
    assert [isinstance(answer, DataError) for answer in answers] == [False, True, False]
    assert counters() == sums_of_rows()


@postgres_only
def test_settlements_share_a_statement_and_each_is_its_own(user):
    ledger = PostgresLedger()
    reservations = together(
        ledger, [make_attempt(user=user, daily=10_000, number=number) for number in range(1, 6)]
    )
    run(ledger.settle(reservations[0], success(1, 1)))

    async def all_at_once():
        outcomes = [success(50 + number, 20, model_name=f"m{number}") for number in range(5)]
        pairs = [*zip(reservations, outcomes, strict=True), (reservations[4], success(1, 1))]
        return await asyncio.gather(*(ledger.settle(*pair) for pair in pairs))

    settled = run(all_at_once())

    assert [one.usage.total_tokens for one in settled[:5]] == [2, 71, 72, 73, 74]
    rows = AIProviderUsageLog.objects.order_by("attempt").values_list("total_tokens", "reported_model")
    assert list(rows) == [(2, ""), (71, "m1"), (72, "m2"), (73, "m3"), (74, "m4")]
    assert counters() == sums_of_rows()


@postgres_only
def test_batches_that_meet_the_same_new_counters_in_any_order_do_not_lock_each_other_out(
    user, outsider, statements
):
    """Two loops, each with calls of both people, whose counters nobody has begun. A batch that is ended for a
    deadlock is sent again one by one, which `statements` would tell."""
    for day in range(1, 6):
        windows = {"started_at": make_attempt().started_at.replace(day=day)}
        there = [make_attempt(user=one, number=1, **windows) for one in (user, outsider)]

        async def both_ways(there=there):
            def elsewhere(attempts):
                return asyncio.to_thread(together, PostgresLedger(), attempts)

            return await asyncio.gather(elsewhere(there * 3), elsewhere(there[::-1] * 3))

        for answers in run(both_ways()):
            assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert statements == [6] * 10
    assert AIProviderUsageLog.objects.count() == 60


@postgres_only
def test_a_lock_that_one_call_meets_holds_up_no_other(user, outsider):
    ledger = PostgresLedger()
    theirs, free = (make_attempt(user=one, daily=10_000, prices={}) for one in (user, outsider))
    run(ledger.reserve(theirs))

    async def while_it_is_locked(unlock):
        waiting = [asyncio.ensure_future(ledger.reserve(theirs)) for _ in range(3 * MOST_UNDER_WAY)]
        others = [await ledger.reserve(free) for _ in range(3)]
        were_waiting = not any(one.done() for one in waiting)
        await asyncio.to_thread(unlock)
        return others, were_waiting, await asyncio.gather(*waiting)

    with locked_counters(f"user:{user.pk}") as unlock:
        others, were_waiting, held = run(while_it_is_locked(unlock))

    assert were_waiting
    assert (len(others), len(held)) == (3, 3 * MOST_UNDER_WAY)
    assert counters() == sums_of_rows()
