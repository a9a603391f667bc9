"""The figures of an experiment, against numbers worked out by hand and against sums in Python."""

import math
import random
import statistics
from decimal import Decimal

import pytest

from orchestration.experiments.intervals import Sample
from orchestration.experiments.results import Measure, recent_results_of, results_of
from orchestration.experiments.verdicts import verdicts_of
from orchestration.models import CallFeedback
from tests.factories import make_user
from tests.orchestration.experiments.conftest import arms_of, make_call, make_experiment

pytestmark = pytest.mark.django_db


@pytest.fixture
def trial():
    return make_experiment({}, {"prompt_version": "brief"})


def difference(experiment, measure):
    (found,) = [one for one in results_of(experiment).differences if one.measure is measure]
    return found


def test_figures_by_hand(trial, people):
    """Four requests: costs 0.001, 0.002, 0.006 and one unknown; latencies 100, 200, 600 and a failure."""
    arm, _ = arms_of(trial)
    make_call(arm, "r1", user=people[0], cost="0.001", latency_ms=100, rating=5)
    make_call(arm, "r2", user=people[0], cost="0.002", latency_ms=200, rating=2)
    make_call(arm, "r3", user=people[1], cost="0.006", latency_ms=600)
    make_call(arm, "r4", user=people[2], cost=None, latency_ms=900, status="error")

    first, second = results_of(trial).arms

    assert (first.counts.users, first.counts.calls, first.counts.successes) == (3, 4, 3)
    assert first.success_rate == 0.75
    assert (first.cost, first.total_cost, first.unpriced) == (Decimal("0.003"), Decimal("0.009"), 1)
    assert first.cost_interval is None
    assert first.latency == 300
    assert first.counts.p95_latency_ms == pytest.approx(600, rel=0.025)
    assert (first.feedback, first.counts.feedback.n) == (3.5, 2)
    assert first.feedback_interval is None
    assert (second.counts.calls, second.success_rate, second.cost, second.latency, second.feedback) == (
        0, None, None, None, None
    )  # fmt: skip


def test_a_request_that_failed_over_counts_once_with_all_it_cost(trial, people):
    arm, _ = arms_of(trial)
    make_call(arm, "r1", user=people[0], cost="0.0004", latency_ms=300, status="timeout")
    make_call(arm, "r1", user=people[0], cost="0.0010", latency_ms=700, attempt=2)

    result = results_of(trial).arms[0]

    assert (result.counts.calls, result.success_rate) == (1, 1.0)
    assert result.cost == Decimal("0.0014")
    assert result.latency == 1000


@pytest.mark.parametrize(
    "row",
    [{"cached": True, "cost": "0"}, {"attempt": 0, "status": "error", "cost": "0"},
     {"status": "started", "cost": None, "settled_at": None}],
    ids=["from the cache", "refused", "under way"],
)  # fmt: skip
def test_what_asked_no_vendor_or_has_not_ended_is_left_out(trial, people, row):
    arm, _ = arms_of(trial)
    make_call(arm, "r1", user=people[0], **row)

    assert results_of(trial).arms[0].counts.calls == 0


def test_a_caller_who_left_says_nothing_about_success(trial, people):
    arm, _ = arms_of(trial)
    make_call(arm, "r1", user=people[0])
    make_call(arm, "r2", user=people[0], status="aborted")

    result = results_of(trial).arms[0]

    assert (result.counts.calls, result.counts.ended, result.success_rate) == (2, 1, 1.0)


def test_the_same_request_id_of_two_users_is_two_requests(trial, people):
    """A client may send the id it likes."""
    arm, _ = arms_of(trial)
    make_call(arm, "r1", user=people[0], rating=5)
    make_call(arm, "r1", user=people[1])
    CallFeedback.objects.create(request_id="r1", user=people[2], rating=1)

    result = results_of(trial).arms[0]

    assert result.counts.calls == 2
    assert (result.counts.feedback.n, result.feedback) == (1, 5)


def test_costs_add_up_to_the_last_digit(trial, people):
    arm, _ = arms_of(trial)
    for number in range(30):
        make_call(arm, f"r{number}", user=people[0], cost="0.100000000001")

    result = results_of(trial).arms[0]

    assert result.total_cost == Decimal("3.000000000030")
    assert result.cost == Decimal("0.100000000001")


def test_it_agrees_with_sums_in_python(trial, people, django_assert_num_queries):
    dice = random.Random(4)
    costs, latencies, ratings, won = ([], []), ([], []), ([], []), ([], [])
    for place, arm in enumerate(arms_of(trial)):
        for number in range(60):
            status = dice.choices(["success", "error"], [9, 1])[0]
            cost, latency = Decimal(dice.randrange(1, 10**9)).scaleb(-12), dice.randrange(1, 20_000)
            rating = dice.choice([None, 1, 2, 3, 4, 5])
            make_call(
                arm,
                f"{place}-{number}",
                user=dice.choice(people),
                cost=cost,
                latency_ms=latency,
                status=status,
                rating=rating,
            )
            costs[place].append(cost)
            won[place].append(status == "success")
            latencies[place].extend([latency] if status == "success" else [])
            ratings[place].extend([rating] if rating else [])

    with django_assert_num_queries(3):
        results = results_of(trial)

    for place, result in enumerate(results.arms):
        assert result.total_cost == sum(costs[place])
        assert result.success_rate == sum(won[place]) / 60
        assert result.latency == statistics.fmean(latencies[place])
        assert result.feedback == statistics.fmean(ratings[place])
        assert result.counts.latency.variance == pytest.approx(statistics.variance(latencies[place]))
        assert float(result.counts.cost.variance) == pytest.approx(float(statistics.variance(costs[place])))
        exact = sorted(latencies[place])[math.ceil(0.95 * len(latencies[place])) - 1]
        assert result.counts.p95_latency_ms == pytest.approx(exact, rel=0.026)


