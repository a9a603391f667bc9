"""Redis away: calls go on, each process guards its own, and all heals when it returns."""

import uuid

import pytest
import redis.exceptions

from orchestration.guards import fallback
from orchestration.guards.base import Choice, Entry, Gate
from orchestration.guards.circuit import Circuit
from orchestration.guards.fallback import FallbackGuards
from orchestration.guards.memory import MemoryGuards
from orchestration.guards.redis import RedisGuards
from tests import services
from tests.ports import free_port

NOW = 1_800_000_000.0
ONE, TWO = Gate("one", concurrent=1), Gate("two", concurrent=1)


async def test_without_its_redis_a_process_guards_its_own():
    guards = FallbackGuards(RedisGuards(f"redis://127.0.0.1:{free_port()}/0", "x"), MemoryGuards())

    first = await guards.enter(ONE, "a", now=NOW, seconds=60)
    second = await guards.enter(ONE, "b", now=NOW, seconds=60)
    await guards.leave(ONE, "a")
    third = await guards.enter(ONE, "c", now=NOW, seconds=60)

    assert [first.admitted, second.admitted, third.admitted] == [True, False, True]


async def test_without_its_redis_every_operation_has_an_answer():
    guards = FallbackGuards(RedisGuards(f"redis://127.0.0.1:{free_port()}/0", "x"), MemoryGuards())

    assert len(await guards.circuits(["a"])) == 1
    assert await guards.claim("job", "me", seconds=60)
    await guards.release("job", "me")
    await guards.slow_down(ONE, now=NOW)
    assert (await guards.gate_state(ONE, now=NOW)).pace is not None
    await guards.remember("a", "b", seconds=60)
    assert await guards.recall(["a"]) == ["b"]


async def test_without_its_redis_a_process_lets_calls_pass_and_leave_in_one_go():
    own = MemoryGuards()
    guards = FallbackGuards(RedisGuards(f"redis://127.0.0.1:{free_port()}/0", "x"), own)
    choices = [Choice("circuit", Entry(ONE, "a", 60.0))]

    chosen = await guards.enter_first(choices, caller=Entry(TWO, "a", 60.0), now=NOW)
    again = await guards.enter_first(choices, now=NOW)
    await guards.leave_all([Entry(ONE, "a", 60.0), Entry(TWO, "a", 60.0)], circuit="circuit")

    assert chosen.caller.admitted
    assert [look[1].admitted for look in (*chosen.looks, *again.looks)] == [True, False]
    assert [(await own.gate_state(gate, now=NOW)).under_way for gate in (ONE, TWO)] == [0, 0]


class Silent(MemoryGuards):
    """A shared store that acts on what it is asked, and whose answers do not come while it is away."""

    is_away = False

    async def enter_first(self, choices, *, caller=None, now):
        return self._answer(await super().enter_first(choices, caller=caller, now=now))

    async def leave_all(self, entries, *, circuit):
        if self.is_away:
            raise redis.exceptions.ConnectionError
        return await super().leave_all(entries, circuit=circuit)

    def _answer(self, answer):
        if self.is_away:
            raise redis.exceptions.ConnectionError
        return answer


@pytest.mark.parametrize("goes_away", ["before", "after"])
async def test_places_that_are_held_in_a_store_that_went_away_are_given_back_there(monkeypatch, goes_away):
    moment = 1_000.0
    monkeypatch.setattr(fallback.time, "monotonic", lambda: moment)
    shared = Silent()
    guards = FallbackGuards(shared, MemoryGuards())
    entries = [Entry(ONE, "a", 60.0), Entry(TWO, "a", 60.0)]
    shared.is_away = goes_away == "before"
    await guards.enter_first([Choice("circuit", entries[0])], caller=entries[1], now=NOW)
    shared.is_away = True
    await guards.leave_all(entries, circuit="circuit")
    assert [(await shared.gate_state(gate, now=NOW)).under_way for gate in (ONE, TWO)] == [1, 1]

    shared.is_away = False
    moment += 2 * fallback.AWAY
    await guards.circuits(["a"])

    assert [(await shared.gate_state(gate, now=NOW)).under_way for gate in (ONE, TWO)] == [0, 0]


class Stumbling(MemoryGuards):
    """A shared store that is away as long as it is told to be, and counts who asks."""

    def __init__(self):
        super().__init__()
        self.is_away, self.asked = False, 0

    async def circuits(self, keys):
        self.asked += 1
        if self.is_away:
            raise redis.exceptions.ConnectionError
        return await super().circuits(keys)

    async def change_circuit(self, key, transition, *, now):
        if self.is_away:
            raise redis.exceptions.ConnectionError
        return await super().change_circuit(key, transition, now=now)


async def test_an_outage_costs_its_patience_once_and_ends(monkeypatch):
    moment = 1_000.0
    monkeypatch.setattr(fallback.time, "monotonic", lambda: moment)
    shared = Stumbling()
    guards = FallbackGuards(shared, MemoryGuards())
    shared.is_away = True
    for _ in range(10):
        await guards.circuits(["a"])
    assert shared.asked == 1

    shared.is_away = False
    moment += fallback.AWAY
    for _ in range(3):
        await guards.circuits(["a"])

    assert shared.asked == 4


@pytest.mark.redis
async def test_a_place_taken_while_it_was_away_is_left_when_it_is_back():
    own = MemoryGuards()
    guards = FallbackGuards(RedisGuards(services.REDIS_URL, f"test-{uuid.uuid4().hex}"), own)
    await own.enter(ONE, "a", now=NOW, seconds=60)

    await guards.leave(ONE, "a")

    assert (await own.gate_state(ONE, now=NOW)).under_way == 0


@pytest.mark.parametrize("ending", ["answered", "released_by"])
async def test_a_probe_that_ended_while_it_was_away_is_ended_when_it_is_back(monkeypatch, ending):
    moment = 1_000.0
    monkeypatch.setattr(fallback.time, "monotonic", lambda: moment)
    shared = Stumbling()
    guards = FallbackGuards(shared, MemoryGuards())
    half_open, later = Circuit(reason="server", opened_at=NOW, open_until=NOW + 30), NOW + 31
    await shared.change_circuit("one", lambda _: half_open, now=NOW)
    await guards.change_circuit("one", lambda c: c.probed_by("probe", now=later, seconds=600), now=later)
    shared.is_away = True

    await guards.change_circuit("one", lambda c: c.answered("somebody else"), now=later)
    await guards.change_circuit("one", lambda c: getattr(c, ending)("probe"), now=later)
    shared.is_away = False
    moment += fallback.AWAY
    await guards.circuits(["one"])

    [circuit] = await shared.circuits(["one"])
    assert circuit.state(later) == {"answered": "closed", "released_by": "half_open"}[ending]
