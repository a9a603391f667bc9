"""The order of candidates: priority, weight, speed, price, and staying with one provider."""

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.models.policies import Strategy
from orchestration.routing.balancing import Latencies, Spread
from orchestration.routing.candidates import Needs, candidates
from orchestration.routing.snapshot import TYPICAL_USAGE, ProviderSnapshot, RoutingSnapshot
from usage.models import ModelPrice


def provider(number, **fields):
    return ProviderSnapshot(
        config_id=number, provider_type="openai", name=f"{number}", fast_model="m", quality_model="", **fields
    )


def order(providers, spread, task="extraction"):
    snapshot = RoutingSnapshot(revision=1, providers=tuple(providers), tiers={})
    found = candidates(snapshot, task=task, tier="fast", needs=Needs(), spread=spread)
    return [one.provider.config_id for one in found]


def shares(providers, seeds=4_000):
    """How often each provider is the first to be asked, as a share of all calls."""
    firsts = Counter(order(providers, Spread(seed=f"call-{number}"))[0] for number in range(seeds))
    return {one.config_id: firsts[one.config_id] / seeds for one in providers}


def test_the_task_then_the_default_then_priority():
    providers = [
        provider(1, priority=9),
        provider(2, priority=1),
        provider(3, is_default=True),
        provider(4, tasks=frozenset({"extraction"})),
        provider(5, tasks=frozenset({"extraction"}), priority=5),
    ]

    assert order(providers, Spread(seed="any")) == [5, 4, 3, 1, 2]


def test_calls_are_shared_by_weight():
    found = shares([provider(1, weight=1), provider(2, weight=2), provider(3, weight=7)])

    # Four standard deviations of a binomial share; the seeds are fixed, so it holds for ever or never.
    for number, expected in ((1, 0.1), (2, 0.2), (3, 0.7)):
        assert found[number] == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / 4_000))


def test_a_weight_of_nothing_is_the_last_resort():
    found = shares([provider(1, weight=0), provider(2, weight=1)], seeds=200)

    assert found == {1: 0.0, 2: 1.0}


def test_weights_do_not_cross_priorities():
    assert shares([provider(1, weight=100), provider(2, weight=1, priority=1)], seeds=100)[2] == 1.0


def test_a_user_stays_with_a_provider_also_when_another_one_comes():
    before = [provider(1), provider(2), provider(3)]
    after = [*before, provider(4)]
    moved = 0
    for user in range(1_000):
        spread = Spread(seed=f"user:{user}:extraction")
        was, now = order(before, spread)[0], order(after, spread)[0]
        assert order(before, spread)[0] == was
        if was != now:
            assert now == 4, "nobody moves but to the new one"
            moved += 1
    assert moved == pytest.approx(250, abs=4 * math.sqrt(1_000 * 0.25 * 0.75))


MANY = [provider(number, weight=number % 4) for number in range(1, 41)]


def test_among_many_too_each_place_goes_by_weight():
    places = [order(MANY, Spread(seed=f"call-{number}"))[:30] for number in range(3_000)]

    weighty = sum(one.weight for one in MANY)
    for weight in (1, 2, 3):
        expected = 10 * weight / weighty
        share = sum(first % 4 == weight for first, *_ in places) / 3_000
        assert share == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / 3_000))
        # Of those whose first was a 3, the second is drawn from what is left.
        seconds = [second % 4 for first, second, *_ in places if first % 4 == 3]
        left = (10 - (weight == 3)) * weight / (weighty - 3)
        tolerance = 4 * math.sqrt(left * (1 - left) / len(seconds))
        assert seconds.count(weight) / len(seconds) == pytest.approx(left, abs=tolerance)
    assert all(number % 4 for few in places for number in few)


@pytest.mark.slow
def test_among_many_draws_and_lots_give_the_same_shares_at_a_late_place():
    def shares_at(place, *, is_sticky):
        found = [
            order(MANY, Spread(seed=f"call-{number}", is_sticky=is_sticky))[place] % 4
            for number in range(3_000)
        ]
        return [found.count(weight) / 3_000 for weight in range(4)]

    # Two samples: four standard deviations of their difference.
    for drawn, by_lot in zip(shares_at(10, is_sticky=False), shares_at(10, is_sticky=True), strict=True):
        assert drawn == pytest.approx(by_lot, abs=4 * math.sqrt(2 * 0.25 / 3_000))


def test_among_many_only_who_is_asked_is_drawn(monkeypatch):
    lots = []
    monkeypatch.setattr("orchestration.routing.balancing.lot_of", lambda *facts: lots.append(facts) or 0.0)
    snapshot = RoutingSnapshot(revision=1, providers=tuple(MANY), tiers={})
    spread = Spread(seed="any")

    found = candidates(snapshot, task="extraction", tier="fast", needs=Needs(), spread=spread)

    assert found
    assert len(found[:3]) == 3
    assert lots == []
    assert len(found) == len(MANY)
    assert lots, "who is left when all are wanted draws lots"


def test_among_many_too_a_user_stays_although_another_one_comes():
    after = [*MANY, provider(99, weight=3)]
    for user in range(200):
        spread = Spread(seed=f"user:{user}:extraction", is_sticky=True)

        was, now = order(MANY, spread), order(after, spread)

        assert was == [number for number in now if number != 99]


