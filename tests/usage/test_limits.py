"""How a quota is named and explained, to people and to programs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from usage.ledger.limits import (
    IN_FLIGHT_RETRY_SECONDS,
    Hold,
    QuotaLimit,
    QuotaWarning,
    exceeded,
    in_words,
    name_of,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
DAY, MONTH = "day:2026-11-21", "month:2026-11"
USD = 10**12


def limit(scope="user:7", window=DAY, amount=100, resets_at=MIDNIGHT):
    return QuotaLimit(scope, window, amount, resets_at)


@pytest.mark.parametrize(
    ("scope", "subject", "task", "unit", "name"),
    [
        ("user:7", "user", "", "tokens", "daily token quota"),
        ("user-usd:7", "user", "", "usd", "daily spending cap"),
        ("task:7:extraction", "task", "extraction", "tokens", "daily token quota for Job extraction"),
        ("task-usd:7:extraction", "task", "extraction", "usd", "daily spending cap for Job extraction"),
        ("task:7:gone:away", "task", "gone:away", "tokens", "daily token quota for gone:away"),
        ("provider:3", "provider", "", "tokens", "daily token quota of the AI provider"),
        ("provider-usd:3", "provider", "", "usd", "daily spending cap of the AI provider"),
    ],
)
def test_a_counters_scope_says_whose_it_is_of_what_and_in_what(scope, subject, task, unit, name):
    quota = limit(scope)

    assert (quota.subject, quota.task, quota.unit, quota.period) == (subject, task, unit, "day")
    assert name_of(quota) == name
    assert (quota.key, Hold(scope, DAY, 5).key, Hold(scope, DAY, 5).unit) == (
        (scope, DAY),
        (scope, DAY),
        unit,
    )


def test_a_month_is_a_month():
    assert limit(window=MONTH).period == "month"
    assert name_of(limit(window=MONTH)) == "monthly token quota"


def refused(quota, *, used=0, reserved=0, requested=10):
    return exceeded(quota, used=used, reserved=reserved, requested=requested, now=NOON)


def test_a_refusal_tells_programs_everything_in_the_users_own_time():
    resets_at = datetime(2026, 11, 22, tzinfo=timezone(timedelta(hours=3), "EAT"))

    refusal = refused(limit("task-usd:7:extraction", resets_at=resets_at, amount=USD), used=USD, reserved=3)

    assert refusal.details == {
        "scope": "task",
        "task": "extraction",
        "unit": "usd",
        "window": "day",
        "limit": "1",
        "used": "1",
        "reserved": "0.000000000003",
        "left": "0",
        "requested": "0.00000000001",
        "resets_at": "2026-11-22T00:00:00+03:00",
        "time_zone": "EAT",
    }


@pytest.mark.parametrize(
    ("used", "reserved", "requested", "left", "wait"),
    [
        pytest.param(91, 0, 10, 9, 12 * 3600, id="used up: at the reset"),
        pytest.param(90, 1, 10, 9, IN_FLIGHT_RETRY_SECONDS, id="held: soon"),
        pytest.param(50, 60, 40, 0, IN_FLIGHT_RETRY_SECONDS, id="more held than there is"),
        pytest.param(1, 0, 100, 99, 12 * 3600, id="all of it: at the reset"),
        pytest.param(0, 0, 101, 100, None, id="more than all of it: never"),
    ],
)
def test_when_to_try_again_follows_from_what_is_in_the_way(used, reserved, requested, left, wait):
    refusal = refused(limit(), used=used, reserved=reserved, requested=requested)

    assert (refusal.retry_after, refusal.details["left"]) == (wait, left)
    assert (refusal.details["used"], refusal.details["reserved"]) == (used, reserved)
    assert (refusal.details["limit"], refusal.details["requested"]) == (100, requested)


def test_nobody_waits_beyond_the_reset_for_calls_under_way():
    soon = limit(resets_at=NOON + timedelta(seconds=2))

    assert refused(soon, used=50, reserved=50).retry_after == 2


@pytest.mark.parametrize(
    ("scope", "used", "reserved", "requested", "says"),
    [
        ("user:7", 50, 50, 10, "What is left of the daily token quota is held by calls under way."),
        ("user:7", 95, 0, 10, "is not enough for this request. Try again after the reset, or move to a"),
        ("user:7", 0, 0, 101, "This request needs 101 tokens, more than the whole daily token quota of 100"),
        ("task:7:extraction", 95, 0, 10, "daily token quota for Job extraction is not enough"),
        ("provider:3", 95, 0, 10, "quota of the AI provider is used up. Try again after the reset; a super"),
        ("provider:3", 0, 0, 101, "The daily token quota of the AI provider is used up."),
        ("provider:3", 50, 50, 10, "of the AI provider is held by calls under way."),
    ],
)
def test_a_refusal_tells_people_what_to_do(scope, used, reserved, requested, says):
    assert says in refused(limit(scope), used=used, reserved=reserved, requested=requested).message


def test_a_counter_without_a_limit_refuses_nothing():
    with pytest.raises(RuntimeError, match=r"unlimited counter user:7 day:2026-11-21"):
        refused(limit(amount=None))


def test_amounts_are_written_as_people_write_them():
    assert (in_words("tokens", 1_500), in_words("usd", USD // 4)) == ("1,500 tokens", "$0.25")


@pytest.mark.parametrize(
    ("taken", "amount", "share"), [(80, 100, 0.8), (1, 3, 0.3333), (150, 100, 1.5), (5, 0, 1)]
)
def test_a_warning_says_how_much_of_the_quota_is_taken(taken, amount, share):
    assert QuotaWarning(limit(amount=amount), taken).share == share


def test_a_warning_tells_programs_what_a_refusal_does():
    tokens = QuotaWarning(limit(), 90).as_dict()
    assert (tokens["limit"], tokens["used"], tokens["window"]) == (100, 90, "day")

    warning = QuotaWarning(limit("task-usd:7:extraction", MONTH, USD), 9 * USD // 10)

    assert warning.as_dict() == {
        "scope": "task",
        "task": "extraction",
        "unit": "usd",
        "window": "month",
        "limit": "1",
        "used": "0.9",
        "share": 0.9,
        "resets_at": "2026-11-22T00:00:00+00:00",
    }
