import asyncio
import os
import threading
import warnings

import pytest

from accounts import concurrency
from tests.waiting import PATIENCE_SECONDS


def test_it_runs_a_coroutine_on_one_long_lived_loop():
    async def which_loop():
        return id(asyncio.get_running_loop())

    assert concurrency.run(which_loop()) == concurrency.run(which_loop())


def test_it_raises_what_the_coroutine_raised():
    async def fails():
        raise LookupError("not there")

    with pytest.raises(LookupError, match="not there"):
        concurrency.run(fails())


def test_one_goes_ahead_and_the_others_find_what_it_has_read():
    known, reads, let_go = {}, [], asyncio.Event()

    async def at_once():
        ahead = concurrency.OneAhead()

        async def ask(key):
            async def find():
                if key not in known:
                    reads.append(key)
                    await let_go.wait()
                    known[key] = key
                return known[key]

            return await ahead.of(key, find)

        asking = [asyncio.ensure_future(ask(key)) for key in ("one", "one", "two", "one")]
        await asyncio.sleep(0)
        let_go.set()
        return await asyncio.gather(*asking)

    assert asyncio.run(at_once()) == ["one", "one", "two", "one"]
    assert reads == ["one", "two"]


def test_when_the_one_ahead_fails_the_others_go_on_together():
    under_way, most = [], []

    async def find():
        under_way.append(1)
        most.append(len(under_way))
        await asyncio.sleep(0)
        under_way.pop()
        raise LookupError

    async def at_once():
        ahead = concurrency.OneAhead()
        return await asyncio.gather(*(ahead.of("it", find) for _ in range(4)), return_exceptions=True)

    assert [type(one) for one in asyncio.run(at_once())] == [LookupError] * 4
    assert most == [1, 1, 2, 3]


def test_it_serves_several_threads_at_once():
    meet = threading.Barrier(3, timeout=PATIENCE_SECONDS)

    async def meets():
        await asyncio.to_thread(meet.wait)
        return True

    results = []
    threads = [threading.Thread(target=lambda: results.append(concurrency.run(meets()))) for _ in range(3)]
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
        concurrency.run(waits())

    assert cancelled.wait(PATIENCE_SECONDS)


def exit_code_of_fork(does):
    """0 when what `does` in a child process is true."""
    with warnings.catch_warnings():
        # That other threads are there is what the test is about.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if does() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_what_a_process_holds_one_of_is_made_once_and_anew_after_a_fork():
    held = concurrency.PerProcess(object)
    ours = held.get()

    assert held.get() is ours
    assert exit_code_of_fork(lambda: held.get() is not ours and held.get() is held.get()) == 0
    assert exit_code_of_fork(lambda: held.get() is ours) == 1
    assert held.get() is ours


def test_a_fork_while_another_thread_makes_it_leaves_no_lock_behind():
    making, let_go = threading.Event(), threading.Event()
    parent = os.getpid()

    def make():
        if os.getpid() == parent:
            making.set()
            let_go.wait(PATIENCE_SECONDS)
        return object()

    held = concurrency.PerProcess(make)
    maker = threading.Thread(target=held.get)
    maker.start()
    making.wait(PATIENCE_SECONDS)
    try:
        assert exit_code_of_fork(lambda: held.get() is not None) == 0
    finally:
        let_go.set()
        maker.join()


def test_synchronous_code_gets_into_a_loop_after_a_fork_too():
    async def one():
        return 1

    concurrency.run(one())

    assert exit_code_of_fork(lambda: concurrency.run(one()) == 1) == 0
