"""Redis dies or freezes while calls are under way: they go on, quotas stay exact, and all heals."""

import asyncio
import shutil
import time
from collections import Counter
from contextlib import contextmanager, suppress

import pytest
from redis.exceptions import RedisError

from accounts import concurrency
from accounts.errors import DomainError
from accounts.models import Plan
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.guards.admission import gate_of
from orchestration.guards.base import get_guards
from orchestration.guards.circuit import CONSECUTIVE_FAILURES, COOLDOWN
from orchestration.guards.fallback import AWAY
from orchestration.guards.redis import RedisGuards
from orchestration.routing.snapshot import current_snapshot
from providers.adapters.base import GenerationRequest
from tests.books import assert_books_balance, assert_nothing_is_held
from tests.factories import make_config
from tests.sandbox import Holding, running_sandbox
from tests.servers import own_redis
from tests.waiting import wait_until
from usage.quotas import estimate_input_tokens

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_pauses"),
    pytest.mark.skipif(not shutil.which("redis-server"), reason="needs redis-server"),
]

PROMPT = "Say hello."
INPUT, OUTPUT = estimate_input_tokens(GenerationRequest(prompt=PROMPT)), 64
WAVE = 20


@pytest.fixture
def redis_server(tmp_path, settings):
    """A Redis of our own behind the guards."""
    with own_redis(tmp_path) as server:
        settings.REDIS_URL = server.url
        yield server


@pytest.fixture
def frozen(redis_server):
    """A block in which Redis says nothing. In it, and only in it, the guards are as impatient as in
    production: on a busy machine they would give up on a Redis that is well."""

    @contextmanager
    def block():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("orchestration.guards.redis.PATIENCE", 1.0)
            redis_server.freeze()
            yield
            redis_server.thaw()

    return block


@pytest.fixture
def dead(redis_server):
    """A block in which there is no Redis, and after which there is a new one."""

    @contextmanager
    def block():
        redis_server.kill()
        yield
        redis_server.start()

    return block


@pytest.fixture
def look(redis_server, settings):
    """The gate of the one provider as Redis has it, whatever this process thinks."""

    guards = RedisGuards(redis_server.url, settings.REDIS_KEY_PREFIX)

    def state():
        [provider] = current_snapshot().providers
        while True:
            # On a machine that is busy with something else it may take longer than the guards wait.
            with suppress(RedisError):
                return concurrency.run(guards.gate_state(gate_of(provider)))

    return state


def wave(user, calls=WAVE):
    """How often each outcome came of so many calls at once."""

    async def one():
        try:
            await AIOrchestrator().generate(
                user=user, task="extraction", prompt=PROMPT, max_output_tokens=OUTPUT
            )
        except DomainError as refusal:
            return refusal.code
        return "answered"

    async def all_of_them():
        return Counter(await asyncio.gather(*(one() for _ in range(calls))))

    return concurrency.run(all_of_them())


@pytest.mark.parametrize("outage", ["dead", "frozen"])
def test_quotas_stay_exact_and_calls_go_on(look, config_at, sandbox, user, request, outage):
    # A call uses exactly what it reserved, so that settling one makes no room for another.
    config_at(f"sandbox-mini@usage={INPUT},{OUTPUT}", requests_per_minute=1_000, max_concurrent_calls=50)
    room = 2 * WAVE + 7
    Plan.objects.update(daily_token_limit=room * (INPUT + OUTPUT), max_concurrent_calls=50)

    before = wave(user)
    shared = look().recent
    with request.getfixturevalue(outage)():
        meanwhile = wave(user)
    afterwards = wave(user)

    assert (before, meanwhile) == ({"answered": WAVE}, {"answered": WAVE})
    assert afterwards == {"answered": 7, "quota_exceeded": WAVE - 7}
    assert sandbox.hits()["total"] == room
    assert 0 < shared <= WAVE
    Plan.objects.update(daily_token_limit=None)

    def is_shared():
        known = look().recent
        return wave(user, calls=1) == {"answered": 1} and look().recent > known

    # It is asked again within seconds; then the processes share what they know as before.
    wait_until(is_shared)
    assert_books_balance(sandbox)
    assert_nothing_is_held(user_ids=[user.pk], now=time.time())


def test_a_call_that_ends_while_it_is_frozen_leaves_its_place_when_it_thaws(frozen, look, user):
    vendor = Holding()
    with running_sandbox(vendor) as running:
        # A place that is not given back would lapse long after this test.
        limits = {"max_concurrent_calls": 2, "timeout": 3600}
        make_config(model_name="sandbox-mini", base_url=running.openai, **limits)
        asking = asyncio.run_coroutine_threadsafe(
            AIOrchestrator().generate(user=user, task="extraction", prompt=PROMPT),
            concurrency.background_loop.get(),
        )
        wait_until(lambda: running.hits()["total"] == 1)
        assert look().under_way == 1
        with frozen():
            vendor.let_go()
            # While it is frozen still, so nobody waits for Redis.
            assert asking.result().text
            assert wave(user, calls=2) == {"answered": 2}

        # Also those places that it gave away in its sleep, to calls which had stopped waiting for it.
        wait_until(lambda: wave(user, calls=1) == {"answered": 1} and look().under_way == 0)

        assert_books_balance(running)
    assert_nothing_is_held(user_ids=[user.pk], now=time.time())


def test_without_it_a_process_finds_out_by_itself_that_a_vendor_is_down(
    redis_server, config_at, ask, sandbox
):
    began = time.monotonic()
    config_at("sandbox-mini@server", priority=1)
    spare = config_at(provider_type="claude")
    redis_server.kill()

    answered_by = {ask().provider_config_id for _ in range(10)}

    assert answered_by == {spare.pk}
    probes = (time.monotonic() - began) // COOLDOWN
    assert sandbox.hits()["by_vendor"]["openai"] <= CONSECUTIVE_FAILURES + probes
    assert_books_balance(sandbox)


def test_one_call_at_a_time_finds_out_whether_it_is_back(redis_server, config_at, user, caplog):
    """The others do not spend their patience on it."""
    config_at()
    Plan.objects.update(daily_token_limit=None)
    wave(user, calls=1)
    redis_server.kill()
    wave(user, calls=1)
    guards = get_guards()
    caplog.clear()
    looks = 0
    for _ in range(3):
        guards._away_until = 0.001
        began = time.monotonic()
        assert wave(user) == {"answered": WAVE}
        looks += 1 + (time.monotonic() - began) // AWAY

    away = [record for record in caplog.records if "are away" in record.message]
    assert 3 <= len(away) <= looks
