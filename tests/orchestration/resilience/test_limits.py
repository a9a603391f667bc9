"""Rates, places and queues as a call meets them."""

import asyncio
import time

import pytest
import time_machine

from accounts import concurrency
from accounts.models import Plan
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.errors import ProvidersUnavailable, TooManyCalls
from orchestration.guards.admission import gate_of
from orchestration.guards.base import RECOVERY, Gate, get_guards
from orchestration.guards.passes import waiting_room
from orchestration.models import TaskPolicy
from orchestration.routing.snapshot import current_snapshot
from tests.books import assert_books_balance, assert_nothing_is_held
from tests.clocks import by_the_process
from tests.factories import make_config
from tests.sandbox import Holding, running_sandbox
from tests.waiting import PATIENCE_SECONDS, until
from usage.ledger.base import QuotaExceeded
from usage.ledger.portable import PortableLedger
from usage.models import AIProviderUsageLog, QuotaRule

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pauses")]


@pytest.fixture
def holding():
    """A vendor that answers only once it is told to `let_go`."""
    vendor = Holding()
    with running_sandbox(vendor) as running:
        running.let_go = vendor.let_go
        yield running


def call(user, **question):
    arguments = {"task": "extraction", "prompt": "Say hello."} | question
    return asyncio.ensure_future(AIOrchestrator().generate(user=user, **arguments))


def pace_of(config):
    [provider] = [one for one in current_snapshot().providers if one.config_id == config.pk]
    return concurrency.run(get_guards().gate_state(gate_of(provider))).pace


def test_a_user_who_asks_too_often_is_told_when_to_come_back(config_at, ask, sandbox):
    config_at()
    Plan.objects.update(requests_per_minute=2)
    with time_machine.travel(1_800_000_000, tick=True) as clock, by_the_process(get_guards()):
        ask()
        ask()
        with pytest.raises(TooManyCalls) as refused:
            ask()
        clock.shift(60)
        ask()

    assert refused.value.status == 429
    assert 1 <= refused.value.retry_after <= 60
    assert refused.value.details == {"limit": 2, "per": "minute"}
    assert AIProviderUsageLog.objects.filter(attempt=0, error_kind="too_many_calls").count() == 1
    assert sandbox.hits()["total"] == 3


def test_a_user_has_so_many_calls_at_a_time_and_a_place_when_one_has_ended(holding, user):
    make_config(model_name="sandbox-mini", base_url=holding.openai)
    Plan.objects.update(max_concurrent_calls=1)

    async def scenario():
        first = call(user)
        await until(lambda: holding.hits()["total"] == 1)
        with pytest.raises(TooManyCalls) as refused:
            await call(user)
        holding.let_go()
        await first
        await call(user)
        return refused.value

    refused = concurrency.run(scenario())

    assert (refused.details, refused.retry_after) == ({"limit": 1, "per": "moment"}, 1)
    assert_books_balance(holding)
    assert_nothing_is_held(user_ids=[user.pk], now=time.time())


def test_a_provider_at_its_rate_is_passed_over(config_at, ask):
    first = config_at(priority=1, requests_per_minute=2)
    spare = config_at(provider_type="claude")
    with time_machine.travel(1_800_000_000, tick=True) as clock, by_the_process(get_guards()):
        answered_by = [ask().provider_config_id for _ in range(3)]
        clock.shift(60)
        answered_by.append(ask().provider_config_id)

    assert answered_by == [first.pk, first.pk, spare.pk, first.pk]


def test_a_call_that_no_provider_has_room_for_waits_until_its_deadline(holding, user):
    make_config(model_name="sandbox-mini", base_url=holding.openai, max_concurrent_calls=1)
    TaskPolicy.objects.create(task="cover_letter", deadline_seconds=1)

    async def scenario():
        first = call(user)
        await until(lambda: holding.hits()["total"] == 1)
        with pytest.raises(ProvidersUnavailable) as refused:
            await call(user, task="cover_letter")
        patient = call(user)
        await asyncio.sleep(0)
        holding.let_go()
        await asyncio.gather(first, patient)
        return refused.value

    refused = concurrency.run(scenario())

    assert (refused.status, refused.retry_after) == (503, 1)
    assert holding.hits()["peak_in_flight"] == 1
    assert_books_balance(holding)
    assert_nothing_is_held(user_ids=[user.pk], now=time.time())


