"""Days and months of an account, wherever it is and whenever it moves."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.calendars import PERIODS, Calendar, window_at
from accounts.models import User

ZONES = ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12", "Africa/Cairo", "Australia/Lord_Howe"]


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "now", "name", "ends_at"),
    [
        pytest.param("Asia/Tokyo", utc(2026, 11, 21, 15), "day:2026-11-22", utc(2026, 11, 22, 15), id="east"),
        pytest.param(
            "America/New_York", utc(2026, 11, 21, 4, 59), "day:2026-11-20", utc(2026, 11, 21, 5), id="west"
        ),
        pytest.param(
            "Europe/Berlin", utc(2026, 10, 25, 12), "day:2026-10-25", utc(2026, 10, 25, 23), id="25 hours"
        ),
        pytest.param(
            "Europe/Berlin", utc(2026, 3, 29, 12), "day:2026-03-29", utc(2026, 3, 29, 22), id="23 hours"
        ),
        pytest.param(
            "Africa/Cairo", utc(2026, 4, 23, 12), "day:2026-04-23", utc(2026, 4, 23, 22), id="no midnight"
        ),
        pytest.param(
            "America/Havana", utc(2026, 10, 31, 20), "day:2026-10-31", utc(2026, 11, 1, 4), id="two midnights"
        ),
        pytest.param(
            "Pacific/Apia", utc(2011, 12, 30, 9), "day:2011-12-29", utc(2011, 12, 30, 10), id="no such day"
        ),
    ],
)
def test_a_day_ends_at_the_next_midnight_on_the_wall(zone, now, name, ends_at):
    window = window_at("day", now, zone)

    assert (window.name, window.ends_at.astimezone(UTC)) == (name, ends_at)
    assert str(window.ends_at.tzinfo) == zone
    assert window_at("day", ends_at, zone).name != name


def test_a_month_ends_where_the_account_is():
    window = window_at("month", utc(2026, 12, 31, 20), "Asia/Kathmandu")

    assert (window.name, window.starts_at.astimezone(UTC)) == ("month:2027-01", utc(2026, 12, 31, 18, 15))
    assert window.ends_at.isoformat() == "2027-02-01T00:00:00+05:45"


moments = st.timedeltas(timedelta(0), timedelta(days=1_100)).map(lambda passed: utc(2024, 1, 1) + passed)


@example(now=utc(2024, 4, 25, 12), zone="Africa/Cairo", period="day")
@given(now=moments, zone=st.sampled_from(ZONES), period=st.sampled_from(PERIODS))
def test_windows_follow_one_another_without_gap_or_overlap(now, zone, period):
    window = window_at(period, now, zone)

    assert window.starts_at <= now < window.ends_at
    assert window_at(period, window.ends_at, zone).starts_at == window.ends_at
    # In UTC: on the wall, the moment before may be one that the clocks skip.
    last = window.ends_at.astimezone(UTC) - timedelta(microseconds=1)
    assert window_at(period, last, zone) == window


@given(start=moments, moves=st.lists(st.tuples(st.sampled_from(ZONES), st.integers(0, 72)), max_size=8))
def test_no_move_ends_a_window_before_its_time(start, moves):
    """However an account moves about, what is running goes on counting until it ends where it began."""
    calendar, now, running = Calendar(), start, {}
    for zone, hours in moves:
        running |= {
            window.name: window.ends_at for period in PERIODS for window in calendar.windows(period, now)
        }
        calendar = calendar.moved_to(zone, now=now)
        now += timedelta(hours=hours)

        counted = {window.name for period in PERIODS for window in calendar.windows(period, now)}
        assert {name for name, ends_at in running.items() if ends_at > now} <= counted
        assert len(calendar.kept) <= 7


@pytest.mark.django_db
@time_machine.travel(utc(2026, 11, 21, 12), tick=False)
def test_a_user_who_moves_takes_the_running_day_along(user):
    user.time_zone = "Pacific/Kiritimati"
    user.save(update_fields=["time_zone"])

    calendar = User.objects.get(pk=user.pk).calendar

    now = utc(2026, 11, 21, 12)
    assert [window.name for window in calendar.windows("day", now)] == ["day:2026-11-22", "day:2026-11-21"]
    assert [window.name for window in calendar.windows("month", now)] == ["month:2026-11"]
    tomorrow = utc(2026, 11, 22, 0)
    assert [window.name for window in calendar.windows("day", tomorrow)] == ["day:2026-11-22"]


@pytest.mark.django_db
@time_machine.travel(utc(2026, 11, 21, 12), tick=False)
def test_moving_twice_forgets_nothing(user):
    for zone in ("Pacific/Kiritimati", "Pacific/Auckland"):
        user.time_zone = zone
        user.save()

    names = [window.name for window in user.calendar.windows("day", utc(2026, 11, 21, 12))]

    assert names == ["day:2026-11-22", "day:2026-11-21"]


@pytest.mark.django_db
def test_saving_anything_else_is_no_move(user):
    user.full_name = "Alice"
    user.save()
    user.save(update_fields=["full_name"])

    user.refresh_from_db()
    assert (user.full_name, user.kept_quota_windows) == ("Alice", [])
