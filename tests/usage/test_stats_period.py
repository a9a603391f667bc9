from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from usage.stats import InvalidPeriod, Period

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/Los_Angeles",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Chatham",
    # Clocks change at midnight, so that a day begins at 01:00 or one midnight comes twice.
    "Africa/Cairo",
    "America/Havana",
    "Asia/Beirut",
]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("bucket", ["day", "hour"])
def test_the_buckets_are_the_period_without_gap_or_overlap(zone, bucket):
    months = [(date(2026, 3, 8), date(2026, 4, 7)), (date(2026, 10, 3), date(2026, 11, 2))]
    for first, last in months:
        period = Period.of_dates(first=first, last=last, tz=zone)

        buckets = period.buckets(bucket)

        assert buckets[0][0] == period.start
        assert buckets[-1][1] == period.end
        assert all(end == start for (_, end), (start, _) in pairwise(buckets))
        assert bucket == "hour" or len(buckets) == 31


def test_a_day_has_23_or_25_hours_when_the_clocks_change():
    period = Period.of_dates(first=date(2026, 3, 28), last=date(2026, 3, 30), tz="Europe/Berlin")

    lengths = [end - start for start, end in period.buckets("day")]

    assert lengths == [timedelta(hours=24), timedelta(hours=23), timedelta(hours=24)]


def test_a_day_of_lord_howe_is_half_an_hour_longer_when_the_clocks_change():
    period = Period.of_dates(first=date(2026, 4, 5), last=date(2026, 4, 5), tz="Australia/Lord_Howe")

    assert period.end - period.start == timedelta(hours=24, minutes=30)


def test_the_previous_period_has_as_many_local_days():
    period = Period.of_dates(first=date(2026, 3, 29), last=date(2026, 4, 4), tz="Europe/Berlin")

    previous = period.previous()

    assert previous == Period.of_dates(first=date(2026, 3, 22), last=date(2026, 3, 28), tz="Europe/Berlin")


def test_the_previous_of_any_other_period_is_as_long():
    now = datetime(2026, 11, 21, 12, 34, tzinfo=UTC)

    previous = Period.last_days(7, now=now).previous()

    assert (previous.start, previous.end) == (now - timedelta(days=14), now - timedelta(days=7))


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "Europe", "x" * 300])
def test_it_refuses_a_time_zone_nobody_knows(name):
    with pytest.raises(InvalidPeriod, match="time zone"):
        Period.of_dates(first=date(2026, 1, 1), last=date(2026, 1, 2), tz=name)


def test_it_refuses_reversed_naive_and_endless_periods():
    now = datetime(2026, 11, 21, tzinfo=UTC)

    for refused in (
        lambda: Period.between(start=now, end=now),
        lambda: Period.between(start=now.replace(tzinfo=None), end=now),
        lambda: Period.of_dates(first=date(2026, 1, 2), last=date(2026, 1, 1)),
        lambda: Period.of_dates(first=date(1, 1, 1), last=date(9999, 12, 31)),
        lambda: Period.last_days(0, now=now),
        lambda: Period.last_days(10**9, now=now),
        lambda: Period.last_days(33, now=now).buckets("hour"),
        lambda: Period.last_days(900, now=now).buckets("day"),
    ):
        with pytest.raises(InvalidPeriod):
            refused()


def test_as_many_days_as_are_told_may_have_a_clock_change_among_them():
    berlin = Period.of_dates(first=date(2026, 10, 1), last=date(2026, 11, 1), tz="Europe/Berlin")

    assert len(berlin.buckets("hour")) == 32 * 24 + 1
