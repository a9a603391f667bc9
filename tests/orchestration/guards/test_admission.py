"""What a call is given by the guards, and gives back, without a vendor or a database."""

import asyncio
import time
from contextlib import suppress

import pytest

from accounts.models import PersonalToken, Plan
from orchestration.errors import ProvidersUnavailable, TooManyCalls
from orchestration.guards.admission import Admission, circuit_key, gate_of
from orchestration.guards.base import LOWEST_PACE, Gate
from orchestration.guards.circuit import CONSECUTIVE_FAILURES, Circuit
from orchestration.guards.memory import MemoryGuards
from orchestration.guards.passes import waiting_room
from providers.errors import ErrorKind
from tests.clocks import Clock
from tests.orchestration.calls import candidate, error_of
from tests.waiting import let_pass

USER = Gate("user:7")
TOKEN = Gate("access_token:3")


def plan(**limits):
    return Plan(slug="some", **({"requests_per_minute": None, "max_concurrent_calls": None} | limits))


def token(**limits):
    return PersonalToken(pk=3, **limits)


def soon(seconds=0.0):
    """So many seconds from now, by the clock that deadlines are told by."""
    return asyncio.get_running_loop().time() + seconds


async def until(condition):
    """Let others have so many turns of the loop until it is so. On the loop itself, which has the queues."""
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("it did not happen")


async def seen(guards, gate):
    """(calls of the last minute, calls under way)."""
    state = await guards.gate_state(gate)
    return state.recent, state.under_way


async def fill(guards, one):
    """Take a place of a provider's for good."""
    await guards.enter(gate_of(one.provider), "somebody", seconds=1e6)


async def circuit_of(guards, one):
    [circuit] = await guards.circuits([circuit_key(one)])
    return circuit


async def set_circuit(guards, one, circuit):
    await guards.change_circuit(circuit_key(one), lambda *_: circuit)


HALF_OPEN = Circuit(reason="server", opened_at=1.0, open_until=2.0)


async def ask(admission, *order, outcome=None, visit=None, is_helped=False):
    """The pass of a call that cannot wait, and was sent, with an error for its outcome or answered."""
    async with admission.first(order, user_id=7, deadline=soon(), visit=visit) as granted:
        granted.sent()
        if outcome is None:
            granted.answered()
        else:
            granted.failed(outcome, is_helped=is_helped)
    return granted


def admit(admission, whose, **limits):
    if whose == "user":
        return admission.user(7, plan(**limits), seconds=30)
    return admission.token(token(**limits), seconds=30)


@pytest.mark.parametrize(
    ("whose", "gate", "beginning"), [("user", USER, "Your plan"), ("token", TOKEN, "This access token")]
)
async def test_a_call_has_a_place_at_its_gate_until_it_ends(whose, gate, beginning):
    guards = MemoryGuards()
    admission = Admission(guards)

    async with admit(admission, whose, max_concurrent_calls=1) as visit:
        assert visit.is_inside
        assert await seen(guards, gate) == (1, 1)
        with pytest.raises(TooManyCalls, match=f"^{beginning} allows 1 calls at a time") as refused:
            async with admit(admission, whose, max_concurrent_calls=1):
                pytest.fail("one too many")
    with suppress(ZeroDivisionError):
        async with admit(admission, whose, max_concurrent_calls=1):
            raise ZeroDivisionError

    assert refused.value.details == {"limit": 1, "per": "moment"}
    assert await seen(guards, gate) == (2, 0)


@pytest.mark.parametrize("whose", ["user", "token"])
@pytest.mark.parametrize("is_counted", [True, False])
async def test_a_call_counts_for_the_rate_unless_it_is_said_not_to(whose, is_counted):
    admission = Admission(MemoryGuards())
    async with admit(admission, whose, requests_per_minute=1) as visit:
        visit.is_counted = is_counted

    second = admit(admission, whose, requests_per_minute=1)

    if is_counted:
        with pytest.raises(TooManyCalls, match="allows 1 calls a minute"):
            await second.__aenter__()
    else:
        await second.__aenter__()


