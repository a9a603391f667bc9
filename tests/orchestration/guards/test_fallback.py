"""Redis away: calls go on, each process guards its own, and all heals when it returns."""

import asyncio
import uuid

import pytest
import redis.exceptions

from orchestration.guards import fallback
from orchestration.guards.base import Choice, Entry, Gate, get_guards
from orchestration.guards.circuit import Circuit
from orchestration.guards.fallback import FallbackGuards
from orchestration.guards.memory import MemoryGuards
from orchestration.guards.redis import RedisGuards
from providers.errors import ErrorKind
from tests import services
from tests.clocks import Clock, at
from tests.ports import free_port
from tests.waiting import PATIENCE_SECONDS

NOW = 1_800_000_000.0
ONE, TWO, FULL = (Gate(name, concurrent=1) for name in ("one", "two", "full"))


async def test_without_its_redis_a_process_guards_its_own():
    guards = FallbackGuards(RedisGuards(f"redis://127.0.0.1:{free_port()}/0", "x"), MemoryGuards())

    first = await guards.enter(ONE, "a", seconds=60)
    second = await guards.enter(ONE, "b", seconds=60)
    await guards.leave(ONE, "a")
    third = await guards.enter(ONE, "c", seconds=60)

    assert [first.admitted, second.admitted, third.admitted] == [True, False, True]


async def test_without_its_redis_every_operation_has_an_answer():
    guards = FallbackGuards(RedisGuards(f"redis://127.0.0.1:{free_port()}/0", "x"), MemoryGuards())

    assert len(await guards.circuits(["a"])) == 1
    assert await guards.claim("job", "me", seconds=60)
    await guards.release("job", "me")
    await guards.slow_down(ONE)
    assert (await guards.gate_state(ONE)).pace is not None
    await guards.remember("a", "b", seconds=60)
    assert await guards.recall(["a"]) == ["b"]


async def test_without_its_redis_a_process_lets_calls_pass_and_leave_in_one_go():
    own = MemoryGuards()
    guards = FallbackGuards(RedisGuards(f"redis://127.0.0.1:{free_port()}/0", "x"), own)
    choices = [Choice("circuit", Entry(ONE, "a", 60.0))]

    chosen = await guards.enter_first(choices, caller=Entry(TWO, "a", 60.0))
    again = await guards.enter_first(choices)
    await guards.leave_all([Entry(ONE, "a", 60.0), Entry(TWO, "a", 60.0)], circuit="circuit")

    assert chosen.caller.admitted
    assert [look[1].admitted for look in (*chosen.looks, *again.looks)] == [True, False]
    assert [(await own.gate_state(gate)).under_way for gate in (ONE, TWO)] == [0, 0]


@pytest.mark.redis
async def test_where_a_redis_is_named_all_processes_share_what_is_in_it(settings, monkeypatch):
    # A machine that is busy with something else may take longer than callers would wait.
    monkeypatch.setattr("orchestration.guards.redis.PATIENCE", PATIENCE_SECONDS)
    settings.REDIS_URL, settings.REDIS_KEY_PREFIX = services.REDIS_URL, f"test-{uuid.uuid4().hex}"
    another_process = RedisGuards(services.REDIS_URL, settings.REDIS_KEY_PREFIX)

    await get_guards().remember("a", "b", seconds=60)

    assert await another_process.recall(["a"]) == ["b"]


@pytest.mark.parametrize("is_named", [True, False])
async def test_where_none_is_reached_all_that_happens_in_a_process_shares_its_own(settings, is_named):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0" if is_named else ""
    settings.REDIS_KEY_PREFIX = uuid.uuid4().hex

    assert [await get_guards().claim("job", holder, seconds=60) for holder in "ab"] == [True, False]


class Silent(MemoryGuards):
    """A shared store that acts on what it is asked, and whose answers do not come while it is away."""

    is_away = False

    async def enter_first(self, choices, *, caller=None):
        return self._answer(await super().enter_first(choices, caller=caller))

    async def leave_all(self, entries, *, circuit):
        if self.is_away:
            raise redis.exceptions.ConnectionError
        return await super().leave_all(entries, circuit=circuit)

    def _answer(self, answer):
        if self.is_away:
            raise redis.exceptions.ConnectionError
        return answer


