"""Waiting for what must happen, and time that passes at once. No test waits for a length of time."""

import asyncio
import time

# A machine that is busy with something else can be very slow. Nobody waits this long unless a test fails.
PATIENCE_SECONDS = 600


def wait_until(condition, *, else_say="it did not happen in time"):
    """Look again and again until `condition()` is true; fail the test if it never is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, else_say
        time.sleep(0.05)


async def until(condition, *, else_say="it did not happen in time"):
    """`wait_until` for a test on an event loop; `condition` is called in a thread."""
    await asyncio.to_thread(wait_until, condition, else_say=else_say)


def let_pass(seconds, *, on):
    """Put the clock of the event loop `on` forward: whatever it was to wait for until then is over now."""
    clock = on.time
    on.time = lambda: clock() + seconds
    # It may be asleep, until a moment that it worked out before.
    on.call_soon_threadsafe(lambda: None)