def test_who_asks_once_does_not_wait_behind_all_of_somebody_who_asks_a_lot(holding, user, outsider):
    config = make_config(model_name="sandbox-mini", base_url=holding.openai, max_concurrent_calls=1)
    Plan.objects.update(daily_token_limit=None)

    async def scenario():
        room = waiting_room(f"provider:{config.pk}")

        async def queued(count):
            while sum(map(len, room._queues.values())) + room.has_queue < count:
                await asyncio.sleep(0.01)

        calls = [call(user)]
        await until(lambda: holding.hits()["total"] == 1)
        for number, who in enumerate([user] * 5 + [outsider], start=1):
            calls.append(call(who))
            await asyncio.wait_for(queued(number), PATIENCE_SECONDS)
        holding.let_go()
        await asyncio.gather(*calls)

    concurrency.run(scenario())

    served = list(AIProviderUsageLog.objects.order_by("pk").values_list("user_id", flat=True))
    # The first was at the vendor and the second at the head of the queue before anybody else came.
    assert served.index(outsider.pk) <= 3
    assert holding.hits()["peak_in_flight"] == 1


def test_after_a_vendors_429_it_is_asked_more_slowly_and_then_faster_again(config_at, ask, sandbox):
    first = config_at(priority=1)
    spare = config_at(provider_type="claude")
    sandbox.fault("rate_limited=30", vendor="openai")
    with time_machine.travel(1_800_000_000, tick=False) as clock, by_the_process(get_guards()):
        said_too_fast = ask().provider_config_id
        slowed = pace_of(first)
        while_it_rests = ask().provider_config_id
        clock.shift(30)
        in_its_turn, too_soon = ask().provider_config_id, ask().provider_config_id
        clock.shift(RECOVERY / 2)
        faster = pace_of(first)
        clock.shift(2 * RECOVERY)
        in_the_end = [ask().provider_config_id for _ in range(3)]

        assert pace_of(first) is None
    assert [said_too_fast, while_it_rests, in_its_turn, too_soon] == [spare.pk, spare.pk, first.pk, spare.pk]
    assert slowed < faster
    assert in_the_end == [first.pk] * 3


def test_who_has_no_tokens_left_takes_nobody_elses_turn(config_at, ask, sandbox, user, outsider):
    config_at(requests_per_minute=1)
    TaskPolicy.objects.create(task="extraction", deadline_seconds=20)
    QuotaRule.objects.create(user=user, task="extraction", unit="tokens", period="day", limit=0)

    for _ in range(3):
        with pytest.raises(QuotaExceeded):
            ask()

    assert ask(user=outsider).text
    assert sandbox.hits()["total"] == 1


def test_the_places_of_a_call_that_was_answered_are_free_while_it_is_accounted_for(config_at, user):
    config = config_at(max_concurrent_calls=1)
    Plan.objects.update(max_concurrent_calls=1)
    [provider] = [one for one in current_snapshot().providers if one.config_id == config.pk]
    gates = gate_of(provider), Gate(f"user:{user.pk}", None, 1)
    under_way = []

    async def taken():
        return [(await get_guards().gate_state(gate)).under_way for gate in gates]

    class SettlesOnceTheyAre(PortableLedger):
        async def settle(self, reservation, outcome):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while 1 in (seen := await taken()):
                    await asyncio.sleep(0.01)
            under_way.extend(seen)
            return await super().settle(reservation, outcome)

    asking = AIOrchestrator(ledger=SettlesOnceTheyAre()).generate(
        user=user, task="extraction", prompt="Say hello."
    )
    assert concurrency.run(asking).text
    assert under_way == [0, 0]


def test_who_has_no_tokens_left_gives_the_turn_after_a_429_back(config_at, ask, sandbox, user, outsider):
    config = config_at()
    QuotaRule.objects.create(user=user, task="extraction", unit="tokens", period="day", limit=0)
    gate = gate_of(next(one for one in current_snapshot().providers if one.config_id == config.pk))
    concurrency.run(get_guards().slow_down(gate, retry_after=0))

    with pytest.raises(QuotaExceeded):
        ask()

    began = concurrency.run(get_guards().gate_state(gate))
    assert (began.recent, began.under_way) == (0, 0)
    assert ask(user=outsider).text