@pytest.mark.parametrize("goes_away", ["before", "after"])
@pytest.mark.parametrize("with_caller", [True, False])
async def test_places_that_are_held_in_a_store_that_went_away_are_given_back_there(
    clock, goes_away, with_caller
):
    shared = Silent()
    guards = FallbackGuards(shared, MemoryGuards())
    full, one, two = Entry(FULL, "a", 60.0), Entry(ONE, "b", 60.0), Entry(TWO, "c", 60.0)
    await shared.enter(FULL, "somebody", seconds=1e6)
    entries = [one, two] if with_caller else [one]
    shared.is_away = goes_away == "before"
    choices = [Choice("circuit", full), Choice("circuit", one)]
    await guards.enter_first(choices, caller=two if with_caller else None)
    shared.is_away = True
    await guards.leave_all(entries, circuit="circuit")
    assert [await state(shared, entry.gate) for entry in entries] == [(1, 1)] * len(entries)

    shared.is_away = False
    clock.now += 2 * fallback.AWAY
    await guards.circuits(["a"])

    # What it gave without being heard was not used there.
    assert [await state(shared, entry.gate) for entry in entries] == [(int(goes_away == "after"), 0)] * len(
        entries
    )


class Frozen(MemoryGuards):
    """A shared store that notes what it is asked, and while it is away answers nothing; `acts`: it does as
    it is asked even so."""

    def __init__(self):
        super().__init__(Clock(NOW))
        self.is_away = self.acts = False
        self.asked = []

    async def circuits(self, keys):
        return await self._asked("circuits", super().circuits(keys))

    async def change_circuit(self, key, transition):
        return await self._asked("change_circuit", super().change_circuit(key, transition))

    async def enter(self, gate, call, *, seconds):
        return await self._asked("enter", super().enter(gate, call, seconds=seconds))

    async def leave(self, gate, call, *, was_sent=True):
        return await self._asked("leave", super().leave(gate, call, was_sent=was_sent))

    async def release(self, name, holder):
        return await self._asked("release", super().release(name, holder))

    async def _asked(self, what, doing):
        self.asked.append(what)
        if self.is_away and not self.acts:
            doing.close()
            raise redis.exceptions.ConnectionError
        answer = await doing
        if self.is_away:
            raise redis.exceptions.ConnectionError
        return answer


@pytest.fixture
def clock(monkeypatch):
    """What tells when to ask again; `clock.now` may be moved."""
    clock = Clock(1_000.0)
    monkeypatch.setattr(fallback.time, "monotonic", clock)
    return clock


async def comes_back(guards, shared, clock):
    """What the store is asked when the next call finds that it is back."""
    shared.is_away, shared.asked = False, []
    clock.now += 2 * fallback.AWAY
    await guards.circuits(["a"])
    return shared.asked


async def state(guards, gate):
    seen = await guards.gate_state(gate)
    return seen.recent, seen.under_way


@pytest.mark.parametrize("was_sent", [True, False])
async def test_a_place_whose_call_ended_while_it_was_away_is_left_when_it_is_back(clock, was_sent):
    shared = Frozen()
    guards = FallbackGuards(shared, MemoryGuards(Clock(NOW)))
    await guards.enter(ONE, "a", seconds=60)
    shared.is_away = True
    await guards.leave(ONE, "a", was_sent=was_sent)
    assert await state(shared, ONE) == (1, 1)

    asked = await comes_back(guards, shared, clock)

    assert asked == ["circuits", "leave"]
    assert await state(shared, ONE) == (int(was_sent), 0)


async def test_a_place_that_a_frozen_store_may_have_given_is_given_back_unused(clock):
    shared = Frozen()
    guards = FallbackGuards(shared, MemoryGuards(Clock(NOW)))
    shared.is_away = shared.acts = True
    assert (await guards.enter(ONE, "a", seconds=60)).admitted
    assert await state(shared, ONE) == (1, 1)

    await comes_back(guards, shared, clock)

    assert await state(shared, ONE) == (0, 0)


async def test_what_it_was_never_asked_for_is_not_given_back(clock):
    shared = Frozen()
    guards = FallbackGuards(shared, MemoryGuards(Clock(NOW)))
    shared.is_away = True
    await guards.circuits(["a"])
    await guards.enter(ONE, "a", seconds=60)
    await guards.leave(ONE, "a")
    await guards.enter_first([Choice("x", Entry(TWO, "b", 60.0))], caller=Entry(ONE, "c", 60.0))

    assert await comes_back(guards, shared, clock) == ["circuits"]


async def test_who_was_refused_or_has_left_has_nothing_to_give_back(clock):
    shared = Frozen()
    guards = FallbackGuards(shared, MemoryGuards(Clock(NOW)))
    await guards.enter(ONE, "a", seconds=60)
    assert not (await guards.enter(ONE, "b", seconds=60)).admitted
    await guards.enter_first([Choice("x", Entry(ONE, "c", 60.0))])
    await guards.enter_first([Choice("x", Entry(TWO, "d", 60.0))], caller=Entry(ONE, "d", 60.0))
    await guards.leave(ONE, "a")
    await guards.enter(TWO, "e", seconds=60)
    await guards.leave_all([Entry(TWO, "e", 60.0)], circuit="x")
    shared.is_away = True
    for call in "abcde":
        await guards.leave(ONE, call)

    assert await comes_back(guards, shared, clock) == ["circuits"]


