"""What every ledger must do with quotas of tasks, with time zones, and with whoever comes near a limit."""

from datetime import timedelta

import pytest

from accounts.audit import Actor
from accounts.calendars import Calendar
from accounts.personal_tokens import TokenLimits, create
from tests.contract.test_ledger import LEDGERS
from tests.factories import make_config
from tests.usage.attempts import NOON, counters, make_attempt, run, success
from tests.usage.calls import make_calls
from usage.ledger.base import QuotaExceeded
from usage.models import AIProviderUsageLog, QuotaRule
from usage.quotas import RuleBook

pytestmark = pytest.mark.django_db(transaction=True)

DAY, MONTH = "day:2026-11-21", "month:2026-11"


@pytest.fixture(params=LEDGERS)
def ledger(request):
    return request.param()


def rules(user, **fields):
    """The book with one rule of this user: 250 tokens a day for extraction, unless told otherwise."""
    defaults = {"task": "extraction", "unit": "tokens", "period": "day", "limit": 250}
    QuotaRule.objects.create(user=user, **(defaults | fields))
    return RuleBook.load()


# --- Tasks ------------------------------------------------------------------------------------------------


def test_a_task_quota_holds_within_its_task_only(ledger, user):
    book = rules(user)
    for _ in range(2):
        run(ledger.reserve(make_attempt(user=user, rules=book)))

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(make_attempt(user=user, rules=book)))
    run(ledger.reserve(make_attempt(user=user, rules=book, task="cover_letter")))

    details = refusal.value.details
    assert (details["scope"], details["task"], details["unit"]) == ("task", "extraction", "tokens")
    assert (details["left"], details["requested"]) == (50, 100)
    assert "daily token quota for Job extraction" in refusal.value.message
    assert counters()[f"task:{user.pk}:extraction", DAY] == (0, 200)
    assert counters()[f"user:{user.pk}", DAY] == (0, 300)


def test_an_access_token_has_a_quota_of_its_own(ledger, user):
    token, _ = create(user=user, name="CI", actor=Actor.system(), limits=TokenLimits(daily_token_limit=250))
    other, _ = create(user=user, name="Notebook", actor=Actor.system())
    make_calls(1, None, user=user, at=NOON - timedelta(hours=1), personal_token=token.pk)
    make_calls(1, None, user=user, at=NOON - timedelta(hours=1), personal_token=other.pk)
    run(ledger.reserve(make_attempt(user=user, token=token)))

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(make_attempt(user=user, token=token)))
    run(ledger.reserve(make_attempt(user=user, token=other)))

    details = refusal.value.details
    assert (details["scope"], details["used"], details["reserved"]) == ("access_token", 150, 100)
    assert "daily token quota of the access token" in refusal.value.message
    assert counters()[f"access_token:{token.pk}", DAY] == (150, 100)
    assert (f"access_token:{other.pk}", DAY) not in counters()
    rows = AIProviderUsageLog.objects.filter(status="started").order_by("pk")
    assert list(rows.values_list("personal_token", flat=True)) == [token.pk, other.pk]


def test_a_task_can_be_capped_in_money(ledger, user):
    book = rules(user, unit="usd", period="month", limit="0.0001")
    reservation = run(ledger.reserve(make_attempt(user=user, rules=book)))

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(make_attempt(user=user, rules=book)))
    run(ledger.settle(reservation, success(50, 20)))

    assert (refusal.value.details["window"], refusal.value.details["unit"]) == ("month", "usd")
    assert counters()[f"task-usd:{user.pk}:extraction", MONTH] == (52_500_000, 0)


def test_a_task_quota_set_in_the_middle_of_a_day_counts_the_whole_day(ledger, user):
    make_calls(1, None, user=user, at=NOON - timedelta(hours=2))
    make_calls(1, None, user=user, at=NOON - timedelta(hours=2), task_type="cover_letter")

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(make_attempt(user=user, rules=rules(user, limit=249))))

    assert refusal.value.details["used"] == 150


