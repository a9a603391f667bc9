import pytest

from tests.factories import make_config, make_user
from tests.usage.ended import utc
from usage.models import QuotaCounter, QuotaRule
from usage.stats import quota_ranking

pytestmark = pytest.mark.django_db

NOW = utc(2026, 11, 21, 12)


def count(scope, used, reserved=0, window="day:2026-11-21"):
    QuotaCounter.objects.create(scope=scope, window=window, used=used, reserved=reserved)


def test_users_are_ranked_by_what_they_took_of_the_running_day():
    some, most = make_user("some@example.com"), make_user("most@example.com", plan="paygo")
    count(f"user:{some.pk}", 4000, 1000)
    count(f"user:{most.pk}", 9000)
    count(f"user:{some.pk}", 99_000, window="day:2026-11-20")
    count("user:999999", 50_000)

    ranking = quota_ranking(scope="user", window="day", now=NOW)

    assert [(use.label, use.used, use.reserved, use.limit, use.percent) for use in ranking] == [
        ("most@example.com", 9000, 0, None, None),
        ("some@example.com", 4000, 1000, 10_000, 50.0),
    ]


def test_each_users_day_is_that_of_their_time_zone():
    here = make_user("here@example.com")
    early = make_user("early@example.com", time_zone="Pacific/Kiritimati")
    count(f"user:{here.pk}", 4_000)
    count(f"user:{here.pk}", 9_000, window="day:2026-11-22")
    count(f"user:{early.pk}", 9_000)
    count(f"user:{early.pk}", 1_000, window="day:2026-11-22")

    ranking = quota_ranking(scope="user", window="day", now=NOW)

    assert [(use.label, use.used) for use in ranking] == [
        ("here@example.com", 4_000),
        ("early@example.com", 1_000),
    ]


def test_a_users_own_rule_is_the_limit_they_are_measured_against():
    favourite = make_user("favourite@example.com")
    QuotaRule.objects.create(user=favourite, unit="tokens", period="day", limit=40_000)
    count(f"user:{favourite.pk}", 4_000)

    (use,) = quota_ranking(scope="user", window="day", now=NOW)

    assert (use.limit, use.percent) == (40_000, 10.0)


def test_providers_are_measured_against_their_own_limits():
    config = make_config(display_name="Main", monthly_token_limit=1000)
    count(f"provider:{config.pk}", 1200, window="month:2026-11")

    (use,) = quota_ranking(scope="provider", window="month", now=NOW)

    assert (use.label, use.limit, use.percent) == ("Main", 1000, 120.0)


def test_ten_more_users_add_no_query(django_assert_num_queries):
    for number in range(12):
        count(f"user:{make_user(f'u{number}@example.com').pk}", number + 1)

    # zones, counters, emails, subscriptions, default plan, rules
    with django_assert_num_queries(6):
        ranking = quota_ranking(scope="user", window="day", now=NOW)

    assert len(ranking) == 10