@pytest.mark.parametrize(
    "place", [("user", {}), ("token", None)], ids=["a plan without limits", "no access token"]
)
async def test_where_nothing_is_limited_no_gate_is_asked(place):
    guards = MemoryGuards()
    admission = Admission(guards)
    visiting = (
        admission.user(7, plan(), seconds=30) if place[0] == "user" else admission.token(None, seconds=30)
    )

    async with visiting as visit:
        assert (visit.is_inside, visit.is_expected) == (False, False)

    assert [await seen(guards, gate) for gate in (USER, TOKEN)] == [(0, 0)] * 2


async def test_the_place_of_a_call_outlives_the_time_it_may_take():
    clock = Clock(time.time())
    guards = MemoryGuards(clock)

    async with Admission(guards).user(7, plan(max_concurrent_calls=1), seconds=1_000):
        clock.now += 1_010
        state = await guards.gate_state(USER)
        clock.now += 990
        gone = await guards.gate_state(USER)

    assert (state.under_way, gone.under_way) == (1, 0)


async def test_so_does_its_place_at_the_provider():
    clock = Clock(time.time())
    guards = MemoryGuards(clock)
    one = candidate(1, timeout=1_000.0)

    async with Admission(guards).first([one], user_id=7, deadline=soon()):
        clock.now += 1_010
        state = await guards.gate_state(gate_of(one.provider))
        clock.now += 990
        gone = await guards.gate_state(gate_of(one.provider))

    assert (state.under_way, gone.under_way) == (1, 0)


async def test_a_visit_with_the_pass_begins_and_ends_with_it():
    guards = MemoryGuards()
    admission, one = Admission(guards), candidate(1)

    async with admission.user(7, plan(max_concurrent_calls=1), seconds=30, is_with_pass=True) as visit:
        before = await seen(guards, USER)
        async with admission.first([one], user_id=7, deadline=soon(), visit=visit) as granted:
            inside = await seen(guards, USER)
            granted.sent()
            granted.answered()
        after = await seen(guards, USER)

    assert [before, inside, after] == [(0, 0), (1, 1), (1, 0)]


async def test_a_visit_outlives_passes_that_were_not_answered():
    guards = MemoryGuards()
    admission = Admission(guards)

    async with admission.user(7, plan(max_concurrent_calls=1), seconds=30, is_with_pass=True) as visit:
        await ask(admission, candidate(1), outcome=error_of("server"), visit=visit)
        between = await seen(guards, USER)
        await ask(admission, candidate(2), visit=visit)
        after = await seen(guards, USER)

    assert [between, after] == [(1, 1), (1, 0)], "and it is counted once"


async def test_who_has_no_place_at_the_users_gate_takes_none_at_a_provider():
    guards = MemoryGuards()
    admission, one = Admission(guards), candidate(1)

    async with admission.user(7, plan(max_concurrent_calls=1), seconds=30):
        with pytest.raises(TooManyCalls):
            async with admission.user(
                7, plan(max_concurrent_calls=1), seconds=30, is_with_pass=True
            ) as visit:
                await ask(admission, one, visit=visit)

    assert await seen(guards, gate_of(one.provider)) == (0, 0)


async def test_the_first_that_has_room_is_asked_however_many_have_none():
    guards = MemoryGuards()
    order = [candidate(number, max_concurrent_calls=1) for number in range(1, 60)]
    for one in order[:-1]:
        await fill(guards, one)

    granted = await ask(Admission(guards), *order)

    assert granted.candidate is order[-1]
    assert await seen(guards, gate_of(order[-1].provider)) == (1, 0)


async def test_a_pass_that_was_not_sent_leaves_no_trace():
    guards = MemoryGuards()
    one = candidate(1, requests_per_minute=1)
    await set_circuit(guards, one, HALF_OPEN)

    async with Admission(guards).first([one], user_id=7, deadline=soon()):
        assert await seen(guards, gate_of(one.provider)) == (1, 1)

    assert await seen(guards, gate_of(one.provider)) == (0, 0)
    assert await circuit_of(guards, one) == HALF_OPEN


async def test_a_vendor_that_is_too_busy_is_paced_and_its_circuit_cools():
    clock = Clock(1_800_000_000.0)
    guards = MemoryGuards(clock)
    admission, one = Admission(guards), candidate(1)

    await ask(admission, one, outcome=error_of("rate_limited", retry_after=40.0))

    circuit = await circuit_of(guards, one)
    assert (circuit.reason, circuit.is_busy) == ("rate_limited", True)
    assert circuit.shut_for(clock.now) == pytest.approx(40.0)
    assert (await guards.gate_state(gate_of(one.provider))).pace >= LOWEST_PACE
    with pytest.raises(ProvidersUnavailable) as refused:
        await ask(admission, one)
    assert refused.value.retry_after == 40
    at_the_gate = await guards.enter(gate_of(one.provider), "next", seconds=1)
    assert (at_the_gate.cause, at_the_gate.wait) == ("pace", pytest.approx(40.0))