def test_what_was_never_sent_is_released_in_every_counter(ledger, user):
    attempt = make_attempt(user=user, daily_usd="1", rules=rules(user))
    reservation = run(ledger.reserve(attempt))

    run(ledger.settle(reservation, success(usage=None, may_have_cost=False, was_sent=False)))

    assert set(counters().values()) == {(0, 0)}
    assert len(counters()) == 4
    assert AIProviderUsageLog.objects.get().attempt == 0


# --- Time zones -------------------------------------------------------------------------------------------


def test_a_refusal_names_the_midnight_of_the_account(ledger, user):
    attempt = make_attempt(user=user, daily=150, calendar=Calendar("Asia/Tokyo"))
    run(ledger.settle(run(ledger.reserve(attempt)), success(60, 40)))

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(attempt))

    assert refusal.value.details["time_zone"] == "Asia/Tokyo"
    assert refusal.value.details["resets_at"] == "2026-11-22T00:00:00+09:00"
    assert refusal.value.retry_after == 3 * 60 * 60


def test_moving_to_where_it_is_tomorrow_wins_no_second_day(ledger, user):
    run(ledger.reserve(make_attempt(user=user, daily=100)))
    moved = Calendar().moved_to("Pacific/Kiritimati", now=NOON)

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(make_attempt(user=user, daily=100, calendar=moved)))

    assert refusal.value.details["resets_at"] == "2026-11-22T00:00:00+00:00"
    assert counters()[f"user:{user.pk}", DAY] == (0, 100)


def test_moving_there_and_back_uses_up_tomorrow_and_not_today_twice(ledger, user):
    there = Calendar().moved_to("Pacific/Kiritimati", now=NOON)
    run(ledger.reserve(make_attempt(user=user, daily=200, calendar=there)))
    back = there.moved_to("UTC", now=NOON)

    run(ledger.reserve(make_attempt(user=user, daily=200, calendar=back)))
    with pytest.raises(QuotaExceeded):
        run(ledger.reserve(make_attempt(user=user, daily=200, calendar=back)))

    assert counters()[f"user:{user.pk}", DAY] == (0, 200)
    assert counters()[f"user:{user.pk}", "day:2026-11-22"] == (0, 200)


# --- Warnings ---------------------------------------------------------------------------------------------


def warned(ledger, used, **attempt):
    """What a call that took `used` tokens tells."""
    reservation = run(ledger.reserve(make_attempt(**attempt)))
    return run(ledger.settle(reservation, success(*used))).quota_warnings


@pytest.mark.parametrize(
    ("used", "taken"), [((59, 20), None), ((60, 20), 80), ((60, 40), 100), ((60, 90), 150)]
)
def test_from_80_percent_on_the_call_says_so(ledger, user, used, taken):
    warnings = warned(ledger, used, user=user, daily=100)

    assert [warning.taken for warning in warnings] == ([taken] if taken else [])
    if taken:
        assert warnings[0].as_dict() == {
            "scope": "user",
            "task": "",
            "unit": "tokens",
            "window": "day",
            "limit": 100,
            "used": taken,
            "share": taken / 100,
            "resets_at": "2026-11-22T00:00:00+00:00",
        }


def test_calls_in_flight_count_towards_the_mark(ledger, user):
    run(ledger.reserve(make_attempt(user=user, daily=300)))

    first = warned(ledger, (60, 20), user=user, daily=300)
    second = warned(ledger, (60, 20), user=user, daily=300)

    assert ([one.taken for one in first], [one.taken for one in second]) == ([], [260])


def test_money_and_tasks_warn_and_providers_do_not(ledger, user):
    config = make_config()
    book = rules(user, limit=100)

    warnings = warned(
        ledger, (60, 40), user=user, config=config, rules=book, config_daily=100, daily_usd="0.0001"
    )

    told = [(warning.quota.subject, warning.quota.unit, warning.share) for warning in warnings]
    assert told == [("task", "tokens", 1.0), ("user", "usd", 0.95)]
