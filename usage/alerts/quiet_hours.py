"""When a channel wants not to be disturbed. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(now: datetime, *, start: time | None, end: time | None, zone: str) -> datetime | None:
    """The end, in UTC, of the quiet hours that `now` lies in; None outside of them. `start` and `end` are
    local times of `zone`; hours that pass midnight end on the next day, equal ones are a whole day.

    Where the clocks leave an end out, it is taken by the offset before the change; where they show it twice,
    it is the first of the two.
    """
    if start is None or end is None:
        return None
    local = now.astimezone(ZoneInfo(zone))
    at = local.time()
    is_overnight = end <= start
    if is_overnight:
        if end <= at < start:
            return None
        day = local.date() + timedelta(days=1) if at >= start else local.date()
    elif start <= at < end:
        day = local.date()
    else:
        return None
    until = datetime.combine(day, end, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    # In the hour that the clocks show twice, the first of the two ends may have passed.
    return until if until > now else None