def fill(arm, people, *, calls=40, cost=("0.001", "0.003"), latency=(100, 300), rating=None, failures=0):
    """`calls` requests, alternating between two costs and two latencies, of everybody in turn."""
    for number in range(calls):
        make_call(
            arm,
            f"{arm.pk}-{number}",
            user=people[number % len(people)],
            cost=cost[number % 2],
            latency_ms=latency[number % 2],
            rating=rating[number % 2] if rating else None,
            status="error" if number < failures else "success",
        )


def test_a_difference_in_cost_by_hand(trial, people):
    """A: 20 of 0.001 and 20 of 0.003; B: 20 of 0.001 and 20 of 0.002. Means 0.002 and 0.0015.

    Variances 40/39 and 10/39 times 1e-6, so the squared error is 1.25/39 times 1e-6 and there are
    1.25² / ((1² + 0.25²) / 39) = 57.353 degrees of freedom, whose quantile is 2.00220.
    """
    first, second = arms_of(trial)
    fill(first, people)
    fill(second, people, cost=("0.001", "0.002"))

    found = difference(trial, Measure.COST)

    half = 2.00220 * math.sqrt(1.25 / 39) / 1000
    assert found.value == pytest.approx(-0.0005)
    assert found.relative == pytest.approx(-0.25)
    assert found.interval.low == pytest.approx(-0.0005 - half, rel=1e-4)
    assert found.interval.high == pytest.approx(-0.0005 + half, rel=1e-4)
    assert "B is cheaper by 25 %: 0.0005 USD less a call (95 % CI 0.00014 to 0.00086 USD)." in verdicts_of(
        results_of(trial)
    )


def test_sentences_for_every_measure(trial, people):
    first, second = arms_of(trial)
    fill(first, people, latency=(1000, 1010), rating=(2, 3), failures=10)
    fill(second, people, latency=(2000, 2010), rating=(4, 5))

    sentences = verdicts_of(results_of(trial))

    assert len(sentences) == 4
    assert sentences[0].startswith("B succeeds more often by 25.0 points (95 % CI ")
    assert sentences[1].startswith("No difference in cost shows between A and B (B minus A: 95 % CI -0.0004")
    assert sentences[2].startswith("B is slower by 99.5 %: 1000 ms more a call (95 % CI ")
    assert sentences[3].startswith("B is rated higher by 2.00 of 5 (95 % CI ")


def test_too_few_calls_tell_nothing(trial, people):
    first, second = arms_of(trial)
    fill(first, people)
    fill(second, people, calls=29, cost=("1", "2"))

    assert verdicts_of(results_of(trial)) == (
        "Not enough calls yet to tell: each arm needs 30 calls of 5 users.",
    )


def test_many_calls_of_one_person_tell_nothing(trial, people):
    first, second = arms_of(trial)
    fill(first, people)
    fill(second, people[:1], cost=("1", "2"))

    assert verdicts_of(results_of(trial))[0].startswith("Not enough calls yet to tell")


def test_without_ratings_the_other_measures_are_told(trial, people):
    for arm in arms_of(trial):
        fill(arm, people)

    sentences = verdicts_of(results_of(trial))

    assert sentences[1].startswith("No difference in cost shows")
    assert sentences[3] == "Not enough ratings yet to tell A and B apart in feedback."


def test_one_arm_is_nothing_to_compare():
    assert verdicts_of(results_of(make_experiment({}))) == (
        "There is nothing to compare: an experiment needs two arms.",
    )


def test_a_third_arm_makes_every_comparison_more_careful(trial, people):
    for arm in arms_of(trial):
        fill(arm, people)
    of_two = difference(trial, Measure.COST).interval
    make_experiment({}, {}, name="Other")
    trial.arms.create(name="C")

    of_three = results_of(trial).differences

    assert len(of_three) == 8
    found = next(one for one in of_three if one.measure is Measure.COST and one.arm.arm.name == "B")
    assert found.interval.high - found.interval.low > of_two.high - of_two.low
    assert found.base.arm.name == "A"


def test_rows_of_nobody_and_of_other_arms_are_kept_apart(trial):
    arm, _ = arms_of(trial)
    make_call(arm, "r1", user=None)
    (stranger,) = arms_of(make_experiment({}, name="Other"))
    make_call(stranger, "r2", user=make_user("other@example.com"))

    result = results_of(trial).arms[0]

    assert (result.counts.calls, result.counts.users) == (1, 0)
    assert result.counts.feedback == Sample()


def test_a_page_counts_once_for_all_it_shows(trial, people, django_assert_num_queries):
    arm, _ = arms_of(trial)
    make_call(arm, "r1", user=people[0])
    assert recent_results_of(trial).arms[0].counts.calls == 1
    make_call(arm, "r2", user=people[0])

    with django_assert_num_queries(1):
        again = recent_results_of(trial)

    assert again.arms[0].counts.calls == 1
    assert results_of(trial).arms[0].counts.calls == 2


def test_without_a_cache_the_figures_are_counted_all_the_same(trial, people, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    arm, _ = arms_of(trial)
    make_call(arm, "r1", user=people[0])

    assert recent_results_of(trial).arms[0].counts.calls == 1
