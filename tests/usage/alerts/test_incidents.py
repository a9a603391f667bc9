"""When figures are an incident: single judgements, and weeks of simulated traffic."""

from datetime import timedelta

import pytest

from tests.usage.alerts.traffic import MONDAY, Incident, Traffic, judged
from usage.alerts.incidents import Counted, Usual, is_too_dear, is_too_many

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("calls", "bad", "is_proof"),
    [
        (0, 0, False),
        (1, 1, False),
        (17, 2, False),
        (17, 6, False),
        (17, 7, True),
        (10, 10, True),
        (50, 13, False),
        (50, 14, True),
        (10_000, 1_050, False),
        (10_000, 1_100, True),
        (10_000, 10_000, True),
        (100, 10, False),
    ],
)
def test_a_share_is_above_its_limit_when_chance_would_hardly_make_it(calls, bad, is_proof):
    assert Counted(calls, bad).is_proven_above(0.1) is is_proof


def test_what_was_repaired_a_quarter_of_an_hour_ago_does_not_open():
    hour, latest = Counted(200, 100), Counted(50, 1)

    assert not is_too_many(hour, latest, limit=0.1, fewest=10, is_open=False)


def test_fewer_calls_than_the_minimum_open_nothing():
    nine = Counted(9, 9)

    assert not is_too_many(nine, nine, limit=0.1, fewest=10, is_open=False)
    assert is_too_many(nine, nine, limit=0.1, fewest=9, is_open=False)


@pytest.mark.parametrize(("bad", "stays"), [(9, True), (8, False)])
def test_it_closes_by_a_lower_level_than_it_opens_by(bad, stays):
    assert is_too_many(Counted(400, 200), Counted(100, bad), limit=0.1, fewest=10, is_open=True) is stays


def test_without_calls_since_the_hour_speaks():
    assert is_too_many(Counted(20, 20), Counted(), limit=0.1, fewest=10, is_open=True)
    assert not is_too_many(Counted(), Counted(), limit=0.1, fewest=10, is_open=True)


def test_the_usual_cost_is_moved_neither_by_a_holiday_nor_by_an_old_incident():
    assert Usual([10, 10, 0, 10, 90, 10]).limit(factor=2) == 20


def test_where_weeks_differ_more_is_usual():
    assert Usual([8, 10, 12]).limit(factor=2) == pytest.approx(20 + 5 * 1.4826 * 2)


def test_of_few_dear_calls_chance_is_allowed_more():
    assert Usual([10, 10, 10], per_call=0.2).limit(factor=2) == pytest.approx(20 + 5 * 8**0.5 + 2.5)
    assert Usual([10, 10, 10], per_call=2).limit(factor=2) == pytest.approx(20 + 5 * 80**0.5 + 12.5 * 2)


def test_of_two_weeks_nothing_is_usual():
    assert not is_too_dear(1000, Usual([1, 1]), factor=2, floor=0, is_open=False)


@pytest.mark.parametrize(
    ("cost", "is_open", "expected"),
    [(20, False, False), (20.01, False, True), (16.01, True, True), (16, True, False)],
)
def test_a_cost_opens_above_twice_the_usual_and_closes_below_four_fifths_of_that(cost, is_open, expected):
    assert is_too_dear(cost, Usual([10, 10, 10]), factor=2, floor=0, is_open=is_open) is expected


def test_an_hour_below_the_floor_is_no_concern():
    assert not is_too_dear(0.99, Usual([0.01] * 6), factor=2, floor=1, is_open=False)


QUIET = {
    "busy": Traffic(seed=1),
    "growing": Traffic(seed=2, growth_a_week=0.12),
    "with holidays": Traffic(seed=3, holidays=frozenset({23, 24, 31, 45, 52})),
    "small": Traffic(seed=4, busiest=15, usd=0.2),
    "nearly too bad": Traffic(seed=5, failing=0.07, slow=0.035),
}


@pytest.mark.slow
@pytest.mark.parametrize("traffic", QUIET.values(), ids=QUIET)
def test_quiet_weeks_are_quiet(traffic):
    assert judged(traffic, weeks=8) == []


def at(week, day, hour):
    return MONDAY + timedelta(weeks=week, days=day, hours=hour)


# The incident, and within which time it has to be found.
PLANTED = [
    (Incident("error_rate", at(6, 1, 10), 2 * HOUR, failing=1.0), HOUR / 4),
    (Incident("error_rate", at(7, 2, 14), 2 * HOUR, failing=0.25), HOUR / 2),
    # Some five calls an hour: the tenth has to come first.
    (Incident("error_rate", at(7, 5, 3), 4 * HOUR, failing=1.0), 3.5 * HOUR),
    (Incident("latency", at(6, 3, 11), 2 * HOUR, slow=0.5), HOUR / 4),
    (Incident("latency", at(7, 3, 11), 3 * HOUR, slow=0.15), HOUR),
    (Incident("cost_rise", at(6, 4, 9), 3 * HOUR, times_cost=4), HOUR),
    (Incident("cost_rise", at(7, 0, 13), 3 * HOUR, times_cost=3), 1.5 * HOUR),
]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_every_planted_incident_is_found_in_time_and_ends_with_its_cause(seed):
    traffic = Traffic(seed=seed, holidays=frozenset({31}), incidents=[one for one, _ in PLANTED])

    told = judged(traffic, weeks=8)

    left = list(told)
    for incident, within in PLANTED:
        end = incident.start + incident.lasting
        its = [event for event in left if event[0] == incident.kind]
        opened = [event for event in its if event[1] == "opened" and incident.start < event[2] <= end]
        assert opened, f"{incident} was not found"
        assert opened[0][2] - incident.start <= within
        resolved = [event for event in its if event[1] == "resolved" and event[2] > opened[0][2]]
        assert resolved[0][2] - end <= timedelta(hours=1, minutes=30)
        left.remove(opened[0])
        left.remove(resolved[0])
    assert left == [], "nothing else was said"
