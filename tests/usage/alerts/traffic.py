"""Weeks of simulated traffic to one provider, minute by minute in steps of five: a weekday rhythm, growth,
holidays, and whatever incidents are planted. Seeded, so that a run is the same every time."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import exp
from random import Random

from usage.alerts.conditions import Condition, Kind
from usage.alerts.incidents import SLOW_SHARE, Counted, Usual, is_too_dear, is_too_many
from usage.alerts.transitions import new_alert, step
from usage.models import Severity

MONDAY = datetime(2026, 8, 31, tzinfo=UTC)
STEP = timedelta(minutes=5)
HOUR_STEPS, QUARTER_STEPS = 12, 3
WEEK_STEPS = 7 * 24 * HOUR_STEPS
SETTLING = timedelta(minutes=10)
DAY_PROFILE = [2, 1, 1, 1, 1, 2, 5, 12, 20, 24, 25, 24, 20, 22, 24, 24, 22, 18, 12, 9, 8, 6, 4, 3]


@dataclass(frozen=True)
class Incident:
    """From `start` for `lasting`: the true shares of failed and slow calls, and how much dearer each is."""

    kind: str
    start: datetime
    lasting: timedelta
    failing: float | None = None
    slow: float | None = None
    times_cost: float = 1


@dataclass
class Traffic:
    """`busiest` calls in the first week's best hour. A share of calls fails and is slow always; a call costs
    `usd` on average, spread as wide as an exponential."""

    seed: int
    busiest: float = 300
    growth_a_week: float = 0.05
    failing: float = 0.03
    slow: float = 0.02
    usd: float = 0.02
    holidays: frozenset[int] = frozenset()
    incidents: list[Incident] = field(default_factory=list)

    def steps(self, weeks):
        """(moment, calls, failed, slow, cost) of each step."""
        random = Random(self.seed)
        for number in range(weeks * WEEK_STEPS):
            moment = MONDAY + number * STEP
            calls = poisson(random, self.calls_expected(moment) / HOUR_STEPS)
            now = [one for one in self.incidents if one.start <= moment < one.start + one.lasting]
            failing = next((one.failing for one in now if one.failing is not None), self.failing)
            slow = next((one.slow for one in now if one.slow is not None), self.slow)
            dearer = max((one.times_cost for one in now), default=1)
            failed = sum(random.random() < failing for _ in range(calls))
            late = sum(random.random() < slow for _ in range(calls - failed))
            cost = sum(random.expovariate(1 / self.usd) for _ in range(calls - failed)) * dearer
            yield moment + STEP, calls, failed, late, cost

    def calls_expected(self, moment):
        day = (moment - MONDAY).days
        weekend = 0.3 if moment.weekday() >= 5 else 1
        holiday = 0.2 if day in self.holidays else 1
        grown = (1 + self.growth_a_week) ** (day / 7)
        return self.busiest * DAY_PROFILE[moment.hour] / 25 * weekend * holiday * grown


def poisson(random, mean):
    """Knuth's, in pieces, so that no product underflows."""
    count = 0
    while mean > 30:
        count += poisson(random, 30)
        mean -= 30
    product, limit = random.random(), exp(-mean)
    while product > limit:
        product *= random.random()
        count += 1
    return count


KINDS = {
    name: Kind(name, "calls", name, clears_after=SETTLING) for name in ("error_rate", "latency", "cost_rise")
}


def judged(traffic, weeks):
    """[(kind, what, when)]: all that became of the three alerts."""
    window, hours_ago, told = deque(maxlen=HOUR_STEPS), [], []
    alerts = {}
    for moment, *figures in traffic.steps(weeks):
        window.append(figures)
        hours_ago.append(sum(cost for *_, cost in window))
        for kind, holds in conditions(window, hours_ago, alerts, traffic.usd):
            alert = alerts.get(kind)
            condition = Condition(kind, Severity.WARNING, kind) if holds else None
            if alert is None and condition is None:
                continue
            if alert is None:
                alert = alerts[kind] = new_alert(condition, KINDS[kind], now=moment)
            told += [(kind, str(what), moment) for what in step(alert, condition, KINDS[kind], now=moment)]
    return told


def conditions(window, hours, alerts, usd):
    latest = list(window)[-QUARTER_STEPS:]
    is_open = {kind: kind in alerts and alerts[kind].is_standing for kind in KINDS}

    def counted(steps, bad, out_of):
        return Counted(sum(map(out_of, steps)), sum(map(bad, steps)))

    for kind, bad, out_of, limit in (
        ("error_rate", lambda one: one[1], lambda one: one[0], 0.10),
        ("latency", lambda one: one[2], lambda one: one[0] - one[1], SLOW_SHARE),
    ):
        hour, quarter = counted(window, bad, out_of), counted(latest, bad, out_of)
        yield kind, is_too_many(hour, quarter, limit=limit, fewest=10, is_open=is_open[kind])
    now = len(hours) - 1
    usual = [hours[now - n * WEEK_STEPS] for n in range(1, 7) if now >= n * WEEK_STEPS + HOUR_STEPS]
    if len(usual) < 3:
        day = WEEK_STEPS // 7
        usual = [hours[now - n * day] for n in range(1, 8) if now >= n * day + HOUR_STEPS]
    yield (
        "cost_rise",
        is_too_dear(hours[now], Usual(usual, usd), factor=2, floor=1, is_open=is_open["cost_rise"]),
    )
