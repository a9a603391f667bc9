"""A vendor is down for ten minutes of a simulated clock: little is lost on it, and no caller notices."""

import time

import pytest
import time_machine

from orchestration.guards.base import get_guards
from orchestration.guards.circuit import CONSECUTIVE_FAILURES, COOLDOWN
from tests import services
from tests.books import assert_books_balance, assert_nothing_is_held
from tests.clocks import by_the_process
from tests.factories import make_config, make_user
from tests.sandbox import running_sandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pauses", "guards")]

STARTS_AT = 1_800_000_000
OUTAGE, STEP = 600.0, 10.0


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
def guards(request, settings):
    """Both shapes of the guards, in whichever shape this run of the suite is."""
    settings.REDIS_URL = services.REDIS_URL if request.param == "redis" else ""


@pytest.fixture
def clock():
    with time_machine.travel(STARTS_AT, tick=True) as traveller, by_the_process(get_guards()):
        yield traveller


@pytest.fixture
def failing():
    """A vendor of its own, down until `chaos(probability=0)`."""
    with running_sandbox() as vendor:
        vendor.chaos("server", probability=1.0)
        yield vendor


def test_ten_minutes_cost_the_threshold_and_the_probes(config_at, ask, sandbox, failing, clock):
    first = make_config(model_name="sandbox-mini", base_url=failing.openai, priority=1)
    spare = config_at(provider_type="claude")
    user = make_user("pro@example.com", plan="pro_annual")
    answered_by = []
    while time.time() < STARTS_AT + OUTAGE:
        answered_by.append(ask(user=user).provider_config_id)
        clock.shift(STEP)
    probes = (time.time() - STARTS_AT) // COOLDOWN
    assert set(answered_by) == {spare.pk}
    assert 0 < failing.hits()["total"] <= CONSECUTIVE_FAILURES + probes

    failing.chaos(probability=0.0)
    clock.shift(COOLDOWN)

    assert ask(user=user).provider_config_id == first.pk
    assert_books_balance(sandbox, failing)
    assert_nothing_is_held(user_ids=[user.pk], now=time.time())
