"""What a person asked to see on a page of figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from usage.stats import Period
from usage.stats.period import Bucket

# Up to so long a period is looked at hour by hour.
HOURLY_UP_TO = timedelta(days=2, hours=1)


@dataclass(frozen=True, slots=True)
class Selection:
    """A period, of one provider (its id) or of all (None), as of `now`."""

    period: Period
    provider: int | None
    now: datetime

    @property
    def bucket(self) -> Bucket:
        return "hour" if self.period.end - self.period.start <= HOURLY_UP_TO else "day"
