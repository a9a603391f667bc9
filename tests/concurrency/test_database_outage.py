"""PostgreSQL goes away under a running server: clients are told so and when to come back, and all heals."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import psycopg
import pytest

from tests.ports import free_port
from tests.sandbox import Holding, running_sandbox
from tests.servers import own_postgres, postgres_programs
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = [
    # With the runs that have a PostgreSQL, although this one is the test's own.
    pytest.mark.postgres,
    pytest.mark.skipif(postgres_programs() is None, reason="needs initdb"),
]

TEXT = "Backend Engineer at Jua Logistics. You write Python and Django and know PostgreSQL well."
PASSWORD = "correct horse battery"
FURNISH = """
import django, sys
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.factories import make_config, make_user
make_user("alice@example.com", password=sys.argv[1])
make_config(model_name="sandbox-mini", base_url=sys.argv[2])
"""


class Client:
    def __init__(self, root):
        self.root, self.token = f"{root}/api/v1", ""

    def send(self, path, body=None):
        """(status, headers, envelope), however long it takes."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            reply = urlopen(Request(f"{self.root}/{path}", data, headers), timeout=PATIENCE_SECONDS)
        except HTTPError as refusal:
            reply = refusal
        with reply:
            return reply.status, reply.headers, json.load(reply)

    def log_in(self):
        return self.send("auth/token", {"email": "alice@example.com", "password": PASSWORD})

    def extract(self, number=0):
        """A posting of its own for every number, so that none is answered from the cache."""
        return self.send("job-extractor/extract", {"text": f"{TEXT} Reference {number}."})


@contextmanager
def server(database_url, vendor, **settings):
    """A furnished database and uvicorn on it; yields a client that has logged in."""
    port = free_port()
    # Its settings are those of production, because the suite's are patient with a slow machine.
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "aditus.settings",
        "REDIS_KEY_PREFIX": f"test-{uuid4().hex}",
        **settings,
    }
    furnish = [sys.executable, "-c", FURNISH, PASSWORD, vendor.openai]
    subprocess.run(furnish, env=environment, check=True, stderr=subprocess.DEVNULL)
    command = [sys.executable, "-m", "uvicorn", "aditus.asgi:application", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    client = Client(f"http://127.0.0.1:{port}")
    try:
        wait_until(lambda: process.poll() is not None or answers(client))
        yield client
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def answers(client):
    try:
        status, _, envelope = client.log_in()
    except OSError:
        return False
    if status != 200:
        return False
    client.token = envelope["data"]["access"]
    return True


def test_clients_are_told_so_and_served_again_when_it_is_back():
    vendor = Holding()
    with own_postgres() as database, running_sandbox(vendor) as running:
        with server(database.url, running) as client:
            asyncio.run(go_through_it(client, database, vendor, running))
        with psycopg.connect(database.url) as connection:
            asked = "SELECT status FROM ai_provider_usage_logs WHERE attempt > 0 ORDER BY id"
            statuses = [status for (status,) in connection.execute(asked)]
        hits = running.hits()["total"]

    # The sweeper closes the one that could not be settled.
    assert statuses == ["started", "success"]
    assert hits == len(statuses)


async def go_through_it(client, database, vendor, running):
    in_flight = asyncio.create_task(asyncio.to_thread(client.extract))
    await asyncio.to_thread(wait_until, lambda: running.hits()["total"] == 1)
    await asyncio.to_thread(database.stop)
    vendor.let_go()

    away = await asyncio.gather(
        in_flight,
        asyncio.to_thread(client.extract),
        asyncio.to_thread(client.send, "me"),
        asyncio.to_thread(client.log_in),
    )
    for status, headers, envelope in away:
        assert (status, envelope["error"]["code"]) == (503, "database_unavailable")
        assert int(headers["Retry-After"]) > 0

    await asyncio.to_thread(database.start)
    first = await asyncio.to_thread(client.extract, 1)
    assert first[0] == 201
    assert client.send("me")[0] == 200
