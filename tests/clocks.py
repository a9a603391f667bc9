"""Clocks of guards that tests move."""

import time
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from orchestration.guards.fallback import FallbackGuards


class Clock:
    """It stands still until it is moved; seconds since the epoch."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


def at(guards, now):
    """The guards of such a clock, at that time."""
    for store in _stores(guards):
        store._clock.now = now
    return guards


def by_the_process(guards):
    """Guards that go by the clock of this process, also those in Redis, whose own no test can move."""
    return _by(time.time, guards)


def stopped(guards, now):
    """Guards whose clocks stand still: nothing lapses."""
    return _by(Clock(now), guards)


@contextmanager
def _by(clock, guards):
    with ExitStack() as stack:
        for store in _stores(guards):
            stack.enter_context(patch.object(store, "_clock", clock))
        yield


def _stores(guards):
    return (guards._shared, guards._own) if isinstance(guards, FallbackGuards) else (guards,)
