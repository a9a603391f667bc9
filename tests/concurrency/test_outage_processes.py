"""Four processes and one Redis: what one of them finds out about a vendor, all of them know."""

import time

import pytest

from orchestration.guards.circuit import CONSECUTIVE_FAILURES, COOLDOWN
from tests import services
from tests.books import assert_books_balance, assert_nothing_is_held
from tests.concurrency.asking_process import work
from tests.concurrency.careless import by_the_clock_of_the_process
from tests.concurrency.forked import PROCESSES, everybody, forked
from tests.factories import make_config, make_user
from tests.sandbox import running_sandbox

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.django_db(transaction=True)]

STARTS_AT = 1_800_000_000
OUTAGE, STEP = 600.0, 15.0


@pytest.fixture(autouse=True)
def shared_guards(settings):
    settings.REDIS_URL = services.REDIS_URL


@pytest.fixture
def failing():
    """A vendor of its own, down until `chaos(probability=0)`."""
    with running_sandbox() as vendor:
        vendor.chaos("server", probability=1.0)
        yield vendor


def test_ten_minutes_cost_the_threshold_and_the_probes_over_all_processes(sandbox, failing):
    make_config(model_name="sandbox-large", base_url=failing.openai, priority=1)
    make_config(model_name="sandbox-mini", base_url=sandbox.openai)
    user = make_user("pro@example.com", plan="pro_annual")
    rounds = int(OUTAGE / STEP)
    began = time.monotonic()

    own = by_the_clock_of_the_process
    with forked(work, user=user.pk, starts_at=STARTS_AT, guards=own) as processes:
        answers = []
        for _ in range(rounds):
            answers += everybody(processes, "ask")
            everybody(processes, "shift", seconds=STEP)
        probes = (OUTAGE + time.monotonic() - began) // COOLDOWN
        assert {answer for outcomes in answers for answer in outcomes} == {"sandbox-mini"}
        # Those that were under way in the other processes when the circuit opened could not know.
        assert 0 < failing.hits()["total"] <= CONSECUTIVE_FAILURES + PROCESSES - 1 + probes

        failing.chaos(probability=0.0)
        everybody(processes, "shift", seconds=COOLDOWN)
        processes[0].tell("ask")
        assert processes[0].hears() == ["sandbox-large"]
        assert everybody(processes, "ask") == [["sandbox-large"]] * PROCESSES

    assert_books_balance(sandbox, failing)
    assert_nothing_is_held(user_ids=[user.pk], now=STARTS_AT + OUTAGE)
