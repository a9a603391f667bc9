"""Processes whose clocks are ten minutes apart go by the clock of Redis in what they share there."""

import time
from collections import Counter
from contextlib import contextmanager

import pytest

from accounts import concurrency
from accounts.models import Plan
from orchestration.guards.base import WINDOW, get_guards
from tests import services
from tests.concurrency.asking_process import work
from tests.concurrency.careless import by_the_clock_of_the_process
from tests.concurrency.forked import forked
from tests.factories import make_config
from tests.sandbox import Holding, running_sandbox
from tests.waiting import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.django_db(transaction=True)]

OFF = 300.0
LIMIT = 4
OWN_CLOCK = pytest.param(by_the_clock_of_the_process, id="by their own clocks")
ONE_CLOCK = pytest.param(None, id="by the clock of Redis")


@pytest.fixture(autouse=True)
def shared_guards(settings):
    settings.REDIS_URL = services.REDIS_URL
    Plan.objects.update(daily_token_limit=None)


@contextmanager
def behind_and_ahead(user, guards):
    with forked(work, user=user.pk, starts_at=time.time(), guards=guards) as processes:
        behind, ahead = processes[:2]
        for process, seconds in ((behind, -OFF), (ahead, OFF)):
            process.tell("shift", seconds=seconds)
            process.hears()
        yield behind, ahead


def asked(process, calls=1):
    process.tell("ask", calls=calls)
    return Counter(process.hears())


@pytest.mark.parametrize("guards", [ONE_CLOCK, OWN_CLOCK])
def test_a_rate_is_one_for_all(user, sandbox, guards):
    Plan.objects.update(requests_per_minute=LIMIT)
    make_config(model_name="sandbox-mini", base_url=sandbox.openai)
    with behind_and_ahead(user, guards) as (behind, ahead):
        began = concurrency.run(get_guards().now())
        said = asked(behind, 6) + asked(ahead, 6) + asked(behind, 6)
        minutes = (concurrency.run(get_guards().now()) - began) // WINDOW

    if guards:
        assert said["sandbox-mini"] >= 2 * LIMIT
    else:
        assert LIMIT <= said["sandbox-mini"] <= LIMIT * (1 + minutes)


@pytest.mark.parametrize("guards", [ONE_CLOCK, OWN_CLOCK])
def test_places_are_those_of_all(user, guards):
    Plan.objects.update(max_concurrent_calls=LIMIT)
    vendor = Holding()
    with running_sandbox(vendor) as holding, behind_and_ahead(user, guards) as (behind, ahead):
        make_config(model_name="sandbox-mini", base_url=holding.openai)
        behind.tell("ask", calls=LIMIT)
        wait_until(lambda: holding.hits()["total"] == LIMIT)
        ahead.tell("ask")
        if guards:
            wait_until(lambda: holding.hits()["total"] == LIMIT + 1)
        else:
            assert ahead.hears() == ["!too_many_calls"]
        vendor.let_go()
        assert Counter(behind.hears()) == {"sandbox-mini": LIMIT}


@pytest.mark.parametrize("guards", [ONE_CLOCK, OWN_CLOCK])
def test_a_circuit_is_open_for_all_for_as_long(user, sandbox, guards):
    """A refused key opens it for five minutes."""
    make_config(model_name="sandbox-mini@auth", base_url=sandbox.openai)
    with behind_and_ahead(user, guards) as (behind, ahead):
        asked(behind)
        before = sandbox.hits()["total"]
        said = asked(ahead)

    assert sandbox.hits()["total"] - before == (1 if guards else 0), said
