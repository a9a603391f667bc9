"""The web server as several processes: forked from one that has imported everything, and replaced."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
import uvicorn

from aditus.web_processes import Watched, WebProcess
from tests.ports import free_port
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.any_database, pytest.mark.processes, pytest.mark.slow]

if sys.platform != "linux":
    pytest.skip("elsewhere web processes are not forked", allow_module_level=True)


@contextmanager
def web():
    """`python -m aditus.web` as two processes; yields its address and the parent."""
    port = free_port()
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "WEB_CONCURRENCY": "2"}
    command = [sys.executable, "-m", "aditus.web", "--port", str(port)]
    parent = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: parent.poll() is not None or is_up(port))
        yield port, parent
    finally:
        parent.terminate()
        parent.wait(PATIENCE_SECONDS)


def is_up(port):
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE_SECONDS) as answer:
            return answer.status == 200
    except OSError:
        return False


def children(parent):
    return {int(pid) for pid in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()}


def is_new_interpreter(pid):
    return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()


def kib(pid, *kinds):
    """The sum of so many kinds of a process's memory, by proc(5)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    found = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return sum(found[kind] for kind in kinds)


def test_web_processes_share_their_memory_and_are_replaced_when_they_die_or_are_told_to():
    with web() as (port, parent):
        first = children(parent)
        shares = [kib(pid, "Private_Clean", "Private_Dirty") / kib(pid, "Rss") for pid in first]
        threads = list(Path(f"/proc/{parent.pid}/task").iterdir())
        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(children(parent) - {victim}) == 2)
        second = children(parent)
        after_a_kill = [is_new_interpreter(pid) for pid in second]
        parent.send_signal(signal.SIGHUP)
        wait_until(lambda: len(children(parent) - second) >= 2 and not children(parent) & second)
        third = [pid for pid in children(parent) if is_new_interpreter(pid)]
        answers_on = is_up(port)

    assert len(first) == 2
    assert max(shares) < 0.25, "a process has for itself what it wrote"
    assert len(threads) == 1, "what is forked from several threads may wait for ever for a lock"
    assert after_a_kill == [False, False]
    assert first - {victim} < second
    assert len(third) == 2, "SIGHUP asks for what is installed now"
    assert answers_on
    assert parent.returncode == 0


def test_the_death_of_a_process_that_is_asked_how_it_is_is_seen_at_once():
    process = Watched(uvicorn.Config("aditus.asgi:application"), [])
    process.process = WebProcess(target=signal.pause)
    process.start()

    process.process.kill()
    process.process.join()

    assert process.parent_conn.poll(0), "or the supervisor waits for the answer of the dead"