def test_the_fastest_first_and_what_nobody_has_timed_before_all():
    latency = {1: 900.0, 2: 0.5, 3: None}
    spread = Spread(strategy=Strategy.LEAST_LATENCY, latency=lambda one, model: latency[one.config_id])

    assert order([provider(1), provider(2), provider(3)], spread) == [3, 2, 1]


def test_by_weight_neither_speed_nor_price_counts():
    known = {1: 1.0, 2: 2.0, 3: 3.0}
    spread = Spread(
        latency=lambda one, model: known[one.config_id], cost=lambda one, model: known[one.config_id]
    )

    assert order([provider(1), provider(2, priority=1), provider(3, priority=2)], spread) == [3, 2, 1]


def test_the_cheapest_first_and_what_has_no_price_last():
    cost = {1: Decimal("0.02"), 2: None, 3: Decimal("0.003")}
    spread = Spread(strategy=Strategy.LEAST_COST, cost=lambda one, model: cost[one.config_id])

    assert order([provider(1), provider(2), provider(3)], spread) == [3, 1, 2]


@pytest.mark.parametrize("strategy", [Strategy.LEAST_LATENCY, Strategy.LEAST_COST])
def test_between_equals_priority_decides_and_the_task_before_all(strategy):
    providers = [
        provider(1, priority=1),
        provider(2, priority=5),
        provider(3, is_default=True),
        provider(4, tasks=frozenset({"extraction"})),
    ]
    spread = Spread(strategy=strategy, latency=lambda one, model: 5.0, cost=lambda one, model: Decimal(5))

    assert order(providers, spread) == [4, 3, 2, 1]


def test_calls_go_to_who_has_been_answering_fastest_with_the_model_that_is_asked(monkeypatch):
    timed = Latencies()
    monkeypatch.setattr("orchestration.routing.balancing.latencies", timed)
    timed.note(1, "m", 900)
    timed.note(2, "m", 300)
    timed.note(1, "another", 1)
    snapshot = RoutingSnapshot(revision=1, providers=(provider(1), provider(2)), tiers={})

    spread = Spread.of(snapshot, strategy=Strategy.LEAST_LATENCY, seed="any")

    assert order([provider(1), provider(2)], spread) == [2, 1]


def test_calls_go_to_who_is_cheapest_by_the_snapshots_prices():
    prices = {
        ("openai", "dear"): [ModelPrice(model_name="dear", input_mtok=Decimal(9), output_mtok=Decimal(9))],
        ("openai", "cheap"): [ModelPrice(model_name="cheap", input_mtok=Decimal(1), output_mtok=Decimal(1))],
    }
    dear, cheap = (replace(provider(number), fast_model=name) for number, name in ((1, "dear"), (2, "cheap")))
    snapshot = RoutingSnapshot(revision=1, providers=(dear, cheap), tiers={}, prices=prices)
    spread = Spread.of(snapshot, strategy=Strategy.LEAST_COST, seed="any")

    assert order([dear, cheap], spread) == [2, 1]
    # 3,000 tokens in and 1,000 out.
    assert snapshot.typical_cost("openai", "dear") == Decimal("0.036")
    assert snapshot.typical_cost("openai", "nobody-knows-it") is None


def test_a_price_is_looked_up_once_a_snapshot(monkeypatch):
    asked = []
    monkeypatch.setattr("orchestration.routing.snapshot.quote", lambda **facts: asked.append(facts))
    snapshot = RoutingSnapshot(revision=1, providers=(), tiers={})

    assert [snapshot.typical_cost("openai", "m") for _ in range(3)] == [None] * 3
    [facts] = asked
    assert (facts["usage"], facts["overrides"], facts["at"].tzinfo) == (TYPICAL_USAGE, {}, UTC)


def test_an_average_moves_a_tenth_of_the_way_to_each_new_answer():
    timed = Latencies()
    assert timed.of(1, "m") is None

    timed.note(1, "m", 1_000)
    assert timed.of(1, "m") == 1_000
    timed.note(1, "m", 2_000)

    assert timed.of(1, "m") == pytest.approx(1_100)
    assert timed.of(2, "m") is None


PROVIDERS = st.lists(
    st.builds(
        provider,
        st.integers(1, 1_000),
        weight=st.integers(0, 1_000),
        priority=st.integers(-5, 5),
        is_default=st.booleans(),
        is_flagged=st.booleans(),
        tasks=st.sampled_from([frozenset(), frozenset({"extraction"})]),
    ),
    max_size=20,
    unique_by=lambda one: one.config_id,
)


@given(providers=PROVIDERS, seed=st.text(max_size=20), strategy=st.sampled_from([*Strategy]))
def test_it_is_deterministic_for_a_seed_and_loses_nobody(providers, seed, strategy):
    spread = Spread(strategy=strategy, seed=seed)

    first = order(providers, spread)

    assert first == order(list(reversed(providers)), spread)
    assert sorted(first) == sorted(one.config_id for one in providers)


@given(providers=PROVIDERS, seed=st.text(max_size=20), strategy=st.sampled_from([*Strategy]))
def test_a_refused_key_is_asked_after_all_others(providers, seed, strategy):
    flagged = {one.config_id: one.is_flagged for one in providers}

    flags = [flagged[number] for number in order(providers, Spread(strategy=strategy, seed=seed))]

    assert flags == sorted(flags)