async def test_a_vendor_that_fails_is_not_paced():
    guards = MemoryGuards()
    one = candidate(1)

    await ask(Admission(guards), one, outcome=error_of("server"))

    assert (await guards.gate_state(gate_of(one.provider))).pace is None


async def test_failures_in_a_row_open_the_circuit_and_an_answer_between_them_does_not():
    guards = MemoryGuards()
    admission, one = Admission(guards), candidate(1)
    for _ in range(CONSECUTIVE_FAILURES - 1):
        await ask(admission, one, outcome=error_of("server"))
    await ask(admission, one)
    for _ in range(CONSECUTIVE_FAILURES - 1):
        await ask(admission, one, outcome=error_of("server"))
    assert (await circuit_of(guards, one)).state(time.time()) == "closed"

    await ask(admission, one, outcome=error_of("server"))

    assert (await circuit_of(guards, one)).state(time.time()) == "open"


async def test_a_refused_key_shuts_every_model_of_the_config_and_no_other_config():
    guards = MemoryGuards()
    fields = {"model": "fast", "quality_model": "fine"}
    one, other = candidate(1, **fields), candidate(2, **fields)
    fine = candidate(1, model="fine")

    await ask(Admission(guards), one, outcome=error_of("auth"))

    reasons = [(await circuit_of(guards, which)).reason for which in (one, fine, other)]
    assert reasons == ["auth", "auth", ""]


async def test_a_model_that_is_not_there_shuts_no_other_model():
    guards = MemoryGuards()
    one = candidate(1, model="fast", quality_model="fine")

    await ask(Admission(guards), one, outcome=error_of("not_found"))

    assert (await circuit_of(guards, one)).reason == "not_found"
    assert (await circuit_of(guards, candidate(1, model="fine"))).reason == ""


async def test_a_pass_says_how_many_have_failed_like_it():
    guards = MemoryGuards()
    admission, one = Admission(guards), candidate(1)
    found = []

    for user in (7, 7, 8):
        async with admission.first([one], user_id=user, deadline=soon()) as granted:
            granted.sent()
            granted.failed(error_of("rejected"))
        found.append(granted.in_a_row)

    assert found == [1, 1, 2], "callers are counted"
    assert (await ask(admission, one, outcome=error_of("parameter"), is_helped=True)).in_a_row == 0
    for number in (1, 2):
        granted = await ask(admission, one, outcome=error_of("parameter"))
        assert granted.in_a_row == number, "calls are counted"


async def test_a_half_open_circuit_is_probed_by_one_call_at_a_time():
    guards = MemoryGuards()
    admission, one, spare = Admission(guards), candidate(1), candidate(2)
    await set_circuit(guards, one, HALF_OPEN)

    async with admission.first([one, spare], user_id=7, deadline=soon()) as probe:
        assert (await circuit_of(guards, one)).probe == probe.entry.call
        meanwhile = await ask(admission, one, spare)
        with pytest.raises(ProvidersUnavailable):
            await ask(admission, one)
        probe.sent()
        probe.answered()

    assert (probe.candidate, meanwhile.candidate) == (one, spare)
    assert await circuit_of(guards, one) == Circuit()
    assert await seen(guards, gate_of(one.provider)) == (1, 0)


async def test_a_probe_that_finds_no_room_leaves_the_circuit_to_the_next():
    guards = MemoryGuards()
    one, spare = candidate(1, max_concurrent_calls=1), candidate(2)
    await set_circuit(guards, one, HALF_OPEN)
    await fill(guards, one)

    granted = await ask(Admission(guards), one, spare)

    assert granted.candidate is spare
    assert await circuit_of(guards, one) == HALF_OPEN


