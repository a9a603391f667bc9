from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.factories import make_config, make_user
from tests.usage.ended import make_call, make_refusal, utc
from usage.stats import OTHERS, Figures, Period, breakdown, comparison, timeseries, totals, usage_stats

pytestmark = pytest.mark.django_db

NOW = utc(2026, 11, 21, 12)
DAY = Period.of_dates(first=date(2026, 11, 21), last=date(2026, 11, 21))


def test_usage_stats_has_the_fields_of_the_api_for_each_provider_and_model():
    config = make_config()
    for days, status in [(1, "success"), (2, "success"), (8, "success"), (20, "error"), (45, "success")]:
        make_call(NOW - timedelta(days=days), provider_config=config, status=status, latency_ms=100 * days)

    (stat,) = usage_stats(days=30, now=NOW)

    assert (stat.provider_config_id, stat.provider_type, stat.model_name) == (
        config.pk,
        "openai",
        "gpt-5-mini",
    )
    assert (stat.total_calls, stat.total_tokens, stat.total_cost_usd) == (4, 480, Decimal("0.004"))
    assert (stat.success_rate, stat.avg_latency_ms) == (75.0, 367)
    assert (stat.last_7_days_calls, stat.last_30_days_calls) == (2, 4)


def test_usage_stats_of_one_day_still_tells_the_last_7_and_30_days():
    for days in (0.5, 3, 20):
        make_call(NOW - timedelta(days=days))

    (stat,) = usage_stats(days=1, now=NOW)

    assert (stat.total_calls, stat.last_7_days_calls, stat.last_30_days_calls) == (1, 2, 3)


def test_a_refusal_is_counted_apart_and_never_as_a_call_to_a_vendor():
    make_call(NOW - timedelta(hours=1))
    make_refusal(NOW - timedelta(hours=1))

    figures = totals(period=DAY)

    assert (figures.calls, figures.refusals, figures.success_rate) == (1, 1, 100.0)
    assert [stat.total_calls for stat in usage_stats(now=NOW)] == [1]


def test_a_call_in_flight_is_in_no_figure():
    make_call(NOW - timedelta(hours=1), status="started", settled_at=None, estimated_cost_usd=None)

    figures = totals(period=DAY)

    assert (figures.calls, figures.total_tokens, figures.unpriced_calls) == (0, 0, 0)


def test_an_unknown_price_is_counted_and_never_shown_as_nothing():
    make_call(NOW - timedelta(hours=1), estimated_cost_usd=None)

    alone = totals(period=DAY)
    make_call(NOW - timedelta(hours=1))
    beside_a_priced_one = totals(period=DAY)

    assert (alone.total_cost_usd, alone.unpriced_calls, alone.cost_per_call_usd) == (None, 1, None)
    assert beside_a_priced_one.total_cost_usd == Decimal("0.001")
    assert beside_a_priced_one.unpriced_calls == 1
    assert beside_a_priced_one.cost_per_call_usd == Decimal("0.001")


def test_rates_and_latencies_without_calls_are_unknown():
    figures = totals(period=DAY)

    assert (figures.success_rate, figures.avg_latency_ms, figures.p95_latency_ms) == (None, None, None)
    assert figures.total_cost_usd == 0


def test_aborted_calls_do_not_speak_against_the_provider():
    for status in ("success", "aborted", "timeout"):
        make_call(NOW - timedelta(hours=1), status=status)

    figures = totals(period=DAY)

    assert (figures.calls, figures.aborted, figures.success_rate) == (3, 1, 50.0)


def test_percentiles_are_within_2_5_percent():
    for number in range(1, 201):
        make_call(NOW - timedelta(hours=1), latency_ms=number * 10)

    figures = totals(period=DAY)

    assert figures.p50_latency_ms == pytest.approx(1000, rel=0.026)
    assert figures.p95_latency_ms == pytest.approx(1900, rel=0.026)


def test_breakdowns_name_what_people_know(user):
    config = make_config(display_name="Main account")
    make_call(NOW - timedelta(hours=1), provider_config=config, user=user, status="error", error_kind="auth")

    labels = {
        by: breakdown(period=DAY, by=by)[0].label
        for by in ("provider", "model", "task", "plan", "user", "error")
    }

    assert labels == {
        "provider": "Main account",
        "model": "openai/gpt-5-mini",
        "task": "Job extraction",
        "plan": "Freemium",
        "user": "alice@example.com",
        "error": "auth",
    }


def test_people_over_time_are_those_who_called_most_and_all_others(monkeypatch):
    monkeypatch.setattr("usage.stats.questions.MOST_SERIES", 2)
    people = [make_user(f"{number}@example.com") for number in range(4)]
    for calls, person in enumerate([*people, None], 1):
        for ago in range(calls):
            make_call(NOW - timedelta(days=ago, hours=1), user=person)
    people[2].delete()
    period = Period.last_days(7, now=NOW)

    points = timeseries(period=period, by="user")

    assert {point.label for point in points} == {"3@example.com", "1@example.com", "All others"}
    assert {point.key for point in points} == {str(people[3].pk), str(people[1].pk), OTHERS}
    days = timeseries(period=period)
    for day in days:
        of_day = [point.figures for point in points if point.start == day.start]
        assert sum(of_day, Figures()).calls == day.figures.calls
        assert sum(of_day, Figures()).cost_picos == day.figures.cost_picos
    assert all(point.figures.calls > 0 for point in points)


def test_calls_of_the_deleted_are_kept_under_nobody():
    config, user = make_config(), make_user("gone@example.com")
    make_call(NOW - timedelta(hours=1), provider_config=config, user=user)
    config.delete()
    user.delete()

    (by_provider,), (by_user,) = (breakdown(period=DAY, by=by) for by in ("provider", "user"))

    assert (by_provider.key, by_provider.label, by_provider.figures.calls) == ("", "No stored provider", 1)
    assert (by_user.key, by_user.label, by_user.figures.calls) == ("", "Deleted user", 1)


def test_a_provider_s_figures_are_its_own():
    ours, theirs = make_config(), make_config()
    for config in (ours, ours, theirs):
        make_call(NOW - timedelta(hours=1), provider_config=config)

    assert totals(period=DAY, provider=ours.pk).calls == 2
    assert [row.figures.calls for row in breakdown(period=DAY, by="task", provider=theirs.pk)] == [1]


def test_a_series_has_every_day_and_errors_by_kind():
    period = Period.of_dates(first=date(2026, 11, 19), last=date(2026, 11, 21))
    make_call(utc(2026, 11, 19, 5))
    make_call(utc(2026, 11, 21, 5), status="error", error_kind="server")
    make_refusal(utc(2026, 11, 21, 6))

    days = timeseries(period=period)
    errors = timeseries(period=period, by="error")

    assert [point.figures.calls for point in days] == [1, 0, 1]
    assert [
        (point.start.day, point.key, point.figures.calls, point.figures.refusals) for point in errors
    ] == [
        (21, "quota_exceeded", 0, 1),
        (21, "server", 1, 0),
    ]


def test_the_comparison_keeps_its_four_stretches_apart():
    for days in (1, 10, 20, 40, 70):
        make_call(NOW - timedelta(days=days))

    compared = comparison(now=NOW)

    assert compared.last_7_days.calls == 1
    assert compared.previous_7_days.calls == 1
    assert compared.last_30_days.calls == 3
    assert compared.previous_30_days.calls == 1
