"""One contract for the guards of a process and for those that all processes share."""

import asyncio
import uuid
from dataclasses import replace
from functools import partial

import pytest
from redis.exceptions import RedisError

from orchestration.guards.base import LOWEST_PACE, ONE_CONGESTION, RECOVERY, WINDOW, Choice, Entry, Gate
from orchestration.guards.circuit import Circuit
from orchestration.guards.fallback import FallbackGuards
from orchestration.guards.memory import MemoryGuards
from orchestration.guards.redis import RedisGuards
from providers.errors import ErrorKind
from tests import services
from tests.clocks import Clock, at
from tests.waiting import PATIENCE_SECONDS

NOW = 1_800_000_000.0


class Away(MemoryGuards):
    """A shared store that nobody reaches."""

    def __getattribute__(self, name):
        if name.startswith("_"):
            return super().__getattribute__(name)
        raise RedisError


@pytest.fixture(params=["memory", "reached", "away", pytest.param("redis", marks=pytest.mark.redis)])
def guards(request, monkeypatch):
    """The stores themselves, and a shared one with the process's own behind it, reached and away."""
    if request.param == "memory":
        return MemoryGuards(Clock(NOW))
    if request.param in {"reached", "away"}:
        clock = Clock(NOW)
        shared = MemoryGuards(clock) if request.param == "reached" else Away(clock)
        return FallbackGuards(shared, MemoryGuards(clock))
    # A machine that is busy with something else may take longer than callers would wait.
    monkeypatch.setattr("orchestration.guards.redis.PATIENCE", PATIENCE_SECONDS)
    return RedisGuards(services.REDIS_URL, f"test-{uuid.uuid4().hex}", Clock(NOW))


@pytest.fixture
def gate():
    """Names of our own: Redis is shared with whoever else runs."""

    def make(**limits):
        return Gate(f"gate-{uuid.uuid4().hex}", **limits)

    return make


def refused(circuit, now):
    """What becomes of a circuit by a refused key."""
    return circuit.failed("a", ErrorKind.AUTH, now=now)


async def enter(guards, gate, call, *, now=NOW, seconds=60.0):
    return await at(guards, now).enter(gate, call, seconds=seconds)


async def admitted(guards, gate, count, *, now=NOW):
    """How many of so many that come at once pass."""
    entries = await asyncio.gather(
        *(enter(guards, gate, f"{now}-{number}", now=now) for number in range(count))
    )
    return sum(entry.admitted for entry in entries)


async def test_a_rate_admits_so_many_in_any_minute(guards, gate):
    narrow = gate(per_minute=3)

    assert await admitted(guards, narrow, 10) == 3
    refused = await enter(guards, narrow, "x", now=NOW + 20)
    assert (refused.admitted, refused.cause, refused.wait) == (False, "rate", pytest.approx(WINDOW - 20))
    assert await admitted(guards, narrow, 10, now=NOW + WINDOW) == 3


async def test_a_lowered_rate_says_when_there_will_be_room_again(guards, gate):
    wide = gate(per_minute=3)
    for second in range(3):
        await enter(guards, wide, f"{second}", now=NOW + second)

    refused = await enter(guards, Gate(wide.key, per_minute=1), "x", now=NOW + 10)

    assert refused.wait == pytest.approx(NOW + 2 + WINDOW - (NOW + 10))


async def test_places_are_free_again_when_their_calls_have_left(guards, gate):
    two = gate(concurrent=2)

    for call in ("v", "w"):
        assert (await enter(guards, two, call)).admitted
    refused = await enter(guards, two, "x")
    assert (refused.cause, refused.wait) == ("concurrency", 0.0)
    await guards.leave(two, "v")
    await guards.leave(two, "never entered")
    assert (await enter(guards, two, "y")).admitted
    assert not (await enter(guards, two, "z")).admitted


async def test_the_place_of_a_process_that_died_lapses(guards, gate):
    one = gate(concurrent=1)
    await enter(guards, one, "dead", seconds=30)

    assert not (await enter(guards, one, "a", now=NOW + 29)).admitted
    assert (await enter(guards, one, "b", now=NOW + 30)).admitted


async def test_a_refused_call_uses_up_nothing(guards, gate):
    both = gate(per_minute=5, concurrent=1)
    await admitted(guards, both, 5)

    state = await at(guards, NOW).gate_state(both)

    assert (state.recent, state.under_way, state.pace) == (1, 1, None)


async def test_a_gate_without_limits_counts_and_admits(guards, gate):
    free = gate(is_paced=True)

    assert await admitted(guards, free, 20) == 20
    assert (await at(guards, NOW).gate_state(free)).recent == 20


