"""Of any providers in any state, the one that is asked is one that may be, and the best of those."""

import asyncio
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.errors import ProvidersUnavailable
from orchestration.guards.admission import Admission, circuit_key, gate_of
from orchestration.guards.base import Gate
from orchestration.guards.circuit import Circuit
from orchestration.guards.memory import MemoryGuards
from orchestration.routing.balancing import Spread
from orchestration.routing.candidates import Needs, candidates
from orchestration.routing.snapshot import ProviderSnapshot, RoutingSnapshot, current_snapshot
from providers.errors import ErrorKind
from providers.models import AIProviderConfig
from tests.factories import make_config
from usage.models import AIProviderUsageLog

MODELS = ["sandbox-mini", "sandbox-text", "sandbox-plain", "never-heard-of-it"]
FAR_AWAY = 10_000.0


@st.composite
def provider_states(draw):
    """A provider, and what the guards know of it: a circuit (None is closed), calls in the last minute, and
    calls under way."""
    number = draw(st.integers(1, 10_000))
    provider = ProviderSnapshot(
        config_id=number,
        provider_type="openai",
        name=str(number),
        fast_model=draw(st.sampled_from(MODELS)),
        quality_model="",
        priority=draw(st.integers(-2, 2)),
        weight=draw(st.integers(0, 5)),
        is_default=draw(st.booleans()),
        is_flagged=draw(st.booleans()),
        requests_per_minute=draw(st.none() | st.integers(1, 3)),
        max_concurrent_calls=draw(st.none() | st.integers(1, 3)),
    )
    circuit = draw(
        st.none()
        | st.builds(
            lambda kind, left, probe: Circuit(
                reason=kind.value,
                open_until=time.time() + left,
                probe="somebody" if probe else "",
                probe_until=time.time() + FAR_AWAY if probe else 0.0,
            ),
            st.sampled_from([ErrorKind.SERVER, ErrorKind.AUTH, ErrorKind.RATE_LIMITED]),
            st.sampled_from([-FAR_AWAY, FAR_AWAY]),
            st.booleans(),
        )
    )
    return provider, circuit, draw(st.integers(0, 3)), draw(st.integers(0, 3))


STATES = st.lists(provider_states(), min_size=1, max_size=6, unique_by=lambda state: state[0].config_id)


def order_of(providers, *, vision, seed):
    snapshot = RoutingSnapshot(revision=1, providers=tuple(providers), tiers={})
    needs = Needs(vision=vision)
    return candidates(snapshot, task="extraction", tier="fast", needs=needs, spread=Spread(seed=seed))


async def prepared(states, order):
    """Guards that know of the providers what `states` says."""
    guards = MemoryGuards()
    known = {provider.config_id: state for provider, *state in states}
    for candidate in order:
        circuit, recent, under_way = known[candidate.provider.config_id]
        if circuit:
            await guards.change_circuit(circuit_key(candidate), lambda *_, c=circuit: c)
        unlimited = Gate(gate_of(candidate.provider).key)
        for call in range(max(recent, under_way)):
            await guards.enter(unlimited, f"{call}", seconds=FAR_AWAY)
        for call in range(under_way, recent):
            await guards.leave(unlimited, f"{call}")
    return guards


async def chosen_of(guards, order):
    """The candidate that a call which cannot wait is let through to; None when there is none."""
    now = asyncio.get_running_loop().time()
    try:
        async with Admission(guards).first(order, user_id=1, deadline=now) as granted:
            return granted.candidate
    except ProvidersUnavailable:
        return None


def may_be_asked(provider, circuit, recent, under_way):
    begun = max(recent, under_way)
    is_open = circuit is not None and circuit.state(time.time()) in {"open", "probing"}
    is_too_fast = provider.requests_per_minute is not None and begun >= provider.requests_per_minute
    is_full = provider.max_concurrent_calls is not None and under_way >= provider.max_concurrent_calls
    return not (is_open or is_too_fast or is_full)


