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
    hourly=st.booleans(),
)
def test_segments_cover_the_period_once_and_use_only_what_is_true(edges, until, stale, cuts, hourly):
    start, end = (BASE + timedelta(minutes=edge) for edge in edges)
    cuts = sorted(BASE + timedelta(minutes=cut) for cut in cuts)
    cuts = [cut for cut in cuts if start < cut < end]
    rolled = None if until is None else BASE + timedelta(hours=until)
    stale_hours = {BASE + timedelta(hours=hour) for hour in stale}

    segments = split(start, end, cuts=cuts, standing=Standing(rolled, stale_hours), hourly=hourly)

    every = sorted([*segments.days, *segments.hours, *segments.rows])
    assert every[0][0] == start
    assert every[-1][1] == end
    assert all(before[1] == after[0] for before, after in pairwise(every))
    for (first, last), unit in [(r, 24) for r in segments.days] + [(r, 1) for r in segments.hours]:
        assert rolled is not None
        assert last <= rolled
        assert not any(first <= hour < last for hour in stale_hours)
        units = [first + timedelta(hours=unit) * n for n in range((last - first) // timedelta(hours=unit))]
        assert units[-1] + timedelta(hours=unit) == last
        assert all(one.minute == 0 and (unit == 1 or one.hour == 0) for one in units)
        # A cut may lie between two units, never within one.
        assert not any(one < cut < one + timedelta(hours=unit) for one in units for cut in cuts)
    assert hourly or not segments.hours


def test_a_month_of_whole_utc_days_is_read_from_the_days_alone():
    segments = split(
        BASE, BASE + timedelta(days=8), cuts=[], standing=Standing(utc(2026, 12, 1)), hourly=True
    )

    assert (segments.days, segments.hours, segments.rows) == ([(BASE, BASE + timedelta(days=8))], [], [])
