"""The simulation of `bench.ceiling`, where the answer is known without it."""

import pytest

from bench.ceiling import Costs, Shape, ceiling, simulate

CALLS = 3_000


def highest(costs, shape):
    return ceiling(costs, shape, bound=1_000, calls=CALLS)[0]


def test_calls_that_meet_nobody_take_what_their_parts_take():
    costs = Costs(web=3, database=1, commit=2)

    seen = simulate(0.5, costs, Shape(webs=8, cores=4), calls=CALLS)

    # Three parts of web, two of the database, two commits.
    assert seen.p50_ms == pytest.approx(3 + 1 + 2 * 2, rel=0.15)


@pytest.mark.parametrize("webs", [1, 2, 4])
def test_web_processes_are_the_bound_while_they_are_few(webs):
    rate = highest(Costs(web=4, database=0.5, commit=0), Shape(webs=webs, cores=4))

    assert rate == pytest.approx(webs * 250, rel=0.15)


def test_the_database_is_when_they_are_many():
    costs = Costs(web=4, database=2, commit=0)

    rates = [highest(costs, Shape(webs=webs, cores=2)) for webs in (16, 32)]

    assert rates == pytest.approx([1000, 1000], rel=0.15)


def test_one_user_alone_waits_for_the_own_counters():
    costs = Costs(web=1, database=1, commit=4)

    rate = highest(costs, Shape(webs=32, cores=32, users=1))

    # A call holds them twice: half of its database's time and a commit each.
    assert rate == pytest.approx(1000 / (1 + 2 * 4), rel=0.2)