async def test_after_too_fast_the_pace_is_halved_and_grows_again(guards, gate):
    paced = gate(is_paced=True)
    await admitted(guards, paced, 60)
    await at(guards, NOW).slow_down(paced)

    assert (await at(guards, NOW).gate_state(paced)).pace == pytest.approx(30)
    refused = await enter(guards, paced, "early", now=NOW)
    assert (refused.cause, refused.wait) == ("pace", pytest.approx(2.0))
    assert (await enter(guards, paced, "in time", now=NOW + 2)).admitted
    assert (await enter(guards, paced, "too soon", now=NOW + 2.5)).cause == "pace"
    assert (await at(guards, NOW + 10).gate_state(paced)).pace == pytest.approx(30 + 60 * 10 / RECOVERY)


async def test_the_next_call_waits_as_long_as_the_vendor_asked_for(guards, gate):
    paced = gate(is_paced=True)
    await at(guards, NOW).slow_down(paced, retry_after=0.5)

    assert (await enter(guards, paced, "early", now=NOW)).wait == pytest.approx(0.5)
    assert (await enter(guards, paced, "in time", now=NOW + 0.5)).admitted
    assert (await enter(guards, paced, "next", now=NOW + 0.5)).cause == "pace"


async def test_a_pace_that_has_grown_beyond_what_it_was_is_no_limit_any_more(guards, gate):
    paced = gate(is_paced=True)
    await admitted(guards, paced, 60)
    await at(guards, NOW).slow_down(paced)

    assert (await at(guards, NOW + 2 * RECOVERY).gate_state(paced)).pace is None
    assert await admitted(guards, paced, 200, now=NOW + 2 * RECOVERY) == 200


async def test_one_congestion_counts_once(guards, gate):
    paced = gate(is_paced=True)
    await admitted(guards, paced, 60)
    for _ in range(10):
        await at(guards, NOW).slow_down(paced)
    assert (await at(guards, NOW).gate_state(paced)).pace == pytest.approx(30)

    await at(guards, NOW + ONE_CONGESTION).slow_down(paced)

    grown = 30 + 60 * ONE_CONGESTION / RECOVERY
    assert (await at(guards, NOW + ONE_CONGESTION).gate_state(paced)).pace == pytest.approx(grown / 2)


async def test_a_pace_never_stands_still(guards, gate):
    paced = gate(is_paced=True)
    for number in range(20):
        await at(guards, NOW + number * ONE_CONGESTION).slow_down(paced)

    pace = (await at(guards, NOW + 19 * ONE_CONGESTION).gate_state(paced)).pace

    assert pace == pytest.approx(LOWEST_PACE)


async def test_circuits_are_closed_until_somebody_says_otherwise(guards):
    changed = await at(guards, NOW).change_circuit("one", refused)

    assert await guards.circuits(["one", "two"]) == [changed, Circuit()]
    assert await guards.circuits([]) == []


async def test_a_circuit_that_closes_leaves_nothing_behind(guards):
    await at(guards, NOW).change_circuit("one", refused)
    await at(guards, NOW).change_circuit("one", lambda *_: Circuit())

    assert await guards.circuits(["one"]) == [Circuit()]


async def test_a_transition_that_gives_nothing_changes_nothing(guards):
    before = await at(guards, NOW).change_circuit("one", refused)

    assert await at(guards, NOW).change_circuit("one", lambda *_: None) is None
    assert await at(guards, NOW).change_circuit("one", lambda circuit, _: circuit) == before
    assert await guards.circuits(["one"]) == [before]


async def test_failures_at_the_same_moment_are_all_counted(guards):
    def fail(circuit, now):
        return circuit.failed("a", ErrorKind.TIMEOUT, now=now)

    await asyncio.gather(*(at(guards, NOW).change_circuit("one", fail) for _ in range(4)))

    assert (await guards.circuits(["one"]))[0].outcomes == "1111"


async def test_of_many_at_once_one_becomes_the_probe(guards):
    await at(guards, NOW).change_circuit("one", refused)
    later = NOW + 1_000

    def probe(call):
        return lambda circuit, now: circuit.probed_by(call, now=now, seconds=60)

    claimed = await asyncio.gather(
        *(at(guards, later).change_circuit("one", probe(f"{number}")) for number in range(20))
    )

    assert sum(circuit is not None for circuit in claimed) == 1


