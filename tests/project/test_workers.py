"""Tasks reach a worker, with and without a broker server. Real processes, as an operator starts them."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from threading import Barrier, Thread
from urllib.request import urlopen
from uuid import uuid4

import pytest
from django.conf import settings
from kombu import Connection
from kombu.transport import filesystem

from aditus import broker
from aditus.celery import app
from tests import services
from tests.ports import free_port
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.embedded
SEND_AN_EXPIRED_TOKEN = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import TokenFamily, User
from accounts.celery_tasks import forget_expired_tokens
user = User.objects.create_user("gone-home@example.com")
TokenFamily.objects.create(user=user, started_at=timezone.now() - timedelta(days=31))
forget_expired_tokens.delay()
"""
WHAT_A_WORKER_KNOWS = """
import json
from aditus.celery import app
app.loader.import_default_modules()
print(json.dumps(sorted(app.tasks)))
"""
COUNT_TOKENS = """
from accounts.models import TokenFamily
print("left:", TokenFamily.objects.count())
"""


@pytest.fixture
def environment(tmp_path):
    """A fresh embedded installation in `tmp_path`, as child processes see it."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if key not in {"DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL"}
    }
    return inherited | {"DATA_DIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}


def manage(environment, *arguments):
    """Run a command to its end; returns what it printed."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@contextmanager
def running(environment, *command):
    """A process of ours for the length of a block; told to stop at its end, if it has not stopped by then."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=settings.BASE_DIR, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)


def answers(url):
    try:
        with urlopen(url, timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


def children_of(pid):
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True)
    lines = [line.strip().partition(" ") for line in listed.stdout.splitlines()]
    return {int(child): arguments for child, _, arguments in lines}


def test_messages_between_threads_arrive_once_each_and_in_order(tmp_path):
    options = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path)}
    options["control_folder"] = str(tmp_path / "control")
    received = []

    def connect():
        return Connection(transport="aditus.broker.FileTransport", transport_options=options)

    def produce():
        with connect() as connection, connection.SimpleQueue("numbers") as queue:
            for number in range(200):
                queue.put({"number": number})

    producer = Thread(target=produce)
    producer.start()
    with connect() as connection, connection.SimpleQueue("numbers") as queue:
        while len(received) < 200:
            message = queue.get(timeout=PATIENCE_SECONDS)
            received.append(message.payload["number"])
            message.ack()
    producer.join()

    assert received == list(range(200))
    assert not list(tmp_path.glob("*.partial"))


def bound_at_once(folder, channel_class, threads=8):
    """How many of the queues that `threads` bind to a new exchange at once are in its table afterwards."""
    together = Barrier(threads)

    def channel():
        connection = Connection(transport="filesystem", transport_options={"control_folder": str(folder)})
        return channel_class(connection.transport)

    def bind(queue):
        bound_by = channel()
        together.wait()
        with suppress(ValueError, OSError):  # kombu's own reads a table that is half written or not there yet
            bound_by._queue_bind("tasks", "", "", queue)

    binding = [Thread(target=bind, args=(f"queue{number}",)) for number in range(threads)]
    for thread in binding:
        thread.start()
    for thread in binding:
        thread.join()
    try:
        return len(channel().get_table("tasks"))
    except ValueError:
        return 0


def test_queues_bound_at_the_same_moment_are_all_bound(tmp_path):
    def bound(channel_class):
        return bound_at_once(Path(mkdtemp(dir=tmp_path)), channel_class)

    assert {bound(broker.Channel) for _ in range(50)} == {8}
    assert any(bound(filesystem.Channel) < 8 for _ in range(2000)), "negative control: one in five loses some"


def test_a_worker_knows_every_task_that_beat_sends(environment):
    done = subprocess.run(
        [sys.executable, "-c", WHAT_A_WORKER_KNOWS],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip

    sent = {entry["task"] for entry in app.conf.beat_schedule.values()}

    assert sent
    assert sent <= set(json.loads(done.stdout))


@pytest.mark.redis
def test_a_worker_takes_tasks_from_redis(environment):
    environment["REDIS_URL"] = services.REDIS_URL
    environment["REDIS_KEY_PREFIX"] = f"test-{uuid4().hex}"
    manage(environment, "migrate", "-v0")
    manage(environment, "shell", "-c", SEND_AN_EXPIRED_TOKEN)

    with running(environment, "-m", "celery", "-A", "aditus", "worker", "--pool", "solo"):
        wait_until(lambda: "left: 0" in manage(environment, "shell", "-c", COUNT_TOKENS))


def test_run_embedded_serves_works_and_stops_as_one(environment):
    port = free_port()

    with running(environment, "manage.py", "run_embedded", "--port", str(port)) as embedded:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
        manage(environment, "shell", "-c", SEND_AN_EXPIRED_TOKEN)
        wait_until(lambda: "left: 0" in manage(environment, "shell", "-c", COUNT_TOKENS))
        programs = children_of(embedded.pid)
        embedded.send_signal(signal.SIGINT)
        stdout, _ = embedded.communicate(timeout=PATIENCE_SECONDS)

    assert len(programs) == 2
    assert embedded.returncode == 0
    assert "Nobody can log in to the console yet" in stdout
    assert "No provider is configured yet" in stdout
    assert stdout.endswith("Stopped.\n")
    assert not answers(f"http://127.0.0.1:{port}/healthz")
    assert not any(os.path.exists(f"/proc/{pid}") for pid in programs)  # noqa: PTH110


def test_run_embedded_stops_and_says_so_when_a_part_dies(environment):
    port = free_port()

    with running(environment, "manage.py", "run_embedded", "--port", str(port)) as embedded:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"))
        worker = next(pid for pid, arguments in children_of(embedded.pid).items() if "celery" in arguments)
        os.kill(worker, signal.SIGKILL)
        _, stderr = embedded.communicate(timeout=PATIENCE_SECONDS)

    assert embedded.returncode == 1
    assert "The worker ended with status -9, so everything was stopped." in stderr
    assert not answers(f"http://127.0.0.1:{port}/healthz")
