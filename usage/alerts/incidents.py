"""When figures are an incident. Pure functions over counts and costs.

A share of calls (failed, or too slow) is an incident when it is above its limit beyond chance: when so many
bad calls would come less often than once in a thousand looks if the true share were just the limit. That is
the exact one-sided binomial test, or a limit below Clopper and Pearson's lower bound ("The use of confidence
or fiducial limits illustrated in the case of the binomial", Biometrika 26, 1934), right for ten calls and for
ten thousand. Against 10 %, 2 of 17 prove nothing, 7 of 17 do, 14 of 50 do.

Answers are too slow when their 95th percentile is above the limit, which is to say when more than 5 % of them
are slower than it: a share again.

A cost is compared with the same hour of the same weekday in the weeks before, by their median, which neither
a holiday nor an earlier incident moves. To the factor is added what chance and habit make of an hour, five
deviations: how much these weeks differ among themselves (the median absolute deviation scaled to a standard
deviation: P. J. Rousseeuw, C. Croux, "Alternatives to the median absolute deviation", JASA 88, 1993), and how
much a sum over few calls differs from itself (a compound Poisson sum over calls whose costs are as wide as
their mean: its variance is twice the mean of one times the mean of all; its upper tail is longer than a
normal one by about half the squared deviations, which is a dozen calls).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

SLOW_SHARE = 0.05
# What is open closes below this part of what opens it.
CLOSES_AT = 0.8
# A median of fewer hours is no habit to depart from.
FEWEST_USUAL = 3

# How often chance may look like an incident; with a look a minute, one in twenty would cry wolf all day.
_CHANCE = 0.001
_DEVIATIONS = 5
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class Counted:
    """`bad` of `calls`."""

    calls: int = 0
    bad: int = 0

    @property
    def share(self) -> float:
        return self.bad / self.calls if self.calls else 0.0

    def is_proven_above(self, limit: float) -> bool:
        """Whether chance makes so many bad calls of a share of `limit` (between 0 and 1) less than once in a
        thousand looks."""
        return self.share > limit and _tail(self.bad, self.calls, limit) < _CHANCE


def _tail(bad: int, calls: int, share: float) -> float:
    """P(X >= bad) of a binomial distribution, for `bad` above its mean: there the terms fall at once."""
    log_term = (
        math.lgamma(calls + 1)
        - math.lgamma(bad + 1)
        - math.lgamma(calls - bad + 1)
        + bad * math.log(share)
        + (calls - bad) * math.log1p(-share)
    )
    term = total = math.exp(log_term)
    odds = share / (1 - share)
    for number in range(bad, calls):
        term *= (calls - number) / (number + 1) * odds
        total += term
        if term < total * 1e-9:
            break
    return total


def is_too_many(hour: Counted, latest: Counted, *, limit: float, fewest: int, is_open: bool) -> bool:
    """Whether the share above `limit` is an incident, of the calls of an hour and of its latest quarter.

    It opens when either proves it, the hour only while the latest calls are above the limit too: what has
    been repaired is over, whatever the hour was like. It stays open until the latest calls are well below it;
    with no call since, the hour speaks for them.
    """
    if is_open:
        speaks = latest if latest.calls else hour
        return speaks.share > CLOSES_AT * limit
    if latest.calls >= fewest and latest.is_proven_above(limit):
        return True
    return hour.calls >= fewest and hour.is_proven_above(limit) and latest.share > limit


@dataclass(frozen=True, slots=True)
class Usual:
    """What hours like this one cost, and what one call costs on average; in one currency."""

    hours: Sequence[float] = ()
    per_call: float = 0.0

    def limit(self, *, factor: float) -> float | None:
        """Up to what such an hour may cost; None when too few are known."""
        if len(self.hours) < FEWEST_USUAL:
            return None
        middle = median(self.hours)
        of_habit = _MAD_TO_SIGMA * median(abs(cost - middle) for cost in self.hours)
        of_chance = 2 * self.per_call * factor * max(middle, fmean(self.hours))
        deviation = math.sqrt(of_habit**2 + of_chance)
        return factor * middle + _DEVIATIONS * deviation + _DEVIATIONS**2 / 2 * self.per_call


def is_too_dear(cost: float, usual: Usual, *, factor: float, floor: float, is_open: bool) -> bool:
    """Whether an hour's cost is an incident; one below `floor` is no concern whatever was usual."""
    limit = usual.limit(factor=factor)
    if limit is None:
        return False
    limit = max(limit, floor)
    return cost > (CLOSES_AT * limit if is_open else limit)