async def test_a_debt_that_cannot_be_paid_yet_is_paid_later(clock):
    shared = Frozen()
    guards = FallbackGuards(shared, MemoryGuards(Clock(NOW)))
    await guards.enter(ONE, "a", seconds=60)
    shared.is_away = True
    await guards.leave(ONE, "a")
    clock.now += 2 * fallback.AWAY
    paying = shared.leave

    async def away_again(*args, **kwargs):
        raise redis.exceptions.ConnectionError

    shared.is_away, shared.leave = False, away_again
    await guards.circuits(["a"])
    assert await state(shared, ONE) == (1, 1)
    shared.leave = paying

    assert await comes_back(guards, shared, clock) == ["circuits", "leave"]
    assert await state(shared, ONE) == (1, 0)


async def test_while_one_call_finds_out_whether_it_is_back_the_others_ask_nothing(clock):
    shared = Frozen()
    guards = FallbackGuards(shared, MemoryGuards(Clock(NOW)))
    shared.is_away = True
    await guards.circuits(["a"])
    shared.asked = []
    clock.now += 2 * fallback.AWAY
    asked, answered = asyncio.Event(), asyncio.Event()

    async def claim_slowly(*args, **kwargs):
        asked.set()
        await answered.wait()
        raise redis.exceptions.ConnectionError

    shared.claim = claim_slowly
    finding_out = asyncio.ensure_future(guards.claim("job", "me", seconds=60))
    await asked.wait()
    await guards.circuits(["a"])
    answered.set()

    assert await finding_out, "by its own"
    assert shared.asked == []


@pytest.mark.parametrize("ends", ["by the probe", "with its place"])
async def test_a_probe_that_had_ended_before_it_went_away_is_not_ended_again(clock, ends):
    shared = Frozen()
    guards = FallbackGuards(shared, MemoryGuards(Clock(NOW)))
    half_open, later = Circuit(reason="server", opened_at=NOW, open_until=NOW + 30), NOW + 31
    await shared.change_circuit("one", lambda *_: half_open)
    at(guards, later)
    await guards.change_circuit("one", lambda c, now: c.probed_by("probe", now=now, seconds=600))
    if ends == "by the probe":
        await guards.change_circuit("one", lambda c, _: c.answered("probe"))
    else:
        # Another process has closed it meanwhile.
        await shared.change_circuit("one", lambda *_: Circuit())
        await guards.leave_all([], circuit="one")
    shared.is_away = True
    await guards.change_circuit("one", lambda c, _: c.answered("probe"))

    assert await comes_back(guards, shared, clock) == ["circuits"]


async def test_what_is_changed_while_it_is_away_is_changed_here_and_not_there(clock):
    shared = Frozen()
    guards = FallbackGuards(shared, MemoryGuards(Clock(NOW)))
    shared.is_away = True
    opened = await guards.change_circuit("one", lambda c, now: c.failed("a", ErrorKind.AUTH, now=now))

    assert opened.reason == "auth"
    assert await guards.circuits(["one"]) == [opened]
    assert await comes_back(guards, shared, clock) == ["circuits"]


async def test_a_name_is_given_back_in_both_stores():
    shared, own = MemoryGuards(), MemoryGuards()
    for store in (shared, own):
        await store.claim("job", "me", seconds=60)

    await FallbackGuards(shared, own).release("job", "me")

    assert [await store.claim("job", "another", seconds=60) for store in (shared, own)] == [True, True]


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

    async def change_circuit(self, key, transition):
        if self.is_away:
            raise redis.exceptions.ConnectionError
        return await super().change_circuit(key, transition)


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
    await own.enter(ONE, "a", seconds=60)

    await guards.leave(ONE, "a")

    assert (await own.gate_state(ONE)).under_way == 0


@pytest.mark.parametrize("ending", ["answered", "released_by"])
async def test_a_probe_that_ended_while_it_was_away_is_ended_when_it_is_back(monkeypatch, ending):
    moment = 1_000.0
    monkeypatch.setattr(fallback.time, "monotonic", lambda: moment)
    shared = Stumbling()
    guards = FallbackGuards(shared, MemoryGuards())
    half_open = Circuit(reason="server", opened_at=1.0, open_until=31.0)
    await shared.change_circuit("one", lambda *_: half_open)
    await guards.change_circuit("one", lambda c, now: c.probed_by("probe", now=now, seconds=600))
    shared.is_away = True

    await guards.change_circuit("one", lambda c, _: c.answered("somebody else"))
    await guards.change_circuit("one", lambda c, _: getattr(c, ending)("probe"))
    shared.is_away = False
    moment += fallback.AWAY
    await guards.circuits(["one"])

    [circuit] = await shared.circuits(["one"])
    assert circuit.state(await shared.now()) == {"answered": "closed", "released_by": "half_open"}[ending]
