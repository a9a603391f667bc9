"""What four processes share holds over all of them, and does not without the check that it rests on."""

import time
from collections import Counter
from contextlib import contextmanager

import pytest

from accounts import concurrency
from accounts.models import Plan
from orchestration.guards.admission import circuit_key
from orchestration.guards.base import get_guards
from orchestration.guards.circuit import Circuit
from orchestration.routing.snapshot import current_snapshot
from providers.errors import ErrorKind
from tests import services
from tests.books import assert_books_balance, assert_nothing_is_held, every_candidate
from tests.concurrency.asking_process import work
from tests.concurrency.careless import giving_to_everybody, looking_then_writing
from tests.concurrency.forked import PROCESSES, forked
from tests.factories import make_config
from tests.sandbox import Holding, running_sandbox
from tests.waiting import wait_until
from usage.models import AIProviderUsageLog

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.django_db(transaction=True)]

CALLS = 8
EVERYBODY = PROCESSES * CALLS


@pytest.fixture(autouse=True)
def shared_guards(settings):
    settings.REDIS_URL = services.REDIS_URL
    Plan.objects.update(daily_token_limit=None)


@pytest.fixture
def holding():
    """A vendor that answers only once it is told to, and the config that leads there."""
    vendor = Holding()
    with running_sandbox(vendor) as running:
        running.let_go = vendor.let_go
        make_config(model_name="sandbox-mini", base_url=running.openai)
        yield running


@contextmanager
def everybody_asks(user, *, guards=None, **question):
    """CALLS calls at once in each process; yields how often each outcome came, once the block is over."""
    said = Counter()
    with forked(work, user=user.pk, guards=guards) as processes:
        for process in processes:
            process.tell("ask", calls=CALLS, **question)
        yield said
        for process in processes:
            said.update(process.hears())


def refused():
    return AIProviderUsageLog.objects.filter(attempt=0).count()


def in_order(user, vendor):
    assert_books_balance(vendor)
    assert_nothing_is_held(user_ids=[user.pk], now=time.time())


def make_half_open():
    """As the circuit of the one config is when its time is over."""
    candidate = every_candidate(current_snapshot())[0]
    past = time.time() - 1
    circuit = Circuit(reason=ErrorKind.SERVER.value, opened_at=past, open_until=past)
    concurrency.run(get_guards().change_circuit(circuit_key(candidate), lambda *_: circuit))


def test_a_half_open_circuit_lets_one_probe_of_all_processes_through(user, holding):
    make_half_open()

    with everybody_asks(user) as said:
        wait_until(lambda: refused() == EVERYBODY - 1)
        holding.let_go()

    assert said == {"sandbox-mini": 1, "!providers_unavailable": EVERYBODY - 1}
    assert holding.hits()["total"] == 1
    in_order(user, holding)


def test_without_the_compare_and_set_several_probes_go_through(user, holding):
    make_half_open()

    with everybody_asks(user, guards=looking_then_writing):
        wait_until(lambda: holding.hits()["total"] + refused() == EVERYBODY)
        holding.let_go()

    assert holding.hits()["total"] > 1


def test_identical_calls_of_all_processes_are_asked_once(user, holding):
    with everybody_asks(user, is_repeatable=True) as said:
        wait_until(lambda: holding.hits()["total"] == 1)
        holding.let_go()

    assert said == {"sandbox-mini": 1, "sandbox-mini (cached)": EVERYBODY - 1}
    assert holding.hits()["total"] == 1
    in_order(user, holding)


def test_without_the_claim_they_are_asked_several_times(user, holding):
    with everybody_asks(user, guards=giving_to_everybody, is_repeatable=True):
        wait_until(lambda: holding.hits()["total"] == EVERYBODY)
        holding.let_go()

    assert holding.hits()["total"] == EVERYBODY


def test_when_the_process_that_asks_is_killed_another_one_asks(user, holding):
    with forked(work, user=user.pk, lease=5.0) as processes:
        processes[0].tell("ask", is_repeatable=True)
        wait_until(lambda: holding.hits()["total"] == 1)
        processes[0].kill()
        for process in processes[1:]:
            process.tell("ask", is_repeatable=True)
        wait_until(lambda: holding.hits()["total"] == 2)
        holding.let_go()
        said = Counter(outcome for process in processes[1:] for outcome in process.hears())

    assert said == {"sandbox-mini": 1, "sandbox-mini (cached)": PROCESSES - 2}
    assert holding.hits()["total"] == 2


@pytest.mark.parametrize("limit", ["requests_per_minute", "max_concurrent_calls"])
def test_what_a_plan_allows_a_user_holds_over_all_processes(user, holding, limit):
    Plan.objects.update(**{limit: 7})

    with everybody_asks(user) as said:
        wait_until(lambda: refused() == EVERYBODY - 7)
        holding.let_go()

    assert said == {"sandbox-mini": 7, "!too_many_calls": EVERYBODY - 7}
    assert holding.hits()["total"] == 7
    in_order(user, holding)


def test_a_rate_that_is_read_and_then_written_overshoots(user, holding):
    Plan.objects.update(requests_per_minute=3)

    with everybody_asks(user, guards=looking_then_writing) as said:
        wait_until(lambda: holding.hits()["total"] + refused() == EVERYBODY)
        holding.let_go()

    assert said["sandbox-mini"] > 3


def test_a_provider_is_never_asked_more_at_once_than_it_takes_and_everybody_gets_a_turn(user, sandbox):
    make_config(model_name="sandbox-mini@slow=0.05", base_url=sandbox.openai, max_concurrent_calls=3)

    with everybody_asks(user) as said:
        pass

    assert said == {"sandbox-mini@slow=0.05": EVERYBODY}
    assert sandbox.hits()["peak_in_flight"] <= 3
    in_order(user, sandbox)
