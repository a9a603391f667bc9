"""The real server in a process of its own, on this test's database, with many clients at once."""

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
import pytest
from django.db import connection
from rest_framework_simplejwt.tokens import RefreshToken

from accounts import concurrency
from accounts.models import Plan
from tests.concurrency.processes import APPLICATION, sessions_of_processes
from tests.factories import make_config
from tests.ports import free_port
from tests.waiting import PATIENCE_SECONDS, wait_until
from usage.ledger import get_ledger
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

TEXT = "Backend Engineer at Jua Logistics. You write Python and Django and know PostgreSQL well."
CLIENTS = 60


@contextmanager
def server():
    """uvicorn with one worker; yields its root URL and the process."""
    port = free_port()
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"])
    environment = os.environ | {"DATABASE_URL": url.geturl(), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    environment["PGAPPNAME"] = APPLICATION
    command = [sys.executable, "-m", "uvicorn", "aditus.asgi:application", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or accepts_connections(port))
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def accepts_connections(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask_from_many_clients(root, user, *, meanwhile, then_hang_up=False):
    """Statuses of CLIENTS requests sent at once, and what `meanwhile` (run in a thread) returned."""
    headers = {"Authorization": f"Bearer {RefreshToken.for_user(user).access_token}"}
    timeout = aiohttp.ClientTimeout(total=2 * PATIENCE_SECONDS)

    async def one(session, number):
        url = f"{root}/api/v1/job-extractor/extract"
        # Of identical postings one would be asked about for all.
        body = {"text": f"{TEXT} Opening number {number}."}
        async with session.post(url, json=body, headers=headers, timeout=timeout) as reply:
            return reply.status

    async def everybody():
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            asking = [asyncio.ensure_future(one(session, number)) for number in range(CLIENTS)]
            seen = await asyncio.to_thread(meanwhile)
            if then_hang_up:
                for client in asking:
                    client.cancel()
                await asyncio.wait(asking)
                return [], seen
            return await asyncio.gather(*asking), seen

    return asyncio.run(everybody())


def when_the_vendor_is_asked(sandbox, then):
    """A function for a thread: waits until every client's request is at the vendor, then calls `then`."""

    def wait():
        wait_until(lambda: sandbox.hits()["total"] >= CLIENTS)
        try:
            return then()
        finally:
            connection.close()

    return wait


@pytest.fixture
def unlimited(user):
    Plan.objects.update(daily_token_limit=None)
    return user


def test_no_connection_is_held_while_vendors_work(unlimited, sandbox):
    make_config(model_name="sandbox-mini@slow=10", base_url=sandbox.openai, timeout=300)

    with server() as (root, _):
        statuses, held = ask_from_many_clients(
            root, unlimited, meanwhile=when_the_vendor_is_asked(sandbox, sessions_of_processes)
        )

    assert statuses == [201] * CLIENTS
    assert 0 < held <= 20, "the pool's own size, whatever the number of calls in flight"


def test_clients_that_hang_up_lose_no_row_and_leave_nothing_reserved(unlimited, sandbox):
    make_config(model_name="sandbox-mini@hang", base_url=sandbox.openai, timeout=300)

    with server() as (root, _):
        ask_from_many_clients(
            root, unlimited, meanwhile=when_the_vendor_is_asked(sandbox, lambda: None), then_hang_up=True
        )
        wait_until(lambda: not AIProviderUsageLog.objects.filter(status="started").exists())

    rows = AIProviderUsageLog.objects.filter(attempt__gte=1)
    assert rows.count() == sandbox.hits()["total"] == CLIENTS
    assert set(rows.values_list("status", "usage_source")) == {("aborted", "estimated")}
    assert sum(QuotaCounter.objects.values_list("reserved", flat=True)) == 0


def test_a_server_killed_in_mid_call_loses_no_row(unlimited, sandbox):
    make_config(model_name="sandbox-mini@hang", base_url=sandbox.openai, timeout=300)
    with server() as (root, process), pytest.raises(aiohttp.ClientError):
        ask_from_many_clients(root, unlimited, meanwhile=when_the_vendor_is_asked(sandbox, process.kill))

    concurrency.run(get_ledger().sweep(now=datetime(2099, 1, 1, tzinfo=UTC)))

    rows = AIProviderUsageLog.objects.filter(attempt__gte=1)
    assert rows.count() == sandbox.hits()["total"] == CLIENTS
    assert set(rows.values_list("status", flat=True)) == {"aborted"}
    assert sum(QuotaCounter.objects.values_list("reserved", flat=True)) == 0