async def test_a_name_has_one_holder_until_it_is_released(guards):
    holders = [uuid.uuid4().hex for _ in range(10)]
    claims = await asyncio.gather(*(guards.claim("job", holder, seconds=60) for holder in holders))
    assert sum(claims) == 1
    winner = holders[claims.index(True)]
    assert await guards.claim("job", winner, seconds=60), "who holds it may ask again"

    await guards.release("job", "somebody else")
    assert not await guards.claim("job", "somebody else", seconds=60)
    await guards.release("job", winner)
    assert await guards.claim("job", "somebody else", seconds=60)


async def test_who_holds_a_name_may_hold_it_for_longer(guards):
    for name in ("lapses", "stays"):
        assert await guards.claim(name, "first", seconds=0.5)
    assert await guards.claim("stays", "first", seconds=60)

    while not await guards.claim("lapses", "second", seconds=60):
        await asyncio.sleep(0.05)

    assert not await guards.claim("stays", "second", seconds=60)


async def test_values_are_kept_by_name(guards):
    await guards.remember("a", "first ✓", seconds=60)

    assert await guards.recall(["a", "b"]) == ["first ✓", None]
    assert await guards.recall([]) == []


async def test_a_value_is_forgotten_in_time(guards):
    await guards.remember("a", "soon gone", seconds=0.01)
    while await guards.recall(["a"]) != [None]:
        await asyncio.sleep(0.01)


async def test_memory_forgets_what_was_asked_for_the_longest_ago(monkeypatch):
    monkeypatch.setattr("orchestration.guards.memory.MOST_VALUES", 2)
    guards = MemoryGuards()
    await guards.remember("a", "1", seconds=60)
    await guards.remember("b", "2", seconds=60)
    await guards.recall(["a"])
    await guards.remember("c", "3", seconds=60)

    assert await guards.recall(["a", "b", "c"]) == ["1", None, "3"]


async def test_a_call_that_was_not_sent_counts_for_no_rate(guards, gate):
    narrow = gate(per_minute=2, concurrent=2)
    await enter(guards, narrow, "sent")
    await enter(guards, narrow, "not sent")

    await guards.leave(narrow, "not sent", was_sent=False)
    await guards.leave(narrow, "sent")

    state = await at(guards, NOW).gate_state(narrow)
    assert (state.recent, state.under_way) == (1, 0)
    assert (await enter(guards, narrow, "next")).admitted
    assert (await enter(guards, narrow, "one too many")).cause == "rate"


async def test_a_call_that_was_not_sent_gives_its_turn_back(guards, gate):
    paced = gate(is_paced=True)
    await at(guards, NOW).slow_down(paced, retry_after=1)
    for call in ("a", "b"):
        assert (await enter(guards, paced, call, now=NOW + 1)).admitted
        await guards.leave(paced, call, was_sent=False)

    assert (await enter(guards, paced, "sent", now=NOW + 1)).admitted
    await guards.leave(paced, "sent")
    assert (await enter(guards, paced, "too soon", now=NOW + 1)).cause == "pace"


async def test_the_turn_of_somebody_later_and_a_vendors_word_stand(guards, gate):
    paced = gate(is_paced=True)
    await at(guards, NOW).slow_down(paced, retry_after=0)
    await enter(guards, paced, "first", now=NOW)
    later = NOW + 30
    assert (await enter(guards, paced, "second", now=later)).admitted

    await guards.leave(paced, "first", was_sent=False)
    assert (await enter(guards, paced, "third", now=later)).cause == "pace"

    await at(guards, later + 5).slow_down(paced, retry_after=20)
    await guards.leave(paced, "second", was_sent=False)
    assert (await enter(guards, paced, "third", now=later + 6)).wait == pytest.approx(19)


def choice(circuit, gate, call, **more):
    return Choice(circuit, Entry(gate, call, 60.0), **more)


async def under_way(guards, *gates):
    return [(await at(guards, NOW).gate_state(one)).under_way for one in gates]


@pytest.mark.parametrize("with_caller", [True, False])
async def test_the_first_gate_with_room_behind_a_closed_circuit_is_entered(guards, gate, with_caller):
    def noted(circuit, _):
        return replace(circuit, outcomes="1")

    mine, full, room, beyond = gate(concurrent=2), gate(concurrent=1), gate(is_paced=True), gate()
    await enter(guards, full, "somebody")
    shut = await at(guards, NOW).change_circuit("open", refused)
    stumbled = await at(guards, NOW).change_circuit("stumbled", noted)
    choices = [choice("open", room, "w"), choice("queued", room, "x", is_queued=True)]
    choices += [choice("full", full, "y"), choice("stumbled", room, "z"), choice("beyond", beyond, "z")]

    caller = Entry(mine, "me", 60.0) if with_caller else None
    chosen = await at(guards, NOW).enter_first(choices, caller=caller)

    assert (chosen.caller and chosen.caller.admitted) == (True if with_caller else None)
    assert [circuit for circuit, _ in chosen.looks] == [shut, Circuit(), Circuit(), stumbled]
    said = [answer and (answer.admitted, answer.cause) for _, answer in chosen.looks]
    assert said == [None, None, (False, "concurrency"), (True, "")]
    assert await under_way(guards, mine, full, room, beyond) == [int(with_caller), 1, 1, 0]