async def test_where_it_is_the_only_one_the_call_waits_for_room_to_probe_it():
    guards = MemoryGuards()
    one = candidate(1, max_concurrent_calls=1)
    await set_circuit(guards, one, HALF_OPEN)
    await fill(guards, one)

    async def patient():
        async with Admission(guards).first([one], user_id=7, deadline=soon(1e6)) as granted:
            return granted.candidate

    waiting = asyncio.ensure_future(patient())
    await until(lambda: room_of(one).has_queue)
    await guards.leave(gate_of(one.provider), "somebody")

    assert await waiting is one


class BetweenLookAndProbe(MemoryGuards):
    """Lets something happen to the circuit after it was looked at, before anybody becomes its probe."""

    def __init__(self, becomes):
        super().__init__()
        self.becomes = becomes

    async def enter_first(self, choices, *, caller=None):
        chosen = await super().enter_first(choices, caller=caller)
        if self.becomes is not None:
            becomes, self.becomes = self.becomes, None
            self._circuits[choices[0].circuit] = becomes
        return chosen


async def test_a_circuit_that_another_probe_has_closed_meanwhile_lets_pass():
    guards, one = BetweenLookAndProbe(Circuit()), candidate(1)
    await set_circuit(guards, one, HALF_OPEN)

    granted = await ask(Admission(guards), one)

    assert granted.candidate is one


async def test_a_circuit_that_another_call_probes_meanwhile_does_not():
    probed = HALF_OPEN.probed_by("another", now=time.time(), seconds=1e6)
    guards, one, spare = BetweenLookAndProbe(probed), candidate(1), candidate(2)
    await set_circuit(guards, one, HALF_OPEN)

    granted = await ask(Admission(guards), one, spare)

    assert granted.candidate is spare
    assert (await circuit_of(guards, one)).probe == "another"


async def test_where_another_call_probes_the_only_one_meanwhile_it_may_be_asked_in_a_second():
    probed = HALF_OPEN.probed_by("another", now=time.time(), seconds=1e6)
    guards, one = BetweenLookAndProbe(probed), candidate(1)
    await set_circuit(guards, one, HALF_OPEN)

    with pytest.raises(ProvidersUnavailable) as refused:
        await ask(Admission(guards), one)

    assert refused.value.retry_after == 1


async def test_who_waits_for_room_gets_it_when_a_call_has_left():
    guards = MemoryGuards()
    admission, one = Admission(guards), candidate(1, max_concurrent_calls=1)

    async def patient():
        async with admission.first([one], user_id=7, deadline=soon(1e6)) as granted:
            return granted

    async with admission.first([one], user_id=8, deadline=soon(1e6)):
        waiting = asyncio.ensure_future(patient())
        await until(lambda: room_of(one).has_queue)

    granted = await waiting
    assert (granted.candidate, granted.user_id) == (one, 7)
    assert not room_of(one).has_queue


def room_of(one):
    return waiting_room(gate_of(one.provider).key)


async def test_nobody_overtakes_a_queue_but_where_nobody_waits_one_may_go():
    guards = MemoryGuards()
    admission = Admission(guards)
    one, spare = candidate(1, max_concurrent_calls=1), candidate(2)
    await set_circuit(guards, one, Circuit(outcomes="1"))

    async with room_of(one).turn(8):
        granted = await ask(admission, one, spare)

    assert granted.candidate is spare
    assert await seen(guards, gate_of(one.provider)) == (0, 0)


async def test_who_is_at_the_head_of_a_queue_may_go_by_another_provider():
    guards = MemoryGuards()
    admission = Admission(guards)
    order = [candidate(1, max_concurrent_calls=1), candidate(2, max_concurrent_calls=1)]
    for one in order:
        await fill(guards, one)

    async def patient():
        async with admission.first(order, user_id=7, deadline=soon(1e6)) as granted:
            return granted.candidate

    waiting = asyncio.ensure_future(patient())
    await until(lambda: room_of(order[0]).has_queue)
    await guards.leave(gate_of(order[1].provider), "somebody")

    assert await waiting is order[1]


async def test_a_call_waits_for_the_best_of_those_that_will_have_room_in_time():
    guards = MemoryGuards()
    late, in_time = candidate(1, requests_per_minute=1), candidate(2, max_concurrent_calls=1)
    for one in (late, in_time):
        await fill(guards, one)

    async def patient():
        async with Admission(guards).first([late, in_time], user_id=7, deadline=soon(30)):
            pass

    waiting = asyncio.ensure_future(patient())
    await until(lambda: room_of(in_time).has_queue)
    assert not room_of(late).has_queue
    await guards.leave(gate_of(in_time.provider), "somebody")
    await waiting


