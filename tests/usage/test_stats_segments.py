"""Where figures come from must never show in them: whatever is covered is covered once."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.usage.ended import utc
from usage.stats.segments import Standing, split

BASE = utc(2026, 11, 1)
MINUTES = st.integers(min_value=0, max_value=8 * 24 * 60)


@given(
    edges=st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] < pair[1]),
    until=st.one_of(st.none(), st.integers(min_value=0, max_value=9 * 24)),
    stale=st.sets(st.integers(min_value=0, max_value=8 * 24), max_size=5),
    cuts=st.sets(MINUTES, max_size=6),
    hours=st.sampled_from([1, 6, 24]),
)
def test_segments_cover_the_period_once_and_use_only_what_is_true(edges, until, stale, cuts, hours):
    start, end = (BASE + timedelta(minutes=edge) for edge in edges)
    cuts = sorted(BASE + timedelta(minutes=cut) for cut in cuts)
    cuts = [cut for cut in cuts if start < cut < end]
    rolled = None if until is None else BASE + timedelta(hours=until)
    stale_hours = {BASE + timedelta(hours=hour) for hour in stale}

    step = timedelta(hours=hours)
    segments = split(start, end, cuts=cuts, standing=Standing(rolled, stale_hours), step=step)

    every = sorted([*segments.days, *segments.steps, *segments.rows])
    assert every[0][0] == start
    assert every[-1][1] == end
    assert all(before[1] == after[0] for before, after in pairwise(every))
    for (first, last), unit in [(r, 24) for r in segments.days] + [(r, hours) for r in segments.steps]:
        assert rolled is not None
        assert last <= rolled
        assert not any(first <= hour < last for hour in stale_hours)
        length = timedelta(hours=unit)
        units = [first + length * n for n in range(-(-(last - first) // length))]
        # The running step is rolled up as far as the rollups go, of what has none by the hour.
        assert units[-1] + length == last or (unit == hours > 1 and last == rolled)
        assert all(one.minute == 0 and one.hour % unit == 0 for one in units)
        # A cut may lie between two units, never within one.
        assert not any(one < cut < min(one + length, last) for one in units for cut in cuts)
    assert hours < 24 or not segments.steps


def test_a_month_of_whole_utc_days_is_read_from_the_days_alone():
    segments = split(
        BASE, BASE + timedelta(days=8), cuts=[], standing=Standing(utc(2026, 12, 1)), step=timedelta(hours=1)
    )

    assert (segments.days, segments.steps, segments.rows) == ([(BASE, BASE + timedelta(days=8))], [], [])


def test_of_a_day_that_was_touched_the_other_quarters_are_still_read_from_the_rollups():
    touched, quarter = BASE + timedelta(hours=8), timedelta(hours=6)
    until = BASE + timedelta(hours=21)

    segments = split(
        BASE, BASE + timedelta(days=1), cuts=[], standing=Standing(until, {touched}), step=quarter
    )

    assert segments.days == []
    assert segments.steps == [(BASE, BASE + quarter), (BASE + 2 * quarter, until)]
    assert segments.rows == [(BASE + quarter, BASE + 2 * quarter), (until, BASE + timedelta(days=1))]