async def test_a_caller_who_may_not_pass_takes_no_place_elsewhere(guards, gate):
    mine, room = gate(per_minute=1), gate()
    await enter(guards, mine, "before")

    caller = Entry(mine, "me", 60.0)
    chosen = await at(guards, NOW + 20).enter_first([choice("one", room, "x")], caller=caller)

    assert (chosen.caller.cause, chosen.caller.wait) == ("rate", pytest.approx(WINDOW - 20))
    assert (chosen.looks, await under_way(guards, room)) == ((), [0])


async def test_choosing_ends_at_a_half_open_circuit_and_passes_one_that_is_probed(guards, gate):
    probed_at, half_open, room = gate(), gate(), gate()
    await at(guards, NOW).change_circuit("probed", refused)
    await at(guards, NOW).change_circuit("half-open", refused)
    later = NOW + 1_000
    await at(guards, later).change_circuit("probed", lambda c, now: c.probed_by("b", now=now, seconds=60))
    choices = [
        choice("probed", probed_at, "x"),
        choice("half-open", half_open, "x"),
        choice("one", room, "x"),
    ]

    chosen = await at(guards, later).enter_first(choices)

    assert [circuit.state(later) for circuit, _ in chosen.looks] == ["probing", "half_open"]
    assert [answer for _, answer in chosen.looks] == [None, None]
    assert await under_way(guards, probed_at, half_open, room) == [0, 0, 0]


async def test_places_are_left_together_and_the_circuit_is_told(guards, gate):
    mine, theirs = gate(concurrent=1), gate(concurrent=1)
    shut = await at(guards, NOW).change_circuit("one", refused)
    for one in (mine, theirs):
        await enter(guards, one, "call")

    stands = await guards.leave_all([Entry(mine, "call", 60.0), Entry(theirs, "call", 60.0)], circuit="one")

    assert stands == shut
    assert await guards.leave_all([], circuit="two") == Circuit()
    assert await under_way(guards, mine, theirs) == [0, 0]
    assert (await at(guards, NOW).gate_state(mine)).recent == 1, "who was sent counts for the rate"


async def all_at_once(guards, count, transition):
    """So many calls change one circuit, each as `transition(its number, the circuit, the time)` says."""
    changes = (partial(transition, number) for number in range(count))
    await asyncio.gather(*(at(guards, NOW).change_circuit("one", change) for change in changes))
    return (await guards.circuits(["one"]))[0]


async def test_however_many_are_refused_at_once_the_circuit_opens(guards):
    def refuse(number, circuit, now):
        return circuit.failed(f"{number}", ErrorKind.AUTH, now=now + number / 1e6)

    circuit = await all_at_once(guards, 200, refuse)

    assert (circuit.reason, circuit.state(NOW + 1)) == ("auth", "open")


async def test_however_many_have_something_to_say_all_are_heard(guards):
    def noted(_, circuit, now):
        return replace(circuit, outcomes=f"{circuit.outcomes}1")

    assert (await all_at_once(guards, 100, noted)).outcomes == "1" * 100


async def test_who_is_cancelled_while_it_asks_is_cancelled(guards):
    await guards.circuits(["one"])
    for turns in range(300):
        asking = asyncio.ensure_future(guards.circuits(["one"]))
        for _ in range(turns % 15):
            await asyncio.sleep(0)
        was_under_way = asking.cancel()
        await asyncio.wait([asking])

        assert asking.cancelled() == was_under_way


@pytest.mark.redis
async def test_without_pauses_between_tries_some_are_never_heard(monkeypatch):
    monkeypatch.setattr("orchestration.guards.redis.BETWEEN_TRIES", 0)
    monkeypatch.setattr("orchestration.guards.redis.PATIENCE", PATIENCE_SECONDS)
    guards = RedisGuards(services.REDIS_URL, f"test-{uuid.uuid4().hex}", Clock(NOW))

    def noted(_, circuit, now):
        return replace(circuit, outcomes=f"{circuit.outcomes}1")

    with pytest.raises(RedisError, match="changed 50 times"):
        await all_at_once(guards, 200, noted)