async def test_a_call_that_has_waited_until_its_deadline_waits_no_longer():
    guards, one = MemoryGuards(), candidate(1, max_concurrent_calls=1)
    await fill(guards, one)

    waiting = asyncio.ensure_future(ask_until(Admission(guards), one, deadline=soon(1_000)))
    await until(lambda: room_of(one).has_queue)
    let_pass(1_001, on=asyncio.get_running_loop())

    with pytest.raises(ProvidersUnavailable) as refused:
        await waiting
    assert refused.value.retry_after == 1
    assert not room_of(one).has_queue


async def test_nor_does_one_that_is_in_the_queue_behind_another():
    guards, one = MemoryGuards(), candidate(1, max_concurrent_calls=1)
    await fill(guards, one)

    async with room_of(one).turn(8):
        waiting = asyncio.ensure_future(ask_until(Admission(guards), one, deadline=soon(1_000)))
        await until(lambda: room_of(one)._queues)
        let_pass(1_001, on=asyncio.get_running_loop())

        with pytest.raises(ProvidersUnavailable):
            await waiting


async def ask_until(admission, one, *, deadline):
    async with admission.first([one], user_id=7, deadline=deadline):
        pytest.fail("it is full")


async def test_where_nothing_is_free_in_time_the_soonest_is_told():
    guards = MemoryGuards()
    order = [candidate(1, requests_per_minute=1), candidate(2)]
    await fill(guards, order[0])
    shut = Circuit(reason="server", opened_at=1.0, open_until=time.time() + 20)
    await set_circuit(guards, order[1], shut)

    with pytest.raises(ProvidersUnavailable) as refused:
        await ask(Admission(guards), *order)

    assert 1 < refused.value.retry_after <= 20


async def test_a_vendor_that_failed_is_not_waited_for():
    guards, one = MemoryGuards(), candidate(1)
    shut = Circuit(reason="server", opened_at=1.0, open_until=time.time() + 1_000)
    await set_circuit(guards, one, shut)

    with pytest.raises(ProvidersUnavailable) as refused:
        async with Admission(guards).first([one], user_id=7, deadline=soon(1e6)):
            pytest.fail("it is shut")

    assert 60 < refused.value.retry_after <= 1_000


class Hesitant(MemoryGuards):
    """Has done what it was asked, and does not say so before it is told to."""

    def __init__(self):
        super().__init__()
        self.has_done, self.may_say_so = asyncio.Event(), asyncio.Event()

    async def _hesitate(self, answer):
        self.has_done.set()
        await self.may_say_so.wait()
        return answer

    async def enter(self, gate, call, *, seconds):
        return await self._hesitate(await super().enter(gate, call, seconds=seconds))


@pytest.mark.parametrize("place", ["user", "token", "provider", "both"])
async def test_who_is_cancelled_on_the_way_in_leaves_no_place_behind(place):
    guards, one = Hesitant(), candidate(1)
    admission, limits = Admission(guards), plan(max_concurrent_calls=1)
    ways_in = {
        "user": lambda: admission.user(7, limits, seconds=30),
        "token": lambda: admission.token(token(max_concurrent_calls=1), seconds=30),
        "provider": lambda: admission.token(None, seconds=30),
        "both": lambda: admission.user(7, limits, seconds=30, is_with_pass=True),
    }

    async def go_in():
        async with ways_in[place]() as visit:
            await ask(admission, one, visit=visit)

    entering = asyncio.ensure_future(go_in())
    await guards.has_done.wait()
    entering.cancel()
    await asyncio.wait([entering])
    guards.may_say_so.set()
    await until(lambda: not any(seen.under_way for seen in guards._gates.values()))

    assert entering.cancelled()
    assert await seen(guards, gate_of(one.provider)) == (0, 0), "the vendor was not asked"


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind.meaning.breaker == "none"])
async def test_a_vendor_that_finds_fault_with_the_request_has_answered(kind):
    guards, one = MemoryGuards(), candidate(1)
    await set_circuit(guards, one, Circuit(outcomes="1111"))

    await ask(Admission(guards), one, outcome=error_of(kind.value))

    assert (await circuit_of(guards, one)).state(time.time()) == "closed"
    assert (await circuit_of(guards, one)).outcomes == "11110"
