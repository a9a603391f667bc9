"""A rolled-up figure equals the rows to the last digit, whenever somebody looks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection

from tests.factories import make_config, make_user
from tests.usage.ended import by_hand, counted, make_call, make_many, utc
from usage.celery_tasks import roll_up
from usage.models import AIProviderUsageLog, RollupState, UsageRollup
from usage.stats import BREAKDOWNS, Period, breakdown, rollup, timeseries, totals, usage_stats, verification

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

# Around the days on which Berlin (29 March) and Lord Howe (5 April) change their clocks.
STRETCHES = ((utc(2026, 3, 28), utc(2026, 3, 30)), (utc(2026, 4, 4), utc(2026, 4, 7, 16)))
NOW = utc(2026, 4, 7, 15, 20)
# Whole hours all year, whole hours with a change of clocks, and half an hour both ways.
ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe")


@pytest.fixture
def calls():
    configs = [make_config(), make_config(provider_type="gemini"), None]
    users = [make_user("one@example.com"), make_user("two@example.com"), None]
    return [
        row
        for number, (start, end) in enumerate(STRETCHES)
        for row in make_many(500, start=start, end=end, users=users, configs=configs, seed=number)
    ]


def everything(period):
    """What every question answers, without the order of equals."""
    answers = {by: {row.key: row.figures for row in breakdown(period=period, by=by)} for by in BREAKDOWNS}
    for by in ("none", "provider", "error", "user"):
        answers[f"{by} by day"] = timeseries(period=period, by=by)
    answers["none by hour"] = timeseries(period=period, bucket="hour")
    answers["all"] = totals(period=period)
    return answers


@pytest.mark.parametrize("zone", ZONES)
def test_every_answer_from_rollups_equals_the_answer_from_the_rows(calls, zone):
    period = Period.of_dates(first=date(2026, 3, 27), last=date(2026, 4, 7), tz=zone)
    from_rows = everything(period)

    rollup.refresh(now=NOW)

    assert UsageRollup.objects.filter(span="day").exists()
    assert everything(period) == from_rows


@pytest.mark.parametrize("zone", ZONES)
def test_the_days_add_up_to_the_period_and_each_is_what_the_rows_of_that_day_say(calls, zone):
    rollup.refresh(now=NOW)
    period = Period.of_dates(first=date(2026, 3, 27), last=date(2026, 4, 7), tz=zone)
    by_day = {}
    for row in calls:
        by_day.setdefault(row.created_at.astimezone(ZoneInfo(zone)).date(), []).append(row)

    days = timeseries(period=period)

    assert [counted(day.figures) for day in days] == [
        by_hand(by_day.get(day.start.date(), [])) for day in days
    ]
    within = [row for row in calls if period.start <= row.created_at < period.end]
    assert counted(totals(period=period)) == by_hand(within)


def test_usage_stats_are_the_same_before_and_after(calls):
    from_rows = usage_stats(days=9, now=NOW)

    rollup.refresh(now=NOW)

    assert usage_stats(days=9, now=NOW) == from_rows
    assert sum(stat.total_calls for stat in from_rows) > 300


def test_a_million_tiny_costs_lose_nothing():
    cost = Decimal("0.000000000001")
    for _ in range(30):
        make_call(utc(2026, 4, 1, 10), estimated_cost_usd=cost)
    make_call(utc(2026, 4, 1, 11), estimated_cost_usd=Decimal("812.123456789012"))
    rollup.refresh(now=NOW)

    figures = totals(period=Period.of_dates(first=date(2026, 4, 1), last=date(2026, 4, 1)))

    assert figures.total_cost_usd == Decimal("812.123456789042")


def test_what_people_did_is_kept_by_quarters_and_a_quarter_that_was_touched_is_read_from_the_rows(calls):
    rollup.refresh(now=NOW)
    periods = [Period.of_dates(first=date(2026, 4, 4), last=date(2026, 4, 7), tz=zone) for zone in ZONES]
    make_call(utc(2026, 4, 5, 8), user=None, settled_at=NOW)
    at_once = [breakdown(period=period, by="user") for period in periods]
    differing = list(verification.verify())

    rollup.refresh(now=NOW)

    quarters = UsageRollup.objects.filter(span="part", start__gte=utc(2026, 4, 5), start__lt=utc(2026, 4, 6))
    assert {part.start.hour for part in quarters} == {0, 6, 12, 18}
    assert {part.dimension for part in quarters} == {"user"}
    assert [breakdown(period=period, by="user") for period in periods] == at_once
    assert differing == list(verification.verify()) == []


def test_a_call_settled_after_its_hour_was_rolled_up_counts_at_once_and_after_the_next_run(calls):
    period = Period.of_dates(first=date(2026, 4, 1), last=date(2026, 4, 7))
    late = make_call(utc(2026, 4, 7, 14, 59), status="started", settled_at=None, estimated_cost_usd=None)
    rollup.refresh(now=NOW)
    before = totals(period=period)

    settled = {"status": "success", "estimated_cost_usd": Decimal("0.5"), "latency_ms": 700}
    AIProviderUsageLog.objects.filter(pk=late.pk).update(**settled, settled_at=NOW + timedelta(seconds=5))
    at_once = totals(period=period)
    rollup.refresh(now=NOW + timedelta(minutes=5))
    rollup.refresh(now=NOW + timedelta(hours=3))
    afterwards = totals(period=period)

    assert at_once.calls == before.calls + 1
    assert at_once.total_cost_usd == before.total_cost_usd + Decimal("0.5")
    assert afterwards == at_once
    assert not rollup.standing().stale


def test_without_the_look_for_touched_hours_a_late_call_would_be_missing(calls, monkeypatch):
    period = Period.of_dates(first=date(2026, 4, 1), last=date(2026, 4, 7))
    rollup.refresh(now=NOW)
    before = totals(period=period)
    make_call(utc(2026, 4, 2, 8), settled_at=NOW)

    monkeypatch.setattr(rollup, "_touched_hours", lambda *_: [])

    assert totals(period=period).calls == before.calls


def test_a_call_the_sweeper_closed_days_later_counts(calls):
    period = Period.of_dates(first=date(2026, 3, 27), last=date(2026, 3, 27))
    open_row = make_call(utc(2026, 3, 27, 10), status="started", settled_at=None, estimated_cost_usd=None)
    rollup.refresh(now=NOW)
    before = totals(period=period)
    closed_at = NOW + timedelta(days=2)
    AIProviderUsageLog.objects.filter(pk=open_row.pk).update(
        status="aborted", swept=True, settled_at=closed_at
    )

    at_once = totals(period=period)
    rollup.refresh(now=closed_at + timedelta(minutes=1))

    assert at_once.aborted == before.aborted + 1
    assert totals(period=period) == at_once


def test_rows_brought_in_from_the_past_count_at_once(calls):
    rollup.refresh(now=NOW)
    make_many(50, start=utc(2026, 3, 26), end=utc(2026, 3, 30), seed=2)
    rows = AIProviderUsageLog.objects.all()
    period = Period.of_dates(first=date(2026, 1, 1), last=date(2026, 4, 30))

    at_once = totals(period=period)
    rollup.refresh(now=NOW)

    assert counted(at_once) == by_hand(rows)
    assert totals(period=period) == at_once


def test_deleting_a_user_or_a_provider_changes_no_sum(calls):
    rollup.refresh(now=NOW)
    period = Period.of_dates(first=date(2026, 3, 27), last=date(2026, 4, 6))
    before = totals(period=period)
    row = next(row for row in calls if row.user_id and row.provider_config_id)
    row.user.delete()
    row.provider_config.delete()

    by_user, by_provider = (breakdown(period=period, by=by) for by in ("user", "provider"))

    assert sum(entry.figures.calls for entry in by_user) == before.calls
    assert sum(entry.figures.calls for entry in by_provider) == before.calls
    assert [entry.label for entry in by_user].count("Deleted user") == 1
    assert [entry.label for entry in by_provider].count("No stored provider") == 1
    from_rollups = everything(period)
    UsageRollup.objects.all().delete()
    RollupState.objects.all().delete()
    assert everything(period) == from_rollups


def test_an_answer_from_the_cache_is_no_refusal_and_in_no_person_s_rollup():
    person = make_user("one@example.com")
    make_call(utc(2026, 4, 1, 10), user=person, attempt=0, cached=True)
    rollup.refresh(now=NOW)
    period = Period.of_dates(first=date(2026, 4, 1), last=date(2026, 4, 1))

    assert [row.key for row in breakdown(period=period, by="status")] == ["cached"]
    assert list(verification.verify()) == []


def test_running_again_changes_nothing(calls):
    rollup.refresh(now=NOW)
    cells = set(UsageRollup.objects.values_list("span", "start", "dimension", "provider", "key", "calls"))

    again = rollup.refresh(now=NOW)

    assert again == 0
    assert cells == set(
        UsageRollup.objects.values_list("span", "start", "dimension", "provider", "key", "calls")
    )


def test_the_command_rebuilds_after_rows_were_changed_by_hand(calls, capsys):
    call_command("roll_up_usage")
    AIProviderUsageLog.objects.filter(status="success").update(
        total_tokens=0, input_tokens=0, output_tokens=0
    )
    period = Period.of_dates(first=date(2026, 3, 26), last=date(2026, 4, 7))

    call_command("roll_up_usage", "--rebuild")

    assert counted(totals(period=period)) == by_hand(AIProviderUsageLog.objects.all())
    assert "Rolled up" in capsys.readouterr().out


def test_the_worker_s_task_rolls_up_what_has_passed():
    make_call(datetime.now(UTC) - timedelta(hours=3))

    roll_up()

    assert RollupState.objects.get().until <= datetime.now(UTC)
    assert UsageRollup.objects.filter(span="hour", dimension="total", provider=-1).get().calls == 1


def test_an_installation_without_calls_has_nothing_to_roll_up():
    assert rollup.refresh(now=NOW) <= 1
    assert not UsageRollup.objects.exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_leave_one_truth():
    make_many(300, start=utc(2026, 4, 4), end=utc(2026, 4, 7, 15))

    def work(_):
        try:
            rollup.refresh(now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))

    period = Period.of_dates(first=date(2026, 4, 1), last=date(2026, 4, 7))
    assert counted(totals(period=period)) == by_hand(AIProviderUsageLog.objects.all())
    assert RollupState.objects.get().until == utc(2026, 4, 7, 15)
