from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from accounts.calendars import Calendar
from accounts.models import Plan
from tests.usage.attempts import NOON, capped
from usage.ledger.limits import QuotaLimit, amount_in, picos
from usage.quotas import RuleBook, limits_for, window_of

PRO = Plan(slug="pro_monthly", daily_token_limit=1_000_000, monthly_token_limit=None)


def limits(now, *, user_id=7, config_id=3):
    return limits_for(user_id=user_id, plan=PRO, config_id=config_id, config=capped(monthly=500), now=now)


def test_a_call_moves_the_day_and_the_month_of_its_user_and_its_provider():
    found = limits(datetime(2026, 11, 21, 12, 0, tzinfo=UTC))

    tomorrow, next_month = datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    assert [(limit.scope, limit.window, limit.limit, limit.resets_at) for limit in found] == [
        ("user:7", "day:2026-11-21", 1_000_000, tomorrow),
        ("user:7", "month:2026-11", None, next_month),
        ("provider:3", "day:2026-11-21", None, tomorrow),
        ("provider:3", "month:2026-11", 500, next_month),
    ]


def test_a_key_from_the_environment_has_no_counters_of_its_own():
    assert {limit.scope for limit in limits(datetime(2026, 1, 1, tzinfo=UTC), config_id=None)} == {"user:7"}


def test_a_call_without_a_user_moves_the_providers_counters_only():
    assert {limit.scope for limit in limits(datetime(2026, 1, 1, tzinfo=UTC), user_id=None)} == {"provider:3"}


@pytest.mark.parametrize(
    ("now", "windows", "resets"),
    [
        pytest.param(
            datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
            ("day:2026-12-31", "month:2026-12"),
            (datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
            id="end of the year",
        ),
        pytest.param(
            datetime(2028, 2, 29, 8, 0, tzinfo=UTC),
            ("day:2028-02-29", "month:2028-02"),
            (datetime(2028, 3, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
            id="leap day",
        ),
        pytest.param(
            datetime(2026, 11, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))),
            ("day:2026-10-31", "month:2026-10"),
            (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
            id="another zone's midnight",
        ),
    ],
)
def test_windows_are_calendar_days_and_months_in_utc(now, windows, resets):
    found = limits(now, config_id=None)

    assert tuple(limit.window for limit in found) == windows
    assert tuple(limit.resets_at for limit in found) == resets


def test_money_and_tasks_are_counted_where_they_are_limited():
    plan = Plan(slug="pro", daily_token_limit=10, monthly_cost_limit_usd=Decimal("0.5"))
    rules = {("pro", "extraction", "tokens", "day"): 7, ("pro", "cv_draft", "usd", "day"): 1}

    found = limits_for(
        user_id=7,
        plan=plan,
        task="extraction",
        rules=RuleBook(of_plans=rules),
        config_id=3,
        config=capped(daily_usd="2"),
        now=NOON,
    )

    assert [(limit.scope, limit.window, limit.limit) for limit in found] == [
        ("user:7", "day:2026-11-21", 10),
        ("user:7", "month:2026-11", None),
        ("user-usd:7", "month:2026-11", 500_000_000_000),
        ("task:7:extraction", "day:2026-11-21", 7),
        ("provider:3", "day:2026-11-21", None),
        ("provider:3", "month:2026-11", None),
        ("provider-usd:3", "day:2026-11-21", 2 * 10**12),
    ]
    assert [(limit.subject, limit.task, limit.unit) for limit in found[2:4]] == [
        ("user", "", "usd"),
        ("task", "extraction", "tokens"),
    ]


def test_a_users_own_rules_stand_before_the_plans():
    rules = RuleBook(
        of_plans={("pro_monthly", "extraction", "tokens", "day"): 7},
        of_users={
            (7, "", "tokens", "day"): 5,
            (7, "extraction", "tokens", "day"): 3,
            (8, "", "usd", "day"): 1,
        },
    )

    found = limits_for(user_id=7, plan=PRO, task="extraction", rules=rules, now=NOON)

    assert [(limit.scope, limit.period, limit.limit) for limit in found] == [
        ("user:7", "day", 5),
        ("user:7", "month", None),
        ("task:7:extraction", "day", 3),
    ]


def test_a_counter_that_is_not_always_kept_says_since_when_it_counts():
    rules = RuleBook(of_users={(7, "", "usd", "month"): 1, (7, "extraction", "tokens", "day"): 3})

    found = limits_for(user_id=7, plan=PRO, task="extraction", rules=rules, now=NOON)

    assert [limit.starts_at for limit in found] == [
        None,
        None,
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 11, 21, tzinfo=UTC),
    ]


def test_a_window_is_named_in_the_zone_that_is_asked_for():
    late = NOON.replace(hour=23)

    assert (window_of("day", late), window_of("month", late)) == ("day:2026-11-21", "month:2026-11")
    assert window_of("day", late, "Asia/Tokyo") == "day:2026-11-22"


def test_a_users_windows_are_their_own_and_a_providers_those_of_utc():
    now, tokyo = NOON.replace(hour=16), Calendar("Asia/Tokyo")
    found = limits_for(
        user_id=7,
        plan=PRO,
        calendar=tokyo,
        config_id=3,
        config=capped(),
        now=now,
    )

    assert [(limit.scope, limit.window, limit.resets_at.isoformat()) for limit in found] == [
        ("user:7", "day:2026-11-22", "2026-11-23T00:00:00+09:00"),
        ("user:7", "month:2026-11", "2026-12-01T00:00:00+09:00"),
        ("provider:3", "day:2026-11-21", "2026-11-22T00:00:00+00:00"),
        ("provider:3", "month:2026-11", "2026-12-01T00:00:00+00:00"),
    ]


def test_a_cap_larger_than_a_counter_is_as_large_as_a_counter():
    found = limits_for(user_id=7, plan=capped(daily_usd=Decimal("99999999.9999")), now=NOON)

    assert found[2].limit == 9_000_000 * 10**12


@pytest.mark.parametrize(
    ("limit", "quiet", "due"), [(100, 79, 80), (1, 0, 1), (3, 2, 3), (0, -1, 0), (10_001, 8_000, 8_001)]
)
def test_a_warning_is_due_at_80_percent(limit, quiet, due):
    quota = QuotaLimit("user:7", "day:2026-11-21", limit, NOON)

    assert (quota.is_due_for_warning(quiet), quota.is_due_for_warning(due)) == (False, True)


def test_without_a_limit_no_warning_is_due():
    assert not QuotaLimit("user:7", "day:2026-11-21", None, NOON).is_due_for_warning(10**18)


@pytest.mark.parametrize(
    ("picos_taken", "text"),
    [(1, "0.000000000001"), (10**12, "1"), (0, "0"), (25 * 10**11, "2.5"), (12 * 10**15, "12000")],
)
def test_money_is_written_to_the_last_digit(picos_taken, text):
    assert amount_in("usd", picos_taken) == text
    assert picos(Decimal(text)) == picos_taken
