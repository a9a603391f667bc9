import asyncio
import threading

import pytest

from orchestration import background
from tests.waiting import PATIENCE_SECONDS


def test_it_runs_a_coroutine_on_one_long_lived_loop():
    async def which_loop():
        return id(asyncio.get_running_loop())

    assert background.run(which_loop()) == background.run(which_loop())


def test_it_raises_what_the_coroutine_raised():
    async def fails():
        raise LookupError("not there")

    with pytest.raises(LookupError, match="not there"):
        background.run(fails())


def test_it_serves_several_threads_at_once():
    meet = threading.Barrier(3, timeout=PATIENCE_SECONDS)

    async def meets():
        await asyncio.to_thread(meet.wait)
        return True

    results = []
    threads = [threading.Thread(target=lambda: results.append(background.run(meets()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [True, True, True]


def test_it_cancels_the_coroutine_when_the_caller_is_interrupted(monkeypatch):
    started, cancelled = threading.Event(), threading.Event()

    async def waits():
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def interrupted(self, timeout=None):
        # A signal handler raising in the waiting thread is the outermost seam there is.
        started.wait(PATIENCE_SECONDS)
        raise KeyboardInterrupt

    monkeypatch.setattr("concurrent.futures.Future.result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        background.run(waits())

    assert cancelled.wait(PATIENCE_SECONDS)
