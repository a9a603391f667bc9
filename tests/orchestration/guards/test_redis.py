"""How the guards in Redis use it."""

import asyncio
import uuid

import pytest
import redis
from redis.exceptions import RedisError

from orchestration.guards.base import Gate
from orchestration.guards.redis import RedisGuards, _Line
from tests import services
from tests.waiting import PATIENCE_SECONDS

ONE = Gate("one", concurrent=1)


@pytest.fixture
def shared(monkeypatch):
    # A machine that is busy with something else may take longer than callers would wait.
    monkeypatch.setattr("orchestration.guards.redis.PATIENCE", PATIENCE_SECONDS)
    with redis.Redis.from_url(services.REDIS_URL) as client:
        yield client


def guards_called(name):
    return RedisGuards(f"{services.REDIS_URL}?client_name={name}", name)


@pytest.fixture
def name():
    return f"test-{uuid.uuid4().hex}"


@pytest.mark.redis
async def test_its_clock_is_the_one_of_all(shared, name):
    def moment():
        seconds, microseconds = shared.time()
        return seconds + microseconds / 1e6

    before = moment()
    now = await guards_called(name).now()

    assert before <= now <= moment()


@pytest.mark.redis
async def test_calls_after_one_another_share_a_connection(shared, name):
    guards = guards_called(name)

    for _ in range(5):
        await guards.circuits(["one"])

    assert sum(client["name"] == name for client in shared.client_list()) == 1


@pytest.mark.redis
async def test_a_redis_that_has_lost_its_scripts_is_sent_them(shared, name, monkeypatch):
    # As after its restart, which would take the scripts of whoever else uses it.
    monkeypatch.setattr("orchestration.guards.redis._digest", lambda script: "0" * 40)
    guards = guards_called(name)

    entries = [await guards.enter(ONE, call, seconds=60) for call in "ab"]

    assert [entry.admitted for entry in entries] == [True, False]


async def test_who_waited_for_a_connection_while_redis_went_away_does_not_ask_it(monkeypatch):
    monkeypatch.setattr("orchestration.guards.redis.CONNECTIONS", 1)
    line, asked = _Line(client=None), []

    async def question(_):
        asked.append("somebody")
        await asyncio.sleep(0)
        raise RedisError

    answers = await asyncio.gather(*(line.ask(question) for _ in range(5)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [RedisError] * 5
    assert len(asked) == 1
    with pytest.raises(RedisError):
        await line.ask(question)
    assert len(asked) == 2, "who comes later tries again"