@pytest.mark.slow
@given(states=STATES, vision=st.booleans(), seed=st.text(max_size=8))
def test_the_best_of_those_that_may_be_asked(states, vision, seed):
    order = order_of([state[0] for state in states], vision=vision, seed=seed)
    known = {state[0].config_id: state for state in states}
    askable = [one for one in order if may_be_asked(*known[one.provider.config_id])]

    async def choose():
        return await chosen_of(await prepared(states, order), order) if order else None

    chosen, again = asyncio.run(choose()), asyncio.run(choose())

    assert chosen == again == (askable[0] if askable else None)
    if chosen and vision:
        assert chosen.capabilities.vision


@pytest.mark.slow
@given(states=STATES, seed=st.text(max_size=8))
def test_whatever_was_tried_nothing_of_it_is_held_afterwards(states, seed):
    order = order_of([state[0] for state in states], vision=False, seed=seed)

    async def held_before_and_after():
        guards = await prepared(states, order)

        async def held():
            gates = [await guards.gate_state(gate_of(one.provider)) for one in order]
            circuits = await guards.circuits([circuit_key(one) for one in order])
            return [gate.under_way for gate in gates], [circuit.probe for circuit in circuits]

        before = await held()
        await chosen_of(guards, order)
        return before, await held()

    before, after = asyncio.run(held_before_and_after())

    assert before == after


@pytest.mark.slow
@hypothesis_settings(max_examples=15)
@given(
    weights=st.lists(st.integers(0, 5), min_size=2, max_size=4).filter(lambda ws: sum(ws[1:]) > 0),
)
def test_those_that_are_left_share_the_calls_by_weight(weights):
    """The first of them is down; the others get what the weights among them say."""
    states = [
        (provider_of(number, weight=weight), down() if number == 1 else None, 0, 0)
        for number, weight in enumerate(weights, start=1)
    ]
    calls = 400

    async def shares():
        chosen = Counter()
        for number in range(calls):
            order = order_of([state[0] for state in states], vision=False, seed=f"call-{number}")
            chosen[(await chosen_of(await prepared(states, order), order)).provider.config_id] += 1
        return chosen

    found = asyncio.run(shares())

    assert found[1] == 0
    for number, weight in enumerate(weights[1:], start=2):
        share = weight / sum(weights[1:])
        # Five standard deviations; the seeds are fixed, so a set of weights holds for ever or never.
        spread = 5 * (calls * share * (1 - share)) ** 0.5
        assert found[number] == pytest.approx(calls * share, abs=spread + 1e-9)


def provider_of(number, **fields):
    return ProviderSnapshot(
        config_id=number,
        provider_type="openai",
        name=str(number),
        fast_model="sandbox-mini",
        quality_model="",
        **fields,
    )


def down():
    return Circuit(reason=ErrorKind.SERVER.value, open_until=time.time() + FAR_AWAY)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(6))
def test_never_an_inactive_or_exhausted_one(ask, sandbox, seed):
    """Eight configs of which a part is switched off and a part has no tokens left, as the seed's bits say."""
    configs = [
        make_config(
            model_name="sandbox-mini",
            base_url=sandbox.openai,
            is_active=bool((seed * 37 + 11) >> number & 1),
            daily_token_limit=1 if (seed * 53 + 29) >> number & 1 else None,
            priority=number % 3,
        )
        for number in range(8)
    ]
    eligible = {one.pk for one in configs if one.is_active and one.daily_token_limit is None}
    assert {one.config_id for one in current_snapshot().providers} == {
        one.pk for one in AIProviderConfig.objects.filter(is_active=True)
    }

    for _ in range(4):
        assert ask().provider_config_id in eligible

    asked = AIProviderUsageLog.objects.filter(attempt__gte=1)
    assert set(asked.values_list("provider_config_id", flat=True)) <= eligible
